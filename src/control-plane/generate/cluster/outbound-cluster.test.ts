import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { messageToJson } from "#envoy/any";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { DestinationRuleSpec } from "#api/destination-rule";
import { object } from "#control-plane/mesh/testing";
import { outboundCluster, type OutboundClusterInputs } from "./outbound-cluster.ts";
import { callerWith, HTTP_PORT, serviceOf } from "./testing.ts";

function cluster(over: Partial<OutboundClusterInputs> = {}): any {
  const made = outboundCluster({
    service: serviceOf(),
    port: HTTP_PORT,
    subset: "",
    rule: undefined,
    mesh: {},
    hasCertificateAuthority: true,
    caller: callerWith(),
    mode: "default",
    identities: [],
    autoMutualTls: false,
    loadAssignment: () => create(ClusterLoadAssignmentSchema, { clusterName: "x", endpoints: [{}] }),
    ...over,
  });
  return made === undefined ? undefined : messageToJson(configRegistry, ClusterSchema, made);
}

function rule(spec: Omit<DestinationRuleSpec, "host">): NonNullable<OutboundClusterInputs["rule"]> {
  const whole = { host: "web", ...spec };
  const made = { ...object("DestinationRule", "web", whole), apiVersion: "networking.istio.io/v1" };
  return { objects: [made as never], host: "web.default.svc.cluster.local", spec: whole };
}

test("a service without a rule is told its endpoints, has no limits and never panics", () => {
  const unlimited = 4_294_967_295;
  assert.deepEqual(cluster(), {
    name: "outbound|80||web.default.svc.cluster.local",
    altStatName: "outbound|80||web.default.svc.cluster.local;",
    type: "EDS",
    edsClusterConfig: {
      serviceName: "outbound|80||web.default.svc.cluster.local",
      edsConfig: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" },
    },
    connectTimeout: "10s",
    lbPolicy: "LEAST_REQUEST",
    commonLbConfig: { healthyPanicThreshold: {} },
    circuitBreakers: {
      thresholds: [{ maxConnections: unlimited, maxPendingRequests: unlimited, maxRequests: unlimited, maxRetries: unlimited }],
    },
    metadata: {
      filterMetadata: { istio: { services: [{ host: "web.default.svc.cluster.local", name: "web", namespace: "default" }] } },
    },
  });
});

test("a subset has its name, its policy and the rule that it comes from", () => {
  const subset = cluster({
    subset: "v1",
    rule: rule({
      trafficPolicy: { connectionPool: { tcp: { connectTimeout: 2000 } } },
      subsets: [{ name: "v1", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } }],
    }),
  });
  assert.equal(subset.name, "outbound|80|v1|web.default.svc.cluster.local");
  assert.equal(subset.lbPolicy, "RANDOM");
  assert.equal(subset.connectTimeout, "2s");
  assert.equal(subset.metadata.filterMetadata.istio.subset, "v1");
  assert.equal(subset.metadata.filterMetadata.istio.config, "/apis/networking.istio.io/v1/namespaces/default/destination-rule/web");
});

test("names are looked up as Istio tells Envoy to, and a cluster without any is left out", () => {
  const dns = cluster({ service: serviceOf({ resolution: "DNS", external: true }) });
  assert.equal(dns.type, "STRICT_DNS");
  assert.deepEqual([dns.dnsLookupFamily, dns.dnsRefreshRate, dns.dnsJitter, dns.respectDnsTtl], ["V4_ONLY", "60s", "0.100s", true]);
  assert.equal(dns.typedDnsResolverConfig.typedConfig.udpMaxQueries, 100);
  assert.equal(dns.metadata.filterMetadata.istio.external, true);
  assert.equal(cluster({ service: serviceOf({ resolution: "DNS_ROUND_ROBIN" }) }).type, "LOGICAL_DNS");
  const v6 = cluster({ service: serviceOf({ resolution: "DNS" }), caller: callerWith({ families: "v6" }), mesh: { dnsRefreshRate: 5000 } });
  assert.deepEqual([v6.dnsLookupFamily, v6.dnsRefreshRate], ["V6_ONLY", "5s"]);
  const nameless = () => create(ClusterLoadAssignmentSchema);
  assert.equal(cluster({ service: serviceOf({ resolution: "DNS" }), loadAssignment: nameless }), undefined);
});

test("a name that each request brings is looked up as it comes", () => {
  const tls = (insecureSkipVerify: boolean) => rule({ trafficPolicy: { tls: { mode: "SIMPLE", insecureSkipVerify } } });
  const service = serviceOf({ hostname: "*.example.com", resolution: "DYNAMIC_DNS" });
  const dynamic = cluster({ service, rule: tls(false) });
  assert.equal(dynamic.lbPolicy, "CLUSTER_PROVIDED");
  assert.equal(dynamic.clusterType.name, "envoy.clusters.dynamic_forward_proxy");
  assert.deepEqual(dynamic.clusterType.typedConfig.dnsCacheConfig, {
    name: "*.example.com_dfp_dns_cache",
    dnsLookupFamily: "V4_ONLY",
  });
  assert.equal(dynamic.clusterType.typedConfig.allowInsecureClusterOptions, undefined);
  assert.equal(cluster({ service, rule: tls(true) }).clusterType.typedConfig.allowInsecureClusterOptions, true);
});

