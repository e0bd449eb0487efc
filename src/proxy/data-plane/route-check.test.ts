import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { ConfigError } from "#proxy/config-error";
import { checkRoutes } from "./route-check.ts";

const bytesOf = (json: JsonObject): Uint8Array => toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json));
const host = (name: string, routes: JsonObject[], fields: JsonObject = {}): JsonObject => ({ name, domains: [name], routes, ...fields });
const to = (action: JsonObject): JsonObject => ({ match: { prefix: "/" }, route: action });

test("every cluster that a route names is told", () => {
  const mirrored = { cluster: "a", requestMirrorPolicies: [{ cluster: "mirror" }] };
  const weighted = {
    weightedClusters: {
      clusters: [
        { name: "b", weight: 1 },
        { name: "c", weight: 1 },
      ],
    },
  };
  const { name, clusters } = checkRoutes(
    bytesOf({ name: "80", virtualHosts: [host("one", [to(mirrored)]), host("two", [to(weighted), to({ clusterHeader: "x" })])] }),
    { filters: [] },
  );
  assert.equal(name, "80");
  assert.deepEqual([...clusters], ["mirror", "a", "b", "c"]);
});

test("what is refused and what cannot be compiled is told at once, with its place", () => {
  const bytes = bytesOf({
    name: "80",
    validateClusters: true,
    virtualHosts: [
      host("one", [to({ cluster: "a" })]),
      host("one", [
        to({ cluster: "a" }),
        { match: {}, route: { cluster: "a" } },
        { ...to({ cluster: "a" }), tracing: { customTags: [{ tag: "a" }] } },
      ]),
    ],
  });
  assert.throws(
    () => checkRoutes(bytes, { filters: [] }),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      const paths = error.violations.map(({ path }) => path);
      assert.ok(paths.includes("validate_clusters"), paths.join());
      assert.ok(paths.includes("virtual_hosts[1].name"), paths.join());
      assert.ok(
        paths.some((path) => path.startsWith("virtual_hosts[1].routes[1].match")),
        paths.join(),
      );
      assert.ok(
        paths.some((path) => path.startsWith("virtual_hosts[1].routes[2].tracing")),
        paths.join(),
      );
      assert.equal(new Set(paths).size, paths.length, "nothing is told twice");
      return true;
    },
  );
});

test("bytes that are no message are refused, wherever the fault is", () => {
  const bytes = toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name: "80" }));
  const damaged = [
    bytesOf({ name: "80", virtualHosts: [host("one", [to({ cluster: "a" })])] }).subarray(0, -2),
    // A virtual host whose first field is cut off within it, and one whose route is.
    Buffer.concat([bytes, Buffer.from([0x12, 2, 0x0a, 9])]),
    Buffer.concat([bytes, Buffer.from([0x12, 4, 0x1a, 2, 0x0a, 9])]),
  ];
  for (const each of damaged) assert.throws(() => checkRoutes(each, { filters: [] }), ConfigError);
});
