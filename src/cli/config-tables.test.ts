import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gatewayUrls } from "./gateway-urls.ts";
import { clusterTable, endpointTable, listenerTable, routeTable } from "./proxy-config-tables.ts";

const HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const metadata = (kind: string, name: string) => ({
  filter_metadata: { istio: { config: `/apis/networking.istio.io/v1/namespaces/default/${kind}/${name}` } },
});

const DUMP = {
  configs: [
    {
      "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
      static_clusters: [{ cluster: { name: "xds-grpc", type: "STATIC" } }],
      dynamic_active_clusters: [
        {
          cluster: {
            name: "outbound|9080|v1|reviews.default.svc.cluster.local",
            type: "EDS",
            metadata: metadata("destination-rule", "reviews"),
          },
        },
        { cluster: { name: "outbound|9080||reviews.default.svc.cluster.local", type: "EDS" } },
      ],
    },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
      dynamic_listeners: [
        {
          name: "0.0.0.0_8080",
          active_state: {
            listener: {
              address: { socket_address: { address: "127.0.0.1", port_value: 8080 } },
              additional_addresses: [{ address: { socket_address: { address: "::1", port_value: 8080 } } }],
              filter_chains: [{ filters: [{ typed_config: { "@type": HCM, rds: { route_config_name: "http.8080" } } }] }],
            },
          },
        },
      ],
    },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
      dynamic_route_configs: [
        {
          route_config: {
            name: "http.8080",
            virtual_hosts: [
              {
                name: "*:80",
                domains: ["*"],
                routes: [
                  { match: { safe_regex: { regex: "/x.*" } }, route: { cluster: "a" }, metadata: metadata("virtual-service", "bookinfo") },
                  { match: { path: "/productpage" }, route: { cluster: "a" }, metadata: metadata("virtual-service", "bookinfo") },
                ],
              },
              { name: "shop:80", domains: ["*.shop.example:80", "*.shop.example"], routes: [{ match: { prefix: "/" }, route: {} }] },
              { name: "blackhole:80", domains: ["b"], routes: [{ match: { prefix: "/" }, direct_response: { status: 404 } }] },
            ],
          },
        },
      ],
    },
  ],
};

/** The same dump with JSON names, as some servers write it. */
const camel = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(camel);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      camel(inner),
    ]),
  );
};

describe("tables of a config dump", () => {
  it("show clusters, listeners and routes as istioctl does", () => {
    assert.deepEqual(clusterTable(DUMP).rows, [
      ["reviews.default.svc.cluster.local", "9080", "-", "outbound", "EDS", ""],
      ["reviews.default.svc.cluster.local", "9080", "v1", "outbound", "EDS", "reviews.default"],
      ["xds-grpc", "-", "-", "-", "STATIC", ""],
    ]);
    assert.deepEqual(listenerTable(DUMP).rows, [["127.0.0.1,::1", "8080", "ALL", "Route: http.8080"]]);
    assert.deepEqual(
      routeTable(DUMP).rows.map((row) => row.slice(1)),
      [
        ["*:80", "*", "regex /x.*", "bookinfo.default"],
        ["*:80", "*", "/productpage", "bookinfo.default"],
        ["shop:80", "*.shop.example", "/*", ""],
        ["blackhole:80", "b", "/*", "404"],
      ],
    );
  });

  it("are the same for both spellings of field names", () => {
    for (const make of [clusterTable, listenerTable, routeTable]) assert.deepEqual(make(camel(DUMP)), make(DUMP));
  });

  it("show endpoints with health", () => {
    const host = (port: number, extra: object) => ({
      address: { socket_address: { address: "127.66.0.5", port_value: port } },
      health_status: { eds_health_status: "HEALTHY", ...extra },
    });
    const status = { cluster_statuses: [{ name: "a", host_statuses: [host(9081, { failed_outlier_check: true }), host(9080, {})] }] };
    assert.deepEqual(endpointTable(status).rows, [
      ["127.66.0.5:9080", "HEALTHY", "OK", "a"],
      ["127.66.0.5:9081", "HEALTHY", "FAILED", "a"],
    ]);
  });

  it("are empty for what is no dump at all", () => {
    for (const nothing of [undefined, null, 3, [], { configs: [null, 1] }]) {
      for (const make of [clusterTable, listenerTable, routeTable, endpointTable]) assert.deepEqual(make(nothing).rows, []);
    }
  });

  it("give the addresses that a user can open", () => {
    assert.deepEqual(gatewayUrls(DUMP), [
      { url: "http://localhost:8080/productpage" },
      { url: "http://localhost:8080/", host: "any.shop.example" },
    ]);
    const encrypted = JSON.parse(JSON.stringify(DUMP).replaceAll('"filters":', '"transport_socket":{"name":"tls"},"filters":'));
    assert.equal(gatewayUrls(encrypted)[0]?.url, "https://localhost:8080/productpage");
  });
});
