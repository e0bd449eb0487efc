// A connection manager with the real router between a fake downstream codec and fake upstream pools, for tests: no sockets, no bytes.
import { compileLocalReplyMap } from "#proxy/route/local-reply-map";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { compileTransportSockets } from "#proxy/transport-socket/transport-sockets";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { anyOf, pack } from "#envoy/any";
import type { Host, HttpConnectionPool, PendingStream, PoolCallbacks } from "#proxy/cluster/cluster";
import type { ClusterConfig } from "#proxy/cluster/cluster-config";
import { ThreadClusterManager } from "#proxy/cluster/cluster-manager";
import { routerFilterCompiler } from "#proxy/filters/router/router-compiler";
import { SharedLocalInfo } from "#proxy/local-info";
import { FilterConfigs } from "#proxy/route/filter-config";
import type { RetryPolicy, RouteEntry } from "#proxy/route/route";
import type { ThreadContext } from "#proxy/thread-context";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { lendPoisoned } from "#proxy/net/read-buffer";
import { ActiveStream } from "./active-stream.ts";
import type { HttpFilter, HttpFilterCompiler } from "./filter.ts";
import { readHttp2Options } from "./http2-options.ts";
import { parseHcm } from "./hcm-config.ts";
import type { HcmConfig } from "./hcm-config.ts";
import { HcmRuntime } from "./hcm-runtime.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { PairRequestHeaderMap } from "./pair-header-map.ts";
import type { HeaderPairs } from "./pair-header-map.ts";
import type { ServerStream } from "./server-codec.ts";
import { FakeStats } from "./stats.fake.ts";
import type { StreamInfo } from "./stream-info.ts";
import type { HttpVersion, RequestSender, ResponseReceiver, StreamResetReason } from "./stream.ts";

/** A codec's sending half that remembers what it was told. */
class FakeSender {
  informational: number[] = [];
  body = "";
  trailers: TrailerMap | undefined;
  ended = false;
  resetReason: StreamResetReason | undefined;
  paused = false;
  /** What sendData answers. */
  writable = true;

  sendInformational(headers: ResponseHeaderMap): void {
    this.informational.push(headers.status);
  }
  sendData(chunk: Uint8Array, endStream: boolean): boolean {
    this.body += Buffer.from(chunk).toString("latin1");
    this.ended = endStream;
    return this.writable;
  }
  sendTrailers(trailers: TrailerMap): void {
    this.trailers = trailers;
    this.ended = true;
  }
  reset(reason: StreamResetReason): void {
    this.resetReason = reason;
  }
  pauseReading(): void {
    this.paused = true;
  }
  resumeReading(): void {
    this.paused = false;
  }
}

export class Client extends FakeSender implements ServerStream {
  readonly httpVersion: HttpVersion;
  /** The connection is told to close after the response. */
  closes = false;
  response: ResponseHeaderMap | undefined;
  constructor(httpVersion: HttpVersion = "HTTP/1.1") {
    super();
    this.httpVersion = httpVersion;
  }
  closeAfterResponse(): void {
    this.closes = true;
  }
  sendHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    this.response = headers;
    this.ended = endStream;
  }
}

/** One try as the upstream sees it. */
export class UpstreamTry extends FakeSender implements RequestSender, PendingStream {
  readonly version = "HTTP/1.1";
  request: RequestHeaderMap | undefined;
  headersOnly = false;
  cancelled = false;
  readonly receiver: ResponseReceiver;
  readonly callbacks: PoolCallbacks;
  readonly host: Host;

  constructor(receiver: ResponseReceiver, callbacks: PoolCallbacks, host: Host) {
    super();
    this.receiver = receiver;
    this.callbacks = callbacks;
    this.host = host;
  }
  sendHeaders(headers: RequestHeaderMap, endStream: boolean): void {
    this.request = headers;
    this.headersOnly = endStream;
    this.ended = endStream;
  }
  cancel(): void {
    this.cancelled = true;
  }
  ready(): void {
    this.callbacks.onPoolReady(this, this.host, { address: "127.0.0.1", port: 5000 }, false);
  }
}

export const RETRY: RetryPolicy = {
  connectFailure: true,
  refusedStream: true,
  reset: false,
  resetBeforeRequest: false,
  gatewayError: false,
  status5xx: false,
  retriable4xx: false,
  envoyRateLimited: false,
  retriableStatusCodes: new Set([503]),
  onRetriableHeaders: false,
  retriableHeaders: [],
  retriableRequestHeaders: [],
  grpcCodes: new Set([14]),
  numRetries: 2,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  resetInterval: undefined,
  baseIntervalMs: 25,
  maxIntervalMs: 250,
  hostSelectionAttempts: 5,
  omitsTriedHosts: true,
  omitsHost: undefined,
  priorityUpdateFrequency: 0,
};

