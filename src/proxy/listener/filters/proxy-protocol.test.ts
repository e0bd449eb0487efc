import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ProxyProtocolSchema } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import { ConfigError } from "#proxy/config-error";
import type { Tlv } from "#proxy/codec/proxy-protocol/tlv";
import { writeProxyProtocolHeader } from "#proxy/codec/proxy-protocol/write-header";
import type { ConnectionFacts, ListenerFilter } from "#proxy/listener/listener-filter";
import { proxyProtocolCompiler } from "./proxy-protocol.ts";

const OWN = { address: "127.0.0.1", port: 1 };
const ADDRESSES = { source: { address: "10.0.0.1", port: 2 }, destination: { address: "10.0.0.2", port: 3 } };

function compile(json: JsonValue): ListenerFilter {
  return proxyProtocolCompiler.compile(anyPack(ProxyProtocolSchema, fromJson(ProxyProtocolSchema, json)), "f", undefined);
}

interface Inspected {
  readonly verdict: string;
  readonly facts: ConnectionFacts;
}

function inspect(json: JsonValue, tlvs: readonly Tlv[], cut = 0): Inspected {
  const facts: ConnectionFacts = {
    destination: OWN,
    source: OWN,
    directSource: OWN,
    serverName: "",
    transportProtocol: "",
    applicationProtocols: [],
    destinationRestored: false,
  };
  const header = writeProxyProtocolHeader(2, ADDRESSES, tlvs);
  // One that is cut off, in a header that is whole.
  if (cut > 0) header[header.length - cut - 1] = 200;
  const socket = { facts, originalDestination: () => undefined, consume: () => {} };
  return { verdict: compile(json).inspect(socket, header), facts };
}

const tlv = (type: number, text: string): Tlv => ({ type, value: Buffer.from(text, "latin1") });

test("values of extensions become metadata where a rule asks for their type, the first of each type", () => {
  const rules = [
    { tlvType: 0xea, onTlvPresent: { key: "vpc" } },
    { tlvType: 2, onTlvPresent: { metadataNamespace: "other", key: "authority" } },
    { tlvType: 3 },
  ];
  const { verdict, facts } = inspect({ rules }, [tlv(0xea, "a\xff"), tlv(4, ""), tlv(2, "b"), tlv(0xea, "c"), tlv(3, "d")]);
  assert.equal(verdict, "continue");
  assert.deepEqual(facts.dynamicMetadata, { "envoy.filters.listener.proxy_protocol": { vpc: "a!" }, other: { authority: "b" } });
  assert.equal(facts.proxyProtocolTlvs, undefined);
});

test("extensions are kept for the host where they may pass", () => {
  const tlvs = [tlv(0xea, "a"), tlv(4, "")];
  assert.deepEqual(inspect({ passThroughTlvs: { matchType: "INCLUDE", tlvType: [4] } }, tlvs).facts.proxyProtocolTlvs?.length, 1);
  assert.deepEqual(inspect({ passThroughTlvs: {} }, tlvs).facts.proxyProtocolTlvs?.length, 2);
});

test("an extension that is cut off closes the connection", () => {
  assert.equal(inspect({}, [tlv(0xea, "a")], 1).verdict, "close");
});

test("what is no header is refused when a header would have to be there, or passed on at once where none needs to come", () => {
  const verdict = (json: JsonValue, text: string): string => {
    const facts = inspect({}, []).facts;
    return compile(json).inspect({ facts, originalDestination: () => undefined, consume: () => {} }, Buffer.from(text));
  };
  assert.equal(verdict({}, "fifteen bytes !"), "more");
  assert.equal(verdict({}, "sixteen bytes !!"), "close");
  assert.equal(verdict({}, "a line\r\n"), "close");
  assert.equal(verdict({ allowRequestsWithoutProxyProtocol: true }, "a"), "continue");
});

test("types that no byte holds and rules without a key are refused", () => {
  assert.throws(
    () => compile({ rules: [{ tlvType: 256 }, { onTlvPresent: {} }] }),
    (error) => error instanceof ConfigError && /rules\[0\]\.tlv_type.*rules\[1\]\.on_tlv_present\.key/s.test(error.message),
  );
});
