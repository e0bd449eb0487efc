import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { RouteAction_UpgradeConfigSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { compileUpgrades } from "./upgrade-config.ts";

function compile(configs: readonly JsonValue[]): ReturnType<typeof compileUpgrades> & { readonly problems: string[] } {
  const problems: string[] = [];
  const wire = configs.map((json) => fromJson(RouteAction_UpgradeConfigSchema, json));
  return { ...compileUpgrades(wire, "up", (path, message) => void problems.push(`${path}: ${message}`)), problems };
}

test("a route that says nothing leaves upgrades to the connection manager", () => {
  assert.deepEqual(compile([]), { upgrades: undefined, connect: undefined, problems: [] });
});

test("types are compared without case, and a tunnel ends only where the route says how", () => {
  const { upgrades, connect, problems } = compile([{ upgradeType: "WebSocket", enabled: false }, { upgradeType: "Connect" }]);
  assert.deepEqual(
    [...(upgrades ?? [])],
    [
      ["websocket", false],
      ["connect", true],
    ],
  );
  assert.deepEqual([connect, problems], [undefined, []]);
  assert.deepEqual(compile([{ upgradeType: "CONNECT", connectConfig: {} }]).connect, { allowPost: false, proxyProtocol: undefined });
  assert.deepEqual(compile([{ upgradeType: "CONNECT", connectConfig: { allowPost: true, proxyProtocolConfig: {} } }]).connect, {
    allowPost: true,
    proxyProtocol: 1,
  });
  const second = { upgradeType: "CONNECT", connectConfig: { proxyProtocolConfig: { version: "V2" } } };
  assert.equal(compile([second]).connect?.proxyProtocol, 2);
});

test("a type that stands twice, or has a config that is CONNECT's, is refused", () => {
  assert.deepEqual(compile([{ upgradeType: "a", connectConfig: {} }, { upgradeType: "A" }]).problems, [
    'up[0].connect_config: is for CONNECT, not for "a"',
    'up[1].upgrade_type: "A" is empty or stands twice',
  ]);
});
