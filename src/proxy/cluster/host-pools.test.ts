import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ProxyProtocolUpstreamTransportSchema } from "#envoy/gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb";
import { RawBufferSchema } from "#envoy/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { FakeStats } from "#proxy/http/stats.fake";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import type { ConnectionInfo } from "#proxy/net/connection";
import type { ClientTls, Connector } from "#proxy/net/connector";
import { CertificateInfo } from "#proxy/net/tls-info";
import { ManualClock } from "#runtime/clock";
import { seededRandom } from "#runtime/random";
import type { Host, HttpConnectionPool } from "./cluster.ts";
import { parseCluster } from "./cluster-config.ts";
import type { PoolContext } from "./host-pools.ts";
import { parseLoadAssignment } from "./load-assignment.ts";
import { UpstreamCluster } from "./upstream-cluster.ts";
import type { UpstreamHost } from "./upstream-host.ts";

const registry = createRegistry(UpstreamTlsContextSchema, ProxyProtocolUpstreamTransportSchema, RawBufferSchema);
const authority = new FakeAuthority();
const PEER = new CertificateInfo(new X509Certificate(authority.issue({ hosts: ["*.b.example"] }).certificate));
const TARGET = { address: "10.0.0.1", port: 80 };
const NONE = { onConnected: () => {}, onConnectFailed: () => {} };
const POOL: HttpConnectionPool = {
  newStream: () => undefined,
  drain: () => {},
  preconnect: () => false,
  demand: { pending: 0, active: 0, unused: 0 },
  connectionCount: 0,
};

/** One host, and the pools that are made for it. */
function clusterOf(json: JsonObject): {
  readonly cluster: UpstreamCluster;
  readonly host: Host;
  readonly made: PoolContext[];
  readonly asked: (ClientTls | undefined)[];
} {
  const made: PoolContext[] = [];
  const asked: (ClientTls | undefined)[] = [];
  const connector: Connector = {
    connect: (_target, _timeoutMs, _callbacks, options) => {
      asked.push(options?.tls);
      return { cancel: () => {} };
    },
  };
  const edsClusterConfig = { edsConfig: { ads: {} } };
  const cluster = new UpstreamCluster(
    parseCluster(fromJson(ClusterSchema, { name: "c", type: "EDS", edsClusterConfig, ...json }, { registry })),
    {
      clock: new ManualClock(),
      random: seededRandom(1),
      stats: new FakeStats(),
      makePool: (context) => {
        made.push(context);
        return { ...POOL };
      },
      connector,
      secrets: { get: () => undefined },
    },
  );
  const lbEndpoints = [{ endpoint: { address: { socketAddress: { address: TARGET.address, portValue: TARGET.port } } } }];
  cluster.setAssignment(parseLoadAssignment(fromJson(ClusterLoadAssignmentSchema, { clusterName: "c", endpoints: [{ lbEndpoints }] })));
  const host = cluster.chooseHost({
    randomValue: 0,
    hash: undefined,
    hostSelectionAttempts: 0,
    shouldSelectAnotherHost: () => false,
    originalDestination: undefined,
  })!;
  return { cluster, host, made, asked };
}

/** The pools that requests for these authorities make, and what their connections ask of TLS. */
function pools(
  json: JsonObject,
  authorities: readonly string[],
): { readonly made: PoolContext[]; readonly asked: (ClientTls | undefined)[] } {
  const { cluster, host, made, asked } = clusterOf(json);
  for (const one of authorities) cluster.pool(host, undefined, one, undefined);
  for (const { connector: own } of made) own.connect(TARGET, 1000, NONE);
  return { made, asked };
}

const secured = (upstreamHttpProtocolOptions: JsonObject): JsonObject => ({
  upstreamHttpProtocolOptions,
  transportSocket: {
    name: "tls",
    typedConfig: {
      "@type": `type.googleapis.com/${UpstreamTlsContextSchema.typeName}`,
      sni: "configured",
      commonTlsContext: { validationContext: { trustedCa: { inlineString: authority.root.certificate } } },
    },
  },
});

test("auto_sni of upstream_http_protocol_options says the request's host without port, an address never, with a pool for each", () => {
  const authorities = ["a.example:80", "a.example", "b.example", "10.1.1.1:80", "[::1]:80"];
  const names = (options: JsonObject): (string | undefined)[] => pools(secured(options), authorities).asked.map((tls) => tls?.serverName);
  assert.deepEqual(names({ autoSni: true }), ["a.example", "b.example", "configured", "configured"]);
  assert.deepEqual(names({}), ["configured"]);
});

