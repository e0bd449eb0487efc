import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_DiscoveryType, ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { CaresDnsResolverConfigSchema } from "#envoy/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb";
import { GetAddrInfoDnsResolverConfigSchema } from "#envoy/gen/envoy/extensions/network/dns_resolver/getaddrinfo/v3/getaddrinfo_dns_resolver_pb";
import { pack } from "#envoy/any";
import { parseCluster } from "#proxy/cluster/cluster-config";
import type { DnsConfig } from "./dns-config.ts";

type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, { $typeName: string }>;

const strict = { clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.STRICT_DNS } };
const logical = { clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.LOGICAL_DNS } };
const at = (address: string): object => ({
  hostIdentifier: {
    case: "endpoint",
    value: { address: { address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: 80 } } } } },
  },
});
const named = (...names: string[]): ClusterInit => ({ loadAssignment: { endpoints: [{ lbEndpoints: names.map(at) }] } });

function read(...parts: ClusterInit[]): DnsConfig {
  const { discovery } = parseCluster(create(ClusterSchema, Object.assign({ name: "c", ...strict, ...named("a.test") }, ...parts)));
  assert.ok(discovery.kind === "dns");
  return discovery.dns;
}

const cares = (init: MessageInitShape<typeof CaresDnsResolverConfigSchema>): ClusterInit => ({
  typedDnsResolverConfig: { name: "cares", typedConfig: pack(CaresDnsResolverConfigSchema, create(CaresDnsResolverConfigSchema, init)) },
});

test("without settings a name is refreshed every 5 seconds, in any case, without jitter", () => {
  const { refreshMs, jitterMs, failureBackOff, respectTtl, family } = read();
  assert.deepEqual(
    { refreshMs, jitterMs, failureBackOff, respectTtl, family },
    { refreshMs: 5000, jitterMs: 0, failureBackOff: undefined, respectTtl: false, family: "auto" },
  );
});

test("failures back off to ten times their base where no limit is given", () => {
  const rate = { dnsFailureRefreshRate: { baseInterval: { seconds: 3n } } };
  assert.deepEqual(read(rate).failureBackOff, { baseMs: 3000, maxMs: 30_000 });
  assert.throws(() => read({ dnsFailureRefreshRate: { maxInterval: { seconds: 3n } } }), /base_interval: must be set/);
  const upsideDown = { dnsFailureRefreshRate: { baseInterval: { seconds: 3n }, maxInterval: { seconds: 2n } } };
  assert.throws(() => read(upsideDown), /max_interval: must not be below base_interval/);
});

test("how many queries share a socket is taken as it is; another resolver is refused by name", () => {
  assert.equal(read(cares({ udpMaxQueries: 100 })).refreshMs, 5000);
  const other = pack(GetAddrInfoDnsResolverConfigSchema, create(GetAddrInfoDnsResolverConfigSchema));
  assert.throws(
    () => read({ typedDnsResolverConfig: { name: "other", typedConfig: other } }),
    /DNS resolver envoy\.extensions\.network\.dns_resolver\.getaddrinfo\.v3\.GetAddrInfoDnsResolverConfig is not known/,
  );
});

test("a logical cluster has exactly one endpoint", () => {
  assert.equal(read(logical).logical, true);
  assert.throws(() => read(logical, named("a.test", "b.test")), /must have a single locality_lb_endpoint and a single lb_endpoint/);
  assert.throws(() => read(logical, named()), /must have a single/);
});

test("what else is wrong with an endpoint is said with its path, and an empty name is one of them", () => {
  const pipe = { hostIdentifier: { case: "endpoint" as const, value: {} } };
  assert.throws(
    () => read({ loadAssignment: { endpoints: [{ lbEndpoints: [pipe] }] } }),
    /load_assignment\.endpoints\[0\]\.lb_endpoints\[0\]\.endpoint\.address: must be set/,
  );
  assert.throws(() => read(named("")), /endpoint\.address: must have a name/);
});

test("the key changes with what is looked up and how, and with nothing else", () => {
  const { key } = read();
  assert.equal(read({ connectTimeout: { seconds: 7n } }).key, key);
  assert.notEqual(read(named("b.test")).key, key);
  assert.notEqual(read({ respectDnsTtl: true }).key, key);
  assert.notEqual(read({ name: "d" }).key, key);
});
