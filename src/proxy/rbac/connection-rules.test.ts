import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { RBACSchema } from "#envoy/gen/envoy/config/rbac/v3/rbac_pb";
import { FilterState } from "#proxy/http/filter-state";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { TlsInfo } from "#proxy/net/tls-info";
import { compileConnectionRules } from "./connection-rules.ts";

const ANY = { any: true };

function info(over: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return {
    local: { address: "10.0.0.9", port: 8080 },
    remote: { address: "10.1.2.3", port: 4000 },
    directRemote: { address: "192.168.0.1", port: 4001 },
    requestedServerName: "web.example",
    tls: undefined,
    ...over,
  };
}

function tls(uri: string[], dns: string[], subject: string): TlsInfo {
  const names = (type: string): string[] => (type === "URI" ? uri : type === "DNS" ? dns : []);
  return { peer: { names, subject }, peerValidated: true } as unknown as TlsInfo;
}

function allows(policy: JsonObject, about: Partial<ConnectionInfo> = {}, action = "ALLOW"): boolean {
  const policies = { p: { permissions: [ANY], principals: [ANY], ...policy } };
  return compileConnectionRules(fromJson(RBACSchema, { action, policies }), "rules", (path, message) => assert.fail(`${path}: ${message}`))(
    info(about),
  );
}
const permits = (permission: JsonObject, about?: Partial<ConnectionInfo>): boolean => allows({ permissions: [permission] }, about);
const knows = (principal: JsonObject, about?: Partial<ConnectionInfo>): boolean => allows({ principals: [principal] }, about);

test("ALLOW lets in who matches a policy, DENY everybody else", () => {
  const port = (destinationPort: number): JsonObject => ({ permissions: [{ destinationPort }] });
  assert.deepEqual([allows(port(8080)), allows(port(1))], [true, false]);
  assert.deepEqual([allows(port(8080), {}, "DENY"), allows(port(1), {}, "DENY")], [false, true]);
  assert.equal(compileConnectionRules(fromJson(RBACSchema, {}), "rules", () => {})(info()), false, "no policy allows nobody");
});

test("permissions ask for destination and server name", () => {
  assert.deepEqual(
    [
      permits({ destinationIp: { addressPrefix: "10.0.0.0", prefixLen: 24 } }),
      permits({ destinationIp: { addressPrefix: "10.0.1.0", prefixLen: 24 } }),
      permits({ destinationPortRange: { start: 8080, end: 8081 } }),
      permits({ destinationPortRange: { start: 8000, end: 8080 } }),
      permits({ requestedServerName: { suffix: ".example" } }),
      permits({ requestedServerName: { exact: "web.example" } }, { requestedServerName: undefined }),
      permits({ andRules: { rules: [ANY, { destinationPort: 1 }] } }),
      permits({ orRules: { rules: [{ destinationPort: 1 }, ANY] } }),
      permits({ notRule: { destinationPort: 1 } }),
    ],
    [true, false, true, false, true, false, false, true, true],
  );
});

test("principals ask for addresses, filter state and certificates", () => {
  const range = (addressPrefix: string): JsonObject => ({ addressPrefix, prefixLen: 16 });
  const filterState = new FilterState();
  filterState.set("k", "value", false);
  const state = (key: string): JsonObject => ({ filterState: { key, stringMatch: { prefix: "val" } } });
  assert.deepEqual(
    [
      knows({ sourceIp: range("10.1.0.0") }),
      knows({ remoteIp: range("10.1.0.0") }),
      knows({ directRemoteIp: range("192.168.0.0") }),
      knows({ directRemoteIp: range("10.1.0.0") }),
      knows(state("k"), { filterState }),
      knows(state("other"), { filterState }),
      knows({ notId: state("k") }),
      knows({ andIds: { ids: [ANY, { remoteIp: range("10.1.0.0") }] } }),
      knows({ orIds: { ids: [{ remoteIp: range("10.9.0.0") }] } }),
    ],
    [true, true, true, false, true, false, true, true, false],
  );
});

test("a certificate is known by its URIs, its DNS names, or its subject", () => {
  const named = (exact: string, about: Partial<ConnectionInfo>): boolean => knows({ authenticated: { principalName: { exact } } }, about);
  const both = { tls: tls(["spiffe://a/ns/b"], ["dns.example"], "CN=c") };
  assert.deepEqual(
    ["spiffe://a/ns/b", "dns.example", "CN=c", "other"].map((name) => named(name, both)),
    [true, true, true, false],
  );
  assert.equal(named("spiffe://a/ns/b", {}), false);
  assert.deepEqual([knows({ authenticated: {} }, both), knows({ authenticated: {} })], [true, false]);
});

test("metadata is what listener filters said of the connection, most often nothing", () => {
  const metadata = { filter: "envoy.filters.network.mysql_proxy", path: [{ key: "db" }], value: { stringMatch: { exact: "x" } } };
  assert.deepEqual([permits({ metadata }), knows({ metadata }), permits({ notRule: { metadata } })], [false, false, true]);
  assert.equal(permits({ metadata: { ...metadata, invert: true } }), true);
  const said = { dynamicMetadata: { "envoy.filters.network.mysql_proxy": { db: "x" } } };
  assert.equal(permits({ metadata }, said), true);
});

test("what cannot be asked of a connection is refused by name", () => {
  const problems: string[] = [];
  const policies = {
    p: {
      permissions: [{ header: { name: "a", presentMatch: true } }, { urlPath: { path: { exact: "/" } } }, {}, { andRules: {} }],
      principals: [{ metadata: {} }, { directRemoteIp: { addressPrefix: "x" } }, { filterState: { key: "k" } }],
    },
    q: {},
  };
  compileConnectionRules(fromJson(RBACSchema, { policies }), "rules", (path) => void problems.push(path));
  assert.deepEqual(problems, [
    'rules.policies["p"].permissions[0].header',
    'rules.policies["p"].permissions[1].url_path',
    'rules.policies["p"].permissions[2]',
    'rules.policies["p"].permissions[3].and_rules.rules',
    'rules.policies["p"].principals[0].metadata.filter',
    'rules.policies["p"].principals[0].metadata.path',
    'rules.policies["p"].principals[0].metadata.value',
    'rules.policies["p"].principals[1].direct_remote_ip',
    'rules.policies["p"].principals[2].filter_state',
    'rules.policies["q"].permissions',
    'rules.policies["q"].principals',
  ]);
});