test("auto_san_validation of upstream_http_protocol_options wants the request's host in the certificate", () => {
  const info = { version: "TLSv1.3", cipher: "x", applicationProtocol: "", peer: PEER, peerValidated: true, local: undefined };
  const judged = (options: JsonObject): (string | undefined)[] =>
    pools(secured(options), ["a.b.example:80", "c.example"]).asked.map((tls) =>
      tls?.judge({ info, sessionReused: false, chainProblem: undefined }),
    );
  assert.deepEqual(judged({ autoSanValidation: true }), [undefined, "CERTIFICATE_VERIFY_FAILED: fail_verify_san"]);
  assert.deepEqual(judged({ autoSni: true }), [undefined, undefined]);
});

test("per_host_thresholds limit the connections of each host", () => {
  const perHostThresholds = [{ maxConnections: 2 }];
  const [pool] = pools({ circuitBreakers: { perHostThresholds } }, ["a"]).made;
  const allowed = (active: number): boolean => {
    pool!.host.stats.cxActive = active;
    return pool!.limits.tryAcquireConnection();
  };
  assert.deepEqual([allowed(1), allowed(2)], [true, false]);
  assert.throws(
    () => pools({ circuitBreakers: { perHostThresholds: [{ maxRequests: 1 }] } }, []),
    /circuit_breakers\.per_host_thresholds\[0\]: only max_connections may be set/,
  );
});

test("a pool whose connections tell the host of a client is that client's, until its last connection is gone", () => {
  const proxyProtocol = {
    transportSocket: {
      name: "proxied",
      typedConfig: {
        "@type": `type.googleapis.com/${ProxyProtocolUpstreamTransportSchema.typeName}`,
        transportSocket: { name: "raw", typedConfig: { "@type": `type.googleapis.com/${RawBufferSchema.typeName}` } },
      },
    },
  };
  const client = (port: number, tlv?: string): ConnectionInfo => {
    const remote = { address: "10.0.0.9", port };
    const proxyProtocolTlvs = tlv === undefined ? undefined : [{ type: 5, value: Buffer.from(tlv) }];
    return { local: TARGET, remote, directRemote: remote, requestedServerName: undefined, tls: undefined, proxyProtocolTlvs };
  };
  const bench = clusterOf(proxyProtocol);
  const pool = (of: ConnectionInfo | undefined): HttpConnectionPool | undefined => bench.cluster.pool(bench.host, of, "a", undefined);
  const first = pool(client(1));
  assert.equal(pool(client(1)), first);
  const others = [pool(client(2)), pool(client(1, "x")), pool(client(1, "y")), pool(undefined)];
  assert.equal(new Set([first, ...others]).size, 5);
  bench.made[0]!.onIdle();
  assert.notEqual(pool(client(1)), first);
  assert.equal(pool(client(2)), others[0]);
});

test("connection_pool_per_downstream_connection gives each client's connection a pool of its own", () => {
  const remote = { address: "10.0.0.9", port: 1 };
  const client = (): ConnectionInfo => ({ local: TARGET, remote, directRemote: remote, requestedServerName: undefined, tls: undefined });
  const [one, two] = [client(), client()];
  const pools = (connectionPoolPerDownstreamConnection: boolean): number => {
    const { cluster, host } = clusterOf({ connectionPoolPerDownstreamConnection });
    return new Set([one, two, one, undefined].map((of) => cluster.pool(host, of, "a", undefined))).size;
  };
  assert.deepEqual([pools(true), pools(false)], [3, 1]);
});

test("where max_connection_pools leaves no place, no pool stays for a client that it cannot serve", () => {
  const remote = { address: "10.0.0.9", port: 1 };
  const client = (): ConnectionInfo => ({ local: TARGET, remote, directRemote: remote, requestedServerName: undefined, tls: undefined });
  const bench = clusterOf({ connectionPoolPerDownstreamConnection: true, circuitBreakers: { thresholds: [{ maxConnectionPools: 1 }] } });
  const pool = (): HttpConnectionPool | undefined => bench.cluster.pool(bench.host, client(), "a", undefined);
  Object.assign(pool()!, { demand: { pending: 0, active: 1, unused: 0 }, connectionCount: 1 });
  assert.equal(pool(), undefined);
  assert.equal((bench.host as UpstreamHost).pools.length, 1);
  bench.made[0]!.onIdle();
  assert.notEqual(pool(), undefined);
});