export function routeEntry(over: Partial<RouteEntry> = {}): RouteEntry {
  return {
    name: "r",
    virtualHost: "v",
    statPrefix: "",
    filterConfig: new FilterConfigs(),
    weightedFilterConfig: undefined,
    rateLimits: undefined,
    reply: undefined,
    chooseCluster: () => ({ cluster: "c", requestMutation: undefined, responseMutation: undefined, hostRewrite: undefined }),
    metadata: {},
    virtualHostMetadata: {},
    timeoutMs: 0,
    maxGrpcTimeoutMs: undefined,
    idleTimeoutMs: undefined,
    maxStreamDuration: undefined,
    priority: "default",
    hedgeOnPerTryTimeout: false,
    internalRedirect: undefined,
    virtualCluster: undefined,
    includeTimeoutRetryInRequest: false,
    retry: undefined,
    mirrors: undefined,
    perRequestBufferLimitBytes: Number.POSITIVE_INFINITY,
    traceSampling: undefined,
    hash: undefined,
    finalizeRequest() {},
    finalizeResponse() {},
    includeAttemptCountInRequest: false,
    includeAttemptCountInResponse: false,
    upgrades: undefined,
    connect: undefined,
    decorator: undefined,
    autoHostRewrite: false,
    appendForwardedHost: false,
    clusterNotFoundStatus: 503,
    ...over,
  };
}

export const TEST_FILTER = "google.protobuf.Empty";

export interface FakeHcmOptions {
  readonly hcm?: MessageInitShape<typeof HttpConnectionManagerSchema>;
  readonly route?: Partial<RouteEntry>;
  /** undefined: no table of that name; null: no match. */
  readonly table?: "missing" | "no match";
  readonly cluster?: Partial<ClusterConfig> | "missing";
  readonly hosts?: number;
  /** Connections come at once; else `upstream.ready()`. */
  readonly connected?: boolean;
  /** Before the router, made anew for each stream. */
  readonly filters?: readonly (() => HttpFilter)[];
  /** Instead of what `hcm` and `filters` make. */
  readonly runtimeConfig?: HcmConfig;
}

export class FakeHcm {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly logged: StreamInfo[] = [];
  readonly tries: UpstreamTry[] = [];
  readonly clusters: ThreadClusterManager;
  /** What runtime layers say. */
  readonly layers = new CurrentRuntime();
  readonly runtime: HcmRuntime;
  bufferLimitBytes = 1024 * 1024;

  constructor(options: FakeHcmOptions = {}) {
    const random = seededRandom(42);
    const { tries } = this;
    this.clusters = new ThreadClusterManager({
      runtime: this.layers,
      clock: this.clock,
      random,
      stats: this.stats,
      connector: { connect: () => ({ cancel() {} }) },
      secrets: { get: () => undefined },
      makePool: ({ host }): HttpConnectionPool => ({
        connectionCount: 0,
        demand: { pending: 0, active: 0, unused: 0 },
        preconnect: () => false,
        drain() {},
        newStream(receiver, callbacks) {
          const upstream = new UpstreamTry(receiver, callbacks, host);
          tries.push(upstream);
          if (options.connected === false) return upstream;
          upstream.ready();
          return undefined;
        },
      }),
    });
    if (options.cluster !== "missing") this.clusters.upsertCluster(clusterConfig(options.hosts ?? 2, options.cluster));
    const entry = routeEntry(options.route);
    const table = { name: "t", match: () => (options.table === "no match" ? undefined : entry) };
    const thread: ThreadContext = {
      nodeId: "test",
      local: new SharedLocalInfo("service"),
      clock: this.clock,
      random,
      log: silentLog,
      stats: this.stats,
      clusters: this.clusters,
      routes: { get: () => (options.table === "missing" ? undefined : table) },
      secrets: { get: () => undefined },
      accessLogs: { open: () => ({ write() {} }) },
      runtime: this.layers,
      poison: false,
    };
    const made = options.filters ?? [];
    const testFilters: HttpFilterCompiler = {
      configTypes: [TEST_FILTER],
      compile: (name) => ({ name, create: () => made[Number(name)]!() }),
    };
    const wire = create(HttpConnectionManagerSchema, {
      statPrefix: "in;",
      routeSpecifier: {
        case: "rds",
        value: { routeConfigName: "t", configSource: { configSourceSpecifier: { case: "ads", value: {} } } },
      },
      httpFilters: [
        ...made.map((_, at) => ({
          name: String(at),
          configType: { case: "typedConfig" as const, value: anyOf(`type.googleapis.com/${TEST_FILTER}`, new Uint8Array()) },
        })),
        { name: "router", configType: { case: "typedConfig", value: pack(RouterSchema, create(RouterSchema)) } },
      ],
      accessLog: [{ name: "test" }],
      ...options.hcm,
    });
    const config = parseHcm(wire, "", {
      filters: [routerFilterCompiler([testFilters]), testFilters],
      compileRouteTable: () => table,
      compileEarlyMutation: () => undefined,
      compileLocalReplyMap,
      compileAccessLog: () => ({ open: () => ({ log: (info) => void this.logged.push(info) }) }),
      compileAddressRanges: (ranges) => (address) => ranges.some(({ addressPrefix }) => addressPrefix === address),
    });
    this.runtime = new HcmRuntime(options.runtimeConfig ?? config, thread);
  }

