// What looks at the first bytes of a connection: the PROXY protocol, a TLS hello, HTTP's first line. No bytes make it throw, and more
// bytes never take an answer back.
import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { inspectProtocol } from "#proxy/codec/http1/protocol-inspector";
import { readProxyProtocolHeader } from "#proxy/codec/proxy-protocol/proxy-protocol-header";
import { readTlvs } from "#proxy/codec/proxy-protocol/tlv";
import { inspectClientHello } from "#proxy/codec/tls-inspector/client-hello";
import { mutated } from "./mutation.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const prefixes = (seeds: readonly Buffer[]): fc.Arbitrary<readonly [Buffer, number]> => fc.tuple(mutated(seeds), fc.nat(1000));

const uint16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const sized = (bytes: Buffer): Buffer => Buffer.concat([uint16(bytes.length), bytes]);

const V2 = latin1("\r\n\r\n\0\r\nQUIT\n");
const FOUR = Buffer.of(10, 1, 2, 3, 10, 9, 8, 7, 18, 52, 0, 80);
const SIX = Buffer.concat([Buffer.alloc(15, 32), Buffer.alloc(17, 33), Buffer.of(1, 2, 3, 4)]);

const PROXY_HEADERS: readonly Buffer[] = [
  latin1("PROXY TCP4 1.2.3.4 5.6.7.8 111 65535\r\nGET /"),
  latin1("PROXY TCP6 1:2:3::4 5::8 1 2\r\n"),
  latin1("PROXY UNKNOWN whatever\r\n"),
  Buffer.concat([V2, Buffer.of(0x21, 0x11), sized(FOUR)]),
  Buffer.concat([V2, Buffer.of(0x21, 0x21), sized(SIX)]),
  Buffer.concat([V2, Buffer.of(0x21, 0x11), sized(Buffer.concat([FOUR, Buffer.of(4, 0, 1, 9, 2), sized(latin1("a.example"))]))]),
  Buffer.concat([V2, Buffer.of(0x20, 0, 0, 0)]),
];

export const proxyProtocol = fc.property(prefixes(PROXY_HEADERS), ([bytes, at]) => {
  const late = readProxyProtocolHeader(bytes);
  const early = readProxyProtocolHeader(bytes.subarray(0, at % (bytes.length + 1)));
  if (early.state !== "more") assert.deepEqual(late, early);
  if (late.state !== "done") return;
  assert.ok(late.length <= bytes.length);
  readTlvs(late.extensions);
});

/** A hello as TLS 1.2 and 1.3 clients send it. */
function hello(serverName: string, protocols: readonly string[]): Buffer {
  const extension = (type: number, body: Buffer): Buffer => Buffer.concat([uint16(type), sized(body)]);
  const alpn = Buffer.concat(protocols.map((name) => Buffer.concat([Buffer.of(name.length), latin1(name)])));
  const extensions = Buffer.concat([
    extension(0, sized(Buffer.concat([Buffer.of(0), sized(latin1(serverName))]))),
    extension(16, sized(alpn)),
    extension(43, Buffer.of(2, 3, 4)),
  ]);
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    Buffer.of(0),
    sized(Buffer.of(19, 1)),
    Buffer.of(1, 0),
    sized(extensions),
  ]);
  const message = Buffer.concat([Buffer.of(1, 0), sized(body)]);
  return Buffer.concat([Buffer.of(22, 3, 1), sized(message)]);
}

export const HELLO = hello("a.example", ["h2", "http/1.1"]);

export const clientHello = fc.property(prefixes([HELLO, hello("b.example", ["istio"])]), ([bytes, at]) => {
  const early = inspectClientHello(bytes.subarray(0, at % (bytes.length + 1)));
  if (early.state !== "more") assert.deepEqual(inspectClientHello(bytes), early);
});

const FIRST_LINES = ["GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT a:1 HTTP/1.0\r\n", "GET /\r\n"].map(latin1);

export const firstLine = fc.property(prefixes(FIRST_LINES), ([bytes, at]) => {
  const early = inspectProtocol(bytes.subarray(0, at % (bytes.length + 1)));
  if (early !== "more") assert.equal(inspectProtocol(bytes), early);
});
