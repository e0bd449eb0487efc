import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { encodeRouteConfiguration } from "./encode-route-configuration.ts";
import { sidecarRouteConfiguration } from "./sidecar-routes.ts";
import { service, viewOf, virtualService } from "#control-plane/generate/testing";

test("what is put together means the same as what is encoded as a whole", () => {
  const view = viewOf(
    service("web", [["http", 80]]) +
      service("api", [["http", 80]], "shop") +
      virtualService(
        "web",
        `{ hosts: [web], http: [{ match: [{ uri: { prefix: "/${"x".repeat(300)}" } }], redirect: { uri: / } }, { route: [{ destination: { host: web } }] }] }`,
      ),
  );
  const configuration = sidecarRouteConfiguration(view, "80")!;
  for (const bytes of [encodeRouteConfiguration(configuration), encodeRouteConfiguration(configuration)]) {
    assert.deepEqual(
      fromBinary(RouteConfigurationSchema, bytes),
      fromBinary(RouteConfigurationSchema, toBinary(RouteConfigurationSchema, configuration)),
    );
  }
});
