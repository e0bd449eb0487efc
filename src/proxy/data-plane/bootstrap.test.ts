import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "#proxy/config-error";
import { parseBootstrap } from "./bootstrap.ts";

const address = (host: string, port: number): object => ({ socket_address: { address: host, port_value: port } });

const good = {
  node: { id: "sidecar~1", metadata: { LABELS: { app: "web" } } },
  admin: { address: address("127.0.0.1", 15000) },
  dynamic_resources: {
    lds_config: { ads: {} },
    cds_config: { ads: {} },
    ads_config: { api_type: "DELTA_GRPC", grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }] },
  },
  static_resources: {
    clusters: [
      {
        name: "xds-grpc",
        typed_extension_protocol_options: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: address("::1", 15010) } }] }] },
      },
    ],
  },
  layered_runtime: { layers: [] },
};

test("a bootstrap names the node, the admin address and the control plane", () => {
  const config = parseBootstrap(good);
  assert.equal(config.node.id, "sidecar~1");
  assert.deepEqual(config.admin, { address: "127.0.0.1", port: 15000 });
  assert.deepEqual(config.ads, { kind: "grpc", cluster: "xds-grpc", protocol: "delta" });
  assert.deepEqual(config.servers.get("xds-grpc"), ["[::1]:15010"]);
  assert.deepEqual(
    config.staticResources.clusters.map(({ name }) => name),
    ["xds-grpc"],
  );
});

test("several endpoints of the control plane's cluster are several control planes", () => {
  const [cluster] = good.static_resources.clusters;
  const withEndpoints = (...hosts: readonly object[]): unknown => ({
    ...good,
    static_resources: {
      clusters: [
        { ...cluster, load_assignment: { endpoints: hosts.map((host) => ({ lb_endpoints: [{ endpoint: { address: host } }] })) } },
      ],
    },
  });
  const { servers } = parseBootstrap(withEndpoints(address("127.0.0.1", 15010), address("127.0.0.2", 15010), { pipe: { path: "/s" } }));
  assert.deepEqual(servers.get("xds-grpc"), ["127.0.0.1:15010", "127.0.0.2:15010", "unix:/s"]);
  const named = { socket_address: { address: "127.0.0.1", named_port: "xds" } };
  assert.throws(() => parseBootstrap(withEndpoints(address("127.0.0.1", 15010), named)), /every endpoint must have an address/);
});

test("everything that is wrong is named at once", () => {
  assert.throws(
    () => parseBootstrap({ dynamic_resources: { lds_config: { self: {} }, ads_config: { api_type: "REST" } } }),
    (error: unknown) =>
      error instanceof ConfigError &&
      error.violations.map(({ path }) => path).join() ===
        "dynamic_resources.lds_config,dynamic_resources.ads_config.api_type,dynamic_resources.ads_config.grpc_services,node.id",
  );
  assert.throws(() => parseBootstrap({ node: 7 }), ConfigError);
  assert.throws(() => parseBootstrap("text"), ConfigError);
});
