import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { readRouteConfiguration } from "./route-configuration-bytes.ts";

const CONFIG = create(RouteConfigurationSchema, {
  name: "80",
  ignorePortInHostMatching: true,
  virtualHosts: [
    {
      name: "a",
      domains: ["a", "a:80"],
      includeRequestAttemptCount: true,
      routes: [{ name: "first", match: { pathSpecifier: { case: "prefix", value: "/x" } } }, { name: "second" }],
    },
    { name: "b", domains: ["*"] },
  ],
});

test("the pieces put together are the message", () => {
  const { config, hosts } = readRouteConfiguration(toBinary(RouteConfigurationSchema, CONFIG));
  const virtualHosts = [...hosts].map(({ host, routes }) => ({ ...host, routes: [...routes] }));
  const whole = toBinary(RouteConfigurationSchema, { ...config, virtualHosts });
  assert.deepEqual(fromBinary(RouteConfigurationSchema, whole), CONFIG);
});

test("fields behind the virtual hosts are read, too, and the last of a field counts", () => {
  const behind = toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name: "later" }));
  const { config, hosts } = readRouteConfiguration(Buffer.concat([toBinary(RouteConfigurationSchema, CONFIG), behind]));
  assert.equal(config.name, "later");
  assert.equal([...hosts].length, 2);
});

test("a message that is cut off is an error", () => {
  const bytes = toBinary(RouteConfigurationSchema, CONFIG);
  assert.throws(() => [...readRouteConfiguration(bytes.subarray(0, -3)).hosts].map(({ routes }) => [...routes]));
});
