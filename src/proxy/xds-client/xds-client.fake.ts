// An xDS client for tests: real but for its checks, and for a target that takes everything.
import { create } from "@bufbuild/protobuf";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { SocketConnector } from "#proxy/net/socket-connector";
import { ADS } from "#proxy/resource-source";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import type { Clock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import type { FakeAdsServer } from "./ads-server.fake.ts";
import { NO_STATIC_RESOURCES } from "./static-resources.ts";
import { XdsClient } from "./xds-client.ts";
import type { XdsClientOptions } from "./xds-client.ts";

/** A client of these servers, whose resources are JSON of what the checks would find out. */
export function clientOf(servers: readonly FakeAdsServer[], clock: Clock, more: Partial<XdsClientOptions> = {}): XdsClient {
  const parse = (bytes: Uint8Array): never =>
    ({ clusters: new Set(), routes: [], secrets: [], ...(JSON.parse(Buffer.from(bytes).toString()) as object) }) as never;
  return new XdsClient({
    health: {
      runtime: NO_RUNTIME,
      connector: new SocketConnector(clock, true),
      hasTraffic: () => false,
      writeEvent: () => {},
      onHealth: () => {},
    },
    resolver: { resolve: async () => ({ ok: false, detail: "nobody asks" }) },
    node: create(NodeSchema, { id: "sidecar~1" }),
    ads: { kind: "grpc", cluster: "xds-grpc", protocol: "delta" },
    cds: ADS,
    lds: ADS,
    runtime: { layers: [], setLayer: () => {} },
    cdsTimeoutMs: 0,
    ldsTimeoutMs: 0,
    staticResources: NO_STATIC_RESOURCES,
    servers: new Map([["xds-grpc", servers.map(({ target }) => target)]]),
    stateDirectory: undefined,
    clock,
    random: seededRandom(3),
    log: silentLog,
    stats: new ThreadStats().root,
    checks: { secret: parse, cluster: parse, assignment: parse, route: parse, listener: parse },
    target: { apply: () => Promise.resolve([]) },
    listen: () => undefined,
    onListenerGone: () => {},
    onReady: () => {},
    ...more,
  });
}
