import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { TcpProxySchema } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { Violations } from "#proxy/field-check";
import { FilterState } from "#proxy/http/filter-state";
import type { ConnectionInfo } from "#proxy/net/connection";
import { xxHash64 } from "#runtime/xx-hash64";
import { readTcpProxy } from "./tcp-proxy-config.ts";
import type { TcpProxyConfig } from "./tcp-proxy-config.ts";

const ADDRESS = { address: "10.0.0.1", port: 1 };

function read(json: JsonObject): TcpProxyConfig {
  const violations = new Violations();
  const config = readTcpProxy(fromJson(TcpProxySchema, { statPrefix: "t", cluster: "c", ...json }), "p", violations);
  violations.throwIfAny("tcp proxy");
  return config;
}

function hash(policy: JsonObject, filterState?: FilterState): bigint | undefined {
  const info: ConnectionInfo = {
    local: ADDRESS,
    remote: ADDRESS,
    directRemote: ADDRESS,
    requestedServerName: undefined,
    tls: undefined,
    filterState,
  };
  return read({ hashPolicy: [policy] }).hash?.(info);
}

test("a host is chosen by the client's address, or by what a filter left to be hashed", () => {
  const state = new FilterState();
  state.set("hashed", "a", false, true);
  state.set("text", "a", false);
  assert.equal(read({}).hash, undefined);
  assert.equal(hash({ sourceIp: {} }), xxHash64("10.0.0.1"));
  assert.deepEqual(
    ["hashed", "text", "none"].map((key) => hash({ filterState: { key } }, state)),
    [xxHash64("a"), undefined, undefined],
  );
  assert.equal(hash({ filterState: { key: "hashed" } }), undefined);
});

test("what says nothing, or too much, is refused", () => {
  assert.throws(() => read({ hashPolicy: [{}] }), /hash_policy\[0\]/);
  assert.throws(() => read({ hashPolicy: [{ filterState: {} }] }), /hash_policy\[0\]\.filter_state\.key/);
  assert.throws(() => read({ hashPolicy: [{ sourceIp: {} }, { sourceIp: {} }] }), /hash_policy\[1\]/);
});