  /** A new stream; call `onRequestHeaders` and so on. */
  open(client: Client): ActiveStream {
    const local = { address: "127.66.0.5", port: 9080 };
    const remote = { address: "127.0.0.1", port: 40_000 };
    return new ActiveStream(
      {
        runtime: this.runtime,
        info: { local, remote, directRemote: remote, requestedServerName: undefined, tls: undefined },
        drainIfDue: () => {},
        originalDestination: undefined,
        bufferLimitBytes: this.bufferLimitBytes,
        outbound: true,
      },
      client,
    );
  }

  /** Sends a request in one go. */
  send(
    client: Client,
    options: { method?: string; path?: string; headers?: HeaderPairs; body?: string; open?: boolean } = {},
  ): ActiveStream {
    const { method = "GET", path = "/reviews/0", headers, body, open = false } = options;
    const stream = this.open(client);
    stream.onRequestHeaders(
      new PairRequestHeaderMap({ method, path, authority: "reviews:9080", scheme: "http" }, headers),
      body === undefined && !open,
    );
    if (body !== undefined) lendPoisoned(Buffer.from(body), (chunk) => stream.onRequestData(chunk, !open));
    return stream;
  }

  get last(): UpstreamTry {
    return this.tries.at(-1)!;
  }

  /** What must hold after everything is over. */
  get leaks(): string[] {
    const leaks = [...this.stats.leaks];
    if (this.runtime.timers.size !== 0) leaks.push(`${this.runtime.timers.size} timers`);
    for (const cluster of this.clusters.clusters) {
      for (const host of cluster.hosts)
        if (host.activeRequests !== 0) leaks.push(`${host.activeRequests} requests on ${host.address.port}`);
    }
    for (const [name, { value }] of this.stats.values) if (name.endsWith("_open") && value !== 0) leaks.push(name);
    return leaks;
  }
}

export function clusterConfig(hosts: number, over: Partial<ClusterConfig> = {}): ClusterConfig {
  const endpoints = Array.from({ length: hosts }, (_, at) => ({
    address: { address: "127.0.0.1", port: at + 1 },
    hostname: "",
    weight: 1,
    locality: "",
    health: "healthy" as const,
    labels: undefined,
  }));
  return {
    name: "c",
    metadata: {},
    statName: "c",
    discovery: {
      kind: "static",
      assignment: { clusterName: "c", priorities: [[{ locality: "", weight: 0, endpoints }]], overprovisioning: 1.4 },
    },
    lb: { policy: "round-robin", slowStart: undefined },
    panicThreshold: 0,
    maintenancePercent: 0,
    localityWeighted: false,
    zoneAware: { routingEnabledPercent: 100, minClusterSize: 6, failTrafficOnPanic: false },
    closesConnectionsOnHealthFailure: false,
    drainsOnHostChange: false,
    preconnect: { perUpstream: 1, predictive: 1 },
    subsets: undefined,
    highCircuitBreakers: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 },
    maxConnectionsPerHost: undefined,
    circuitBreakers: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 },
    connection: {
      protocol: "http1",
      http2: readHttp2Options(undefined, "", () => {}),
      connectTimeoutMs: 1000,
      idleTimeoutMs: 0,
      maxConnectionDurationMs: 0,
      maxRequestsPerConnection: 0,
      maxResponseHeadersCount: 100,
      bufferLimitBytes: 1,
      autoServerName: false,
      autoSanValidation: false,
      serverNameHeader: undefined,
      maxStreamDurationMs: 0,
    },
    outliers: undefined,
    healthCheck: undefined,
    healthCheckKey: "",
    keepsHealthyHosts: false,
    ignoresNewHosts: false,
    socketOptions: { bind: undefined, keepalive: undefined },
    addressOrder: { firstFamily: undefined, firstFamilyCount: 1 },
    upstreamFilters: undefined,
    poolPerDownstreamConnection: false,
    overrideHostStatuses: new Set(),
    transportSockets: compileTransportSockets(create(ClusterSchema), () => {}),
    transportKey: "",
    ...over,
  };
}

/** Response flags and details of a finished stream, as an access log prints them. */
export function outcome(info: StreamInfo | undefined): string {
  if (info === undefined) return "not logged";
  return `${info.responseCode} ${[...info.flags].sort().join(",") || "-"} ${info.responseCodeDetails ?? "-"}`;
}