test("connections to a headless service go where the caller was going, to the port of the endpoints", () => {
  const headless = cluster({ service: serviceOf({ resolution: "NONE" }) });
  assert.deepEqual([headless.type, headless.lbPolicy], ["ORIGINAL_DST", "CLUSTER_PROVIDED"]);
  assert.deepEqual(headless.originalDstLbConfig, { upstreamPortOverride: 8080 });
});

test("outlier detection says from where on endpoints that failed come back", () => {
  const outlierDetection = { consecutive5xxErrors: 1, minHealthPercent: 30 };
  const config = (over: Partial<OutboundClusterInputs> = {}) =>
    cluster({ rule: rule({ trafficPolicy: { outlierDetection } }), ...over }).commonLbConfig;
  assert.deepEqual(config(), { healthyPanicThreshold: { value: 30 } });
  const close = serviceOf({ trafficDistribution: "PreferClose" });
  assert.deepEqual(config({ service: close }), { healthyPanicThreshold: {}, localityWeightedLbConfig: {} });
});

test("localities are weighed where shares or an order of them are asked for", () => {
  const config = (localityLbSetting: object, outlier = true) =>
    cluster({
      rule: rule({
        trafficPolicy: { loadBalancer: { localityLbSetting }, ...(outlier ? { outlierDetection: {} } : {}) },
      }),
    }).commonLbConfig.localityWeightedLbConfig;
  assert.deepEqual(config({ failover: [{ from: "a", to: "b" }] }), {});
  assert.deepEqual(config({ failoverPriority: ["app"] }), {});
  assert.deepEqual(config({ distribute: [{ from: "a", to: { b: 100 } }] }, false), {});
  assert.equal(config({ failover: [{ from: "a", to: "b" }] }, false), undefined);
  assert.equal(config({ enabled: true }), undefined);
  assert.equal(config({ enabled: false, failover: [{ from: "a", to: "b" }] }), undefined);
});

test("a service whose sessions persist keeps endpoints that drain, for those sessions", () => {
  const persistent = serviceOf({ labels: { "istio.io/persistent-session": "my-cookie" } });
  assert.deepEqual(cluster({ service: persistent }).commonLbConfig.overrideHostStatus, {
    statuses: ["HEALTHY", "DRAINING", "UNKNOWN", "DEGRADED"],
  });
});

test("a gateway that passes mutual TLS through adds none of its own", () => {
  const passed = cluster({ mode: "sni-dnat", autoMutualTls: true, rule: rule({ trafficPolicy: { tls: { mode: "SIMPLE" } } }) });
  assert.equal(passed.name, "outbound_.80_._.web.default.svc.cluster.local");
  assert.equal(passed.edsClusterConfig.serviceName, passed.name);
  assert.equal(passed.transportSocket, undefined);
  assert.equal(passed.transportSocketMatches, undefined);
});

test("without a certificate authority ISTIO_MUTUAL leaves no way out", () => {
  const mutual = rule({ trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } });
  const eds = cluster({ rule: mutual, hasCertificateAuthority: false });
  assert.equal(eds.transportSocket, undefined);
  assert.equal(eds.type, "EDS");
  for (const resolution of ["DNS", "NONE", "DYNAMIC_DNS"] as const) {
    assert.equal(cluster({ rule: mutual, hasCertificateAuthority: false, service: serviceOf({ resolution }) }), undefined);
  }
});

test("TLS that is not the mesh's keeps the ALPN filter from naming the mesh's protocols", () => {
  const override = (mode: "SIMPLE" | "DISABLE" | "ISTIO_MUTUAL"): unknown =>
    cluster({ rule: rule({ trafficPolicy: { tls: { mode } } }) }).metadata.filterMetadata.istio.alpn_override;
  assert.deepEqual([override("SIMPLE"), override("DISABLE"), override("ISTIO_MUTUAL")], ["false", undefined, undefined]);
});

test("a proxy with Istio's metadata exchange filter uses it, others never see it", () => {
  assert.equal(cluster().filters, undefined);
  const [filter] = cluster({ caller: callerWith({ metadataExchange: true }) }).filters;
  assert.equal(filter.name, "istio.metadata_exchange");
  assert.deepEqual(filter.typedConfig.value, { protocol: "istio-peer-exchange", enable_discovery: true });
});

test("what the proxy and the mesh say of connections is on every cluster", () => {
  const made = cluster({
    caller: callerWith({ bufferLimitBytes: 32_768 }),
    mesh: { tcpKeepalive: { time: 10_000 }, connectTimeout: 1000, outboundClusterStatName: "%SERVICE%" },
  });
  assert.equal(made.perConnectionBufferLimitBytes, 32_768);
  assert.deepEqual(made.upstreamConnectionOptions, { tcpKeepalive: { keepaliveTime: 10 } });
  assert.equal(made.connectTimeout, "1s");
  assert.equal(made.altStatName, "web.default;");
});
