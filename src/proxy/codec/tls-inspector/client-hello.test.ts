import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { connect } from "node:tls";
import * as fc from "fast-check";
import { inspectClientHello } from "./client-hello.ts";

/** What Node's own TLS stack sends first. */
async function clientHello(options: { servername?: string; ALPNProtocols?: string[]; maxVersion?: "TLSv1.2" }): Promise<Buffer> {
  const wire = new PassThrough();
  const sent: Buffer[] = [];
  const socket = new PassThrough();
  socket._write = (chunk: Buffer, _encoding, done): void => {
    sent.push(chunk);
    done();
    wire.write("x");
  };
  const tls = connect({ socket, ...options });
  tls.on("error", () => {});
  await once(wire, "data");
  tls.destroy();
  return Buffer.concat(sent);
}

const record = (content: Uint8Array): Buffer => Buffer.concat([Buffer.of(22, 3, 1, content.length >> 8, content.length & 255), content]);

test("server name and protocols of a real client, with the answer the same wherever its bytes are split", async () => {
  const hello = await clientHello({ servername: "Reviews.default.svc", ALPNProtocols: ["istio", "h2"] });
  const expected = { state: "tls", serverName: "Reviews.default.svc", applicationProtocols: ["istio", "h2"] };
  assert.deepEqual(inspectClientHello(hello), expected);
  assert.deepEqual(inspectClientHello(Buffer.concat([hello, Buffer.from("more")])), expected);
  for (let end = 0; end < hello.length; end++) assert.deepEqual(inspectClientHello(hello.subarray(0, end)), { state: "more" }, String(end));
});

test("a client without a name or protocols is TLS all the same", async () => {
  const hello = await clientHello({ maxVersion: "TLSv1.2" });
  assert.deepEqual(inspectClientHello(hello), { state: "tls", serverName: "", applicationProtocols: [] });
});

test("a message in many records is read as one", async () => {
  const message = (await clientHello({ servername: "a.b" })).subarray(5);
  for (const size of [1, 2, 3, 7, 100]) {
    const parts: Buffer[] = [];
    for (let at = 0; at < message.length; at += size) parts.push(record(message.subarray(at, at + size)));
    const bytes = Buffer.concat(parts);
    assert.equal(inspectClientHello(bytes).state, "tls");
    for (let end = 0; end < bytes.length; end += 3) assert.equal(inspectClientHello(bytes.subarray(0, end)).state, "more");
  }
});

test("plain text is known by its first byte, broken hellos by their lengths", async () => {
  assert.equal(inspectClientHello(new Uint8Array(0)).state, "more");
  for (const text of ["G", "GET / HTTP/1.1\r\n\r\n", "\x16\x02", "\x16\x03\x01\0\0", "\x16\x03\x01\0\x04\x02\0\0\0"]) {
    assert.equal(inspectClientHello(Buffer.from(text, "latin1")).state, "not-tls", JSON.stringify(text));
  }
  const hello = await clientHello({ servername: "a.b" });
  // The length of the session id, past everything that follows.
  const broken = Buffer.from(hello);
  broken[5 + 4 + 2 + 32] = 255;
  assert.equal(inspectClientHello(broken).state, "not-tls");
});

test("no bytes whatever make it throw, and more bytes never take an answer back", async () => {
  const hello = await clientHello({ servername: "a.example", ALPNProtocols: ["h2"] });
  const mutated = fc.tuple(fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 5 }), fc.nat(hello.length));
  fc.assert(
    fc.property(mutated, ([changes, cut]) => {
      const bytes = Buffer.from(hello);
      for (const [at, value] of changes) bytes[at] = value;
      const early = inspectClientHello(bytes.subarray(0, cut));
      const late = inspectClientHello(bytes);
      if (early.state !== "more") assert.deepEqual(late, early);
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void inspectClientHello(bytes)));
});
