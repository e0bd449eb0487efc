// One proxy alone, ours or a real Envoy, fed by the replay server with what a gateway of a mesh has: one listener, one back end. For tests
// that attack it: statistics, access log, descriptors and memory can be asked for.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { isFree } from "#agent/instance-address";
import { configRegistry as registry } from "#envoy/config-registry";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { benchBootstrap } from "../../bench/sidecar-resources.ts";
import { startReplayServer } from "../replay/ads-server.ts";
import type { ReplayResource, ReplayServer } from "../replay/ads-server.ts";
import { freePort } from "./free-port.ts";
import type { HeldResources, ResourceQuestion } from "./held-resources.ts";
import { call, eventually, ROOT, START_MS } from "./mesh.ts";
import { descriptorCount, rssMb, socketCount } from "./processes.ts";
import { envoyBinary } from "./tools.ts";

const TYPE = "type.googleapis.com/envoy.extensions.filters";
const ADS = { ads: {}, resourceApiVersion: "V3" };
const PROXY_CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const LOG_FORMAT =
  "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_REQUEST_ATTEMPT_COUNT%";

function resource(typeUrl: string, name: string, schema: DescMessage, json: JsonObject): ReplayResource {
  return { typeUrl, name, value: toBinary(schema, fromJson(schema, json, { registry })) };
}

/** Routes: /retry/ tries three times, /short/ has 300 ms, everything else as long as it takes. */
const ROUTES: readonly JsonObject[] = [
  {
    match: { prefix: "/retry/" },
    route: {
      cluster: PROXY_CLUSTER,
      timeout: "10s",
      retryPolicy: { retryOn: "5xx,reset,connect-failure", numRetries: 2, retryBackOff: { baseInterval: "0.05s", maxInterval: "0.05s" } },
    },
  },
  { match: { prefix: "/short/" }, route: { cluster: PROXY_CLUSTER, timeout: "0.3s" } },
  { match: { prefix: "/" }, route: { cluster: PROXY_CLUSTER, timeout: "0s" } },
];

export interface LoneResourcesOptions {
  readonly listenPort: number;
  readonly backendPort: number;
  readonly accessLog: string;
  readonly manager?: JsonObject;
  /** Before the connection manager. */
  readonly networkFilters?: readonly JsonObject[];
  /** Fields of a TcpProxy that stands in the place of the connection manager. */
  readonly tcpProxy?: JsonObject | undefined;
  readonly cluster?: JsonObject;
  readonly routes?: readonly JsonObject[];
  readonly virtualHosts?: readonly JsonObject[];
  /** Instead of the back end alone. */
  readonly endpoints?: readonly JsonObject[];
  /** Of the listener: TLS. */
  readonly transportSocket?: JsonObject | undefined;
  /** Behind the fields that every line has. */
  readonly logMore?: string;
  /** Further fields of the one filter chain. */
  readonly filterChain?: JsonObject;
  /** Beside the back end's. */
  readonly clusters?: readonly (JsonObject & { readonly name: string })[];
  /** Instead of `routes` and `virtualHosts`: all fields of the RouteConfiguration but its name. */
  readonly routeConfiguration?: JsonObject;
}

function loneResources(options: LoneResourcesOptions): ReplayResource[] {
  const { listenPort, backendPort, accessLog } = options;
  const endpoint = { address: { socketAddress: { address: "127.0.0.1", portValue: backendPort } } };
  const hcm = {
    "@type": `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
    statPrefix: "lone",
    rds: { routeConfigName: "80", configSource: ADS },
    useRemoteAddress: true,
    normalizePath: true,
    proxy100Continue: true,
    streamIdleTimeout: "0s",
    upgradeConfigs: [{ upgradeType: "websocket" }],
    httpProtocolOptions: { allowAbsoluteUrl: true },
    accessLog: [
      {
        name: "envoy.access_loggers.file",
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
          path: accessLog,
          logFormat: { textFormatSource: { inlineString: `${LOG_FORMAT}${options.logMore ?? ""}\n` } },
        },
      },
    ],
    httpFilters: [
      { name: "envoy.filters.http.fault", typedConfig: { "@type": `${TYPE}.http.fault.v3.HTTPFault` } },
      { name: "envoy.filters.http.cors", typedConfig: { "@type": `${TYPE}.http.cors.v3.Cors` } },
      { name: "envoy.filters.http.router", typedConfig: { "@type": `${TYPE}.http.router.v3.Router` } },
    ],
    ...options.manager,
  };
  const terminal: JsonObject =
    options.tcpProxy === undefined
      ? { name: "envoy.filters.network.http_connection_manager", typedConfig: hcm }
      : {
          name: "envoy.filters.network.tcp_proxy",
          typedConfig: {
            "@type": `${TYPE}.network.tcp_proxy.v3.TcpProxy`,
            statPrefix: "lone",
            ...("weightedClusters" in options.tcpProxy ? {} : { cluster: PROXY_CLUSTER }),
            accessLog: hcm.accessLog,
            ...options.tcpProxy,
          },
        };
  const virtualHosts = options.virtualHosts ?? [{ name: "all", domains: ["*"], routes: [...(options.routes ?? ROUTES)] }];
  const name = `127.0.0.1_${listenPort}`;
  return [
    resource(CLUSTER_TYPE, PROXY_CLUSTER, ClusterSchema, {
      name: PROXY_CLUSTER,
      type: "EDS",
      edsClusterConfig: { edsConfig: ADS, serviceName: PROXY_CLUSTER },
      connectTimeout: "1s",
      circuitBreakers: {
        thresholds: [{ maxConnections: 100_000, maxPendingRequests: 100_000, maxRequests: 100_000, maxRetries: 100_000 }],
      },
      ...options.cluster,
    }),
    resource(ENDPOINT_TYPE, PROXY_CLUSTER, ClusterLoadAssignmentSchema, {
      clusterName: PROXY_CLUSTER,
      endpoints: [...(options.endpoints ?? [{ lbEndpoints: [{ endpoint }] }])],
    }),
    ...(options.clusters ?? []).map((cluster) => resource(CLUSTER_TYPE, cluster.name, ClusterSchema, cluster)),
    resource(ROUTE_TYPE, "80", RouteConfigurationSchema, {
      ...(options.routeConfiguration ?? { virtualHosts: [...virtualHosts] }),
      name: "80",
    }),
    resource(LISTENER_TYPE, name, ListenerSchema, {
      name,
      address: { socketAddress: { address: "127.0.0.1", portValue: listenPort } },
      filterChains: [
        {
          filters: [...(options.networkFilters ?? []), terminal],
          ...(options.transportSocket === undefined ? {} : { transportSocket: options.transportSocket }),
          ...options.filterChain,
        },
      ],
    }),
  ];
}

export interface LoneProxy {
  readonly port: number;
  readonly adminPort: number;
  readonly pid: number;
  readonly ads: ReplayServer;
  /** Replaces the RouteConfiguration, and fields of the connection manager where some are given. */
  route(configuration: JsonObject, manager?: JsonObject): void;
  /** What the admin endpoint says. */
  get(path: string): Promise<string>;
  /** All statistics whose names match, by name. */
  stats(pattern: RegExp): Promise<ReadonlyMap<string, number>>;
  /** The gauges of what is being worked on that are not 0; empty when the proxy is at rest. */
  busy(): Promise<readonly string[]>;
  /** Access log lines so far. */
  log(): readonly string[];
  rssMb(): number;
  descriptors(): number;
  /** Descriptors that are sockets: files come and go with the runtime. */
  sockets(): number;
  /** What our traffic thread holds; of Envoy nothing is known. @param objects those of connections and streams, too */
  held(objects: boolean): Promise<HeldResources>;
  output(): string;
  stop(): Promise<void>;
}

export interface LoneProxyOptions {
  readonly backendPort: number;
  /** Received bytes are overwritten after they were lent, unless this is false. */
  readonly poison?: boolean;
  readonly manager?: JsonObject;
  /** Before the connection manager. */
  readonly networkFilters?: readonly JsonObject[];
  /** Fields of a TcpProxy that stands in the place of the connection manager. */
  readonly tcpProxy?: JsonObject | undefined;
  readonly cluster?: JsonObject;
  readonly routes?: readonly JsonObject[];
  readonly transportSocket?: JsonObject;
  readonly virtualHosts?: readonly JsonObject[];
  /** Instead of the back end alone. */
  readonly endpoints?: readonly JsonObject[];
  /** Behind the fields that every line has. */
  readonly logMore?: string;
  /** Further fields of the one filter chain. */
  readonly filterChain?: JsonObject;
  /** Beside the back end's. */
  readonly clusters?: readonly (JsonObject & { readonly name: string })[];
}

const GAUGES =
  /(downstream_rq_active|downstream_cx_active|upstream_rq_active|upstream_rq_pending_active|upstream_cx_active|upgrades_active)$/;

/** Starts a proxy and waits until it listens. */
export async function startLoneProxy(kind: "mizzen" | "envoy", options: LoneProxyOptions): Promise<LoneProxy> {
  try {
    return await start(kind, options);
  } catch (error) {
    // A port that was free may have gone to somebody else meanwhile.
    if (!/in use/i.test(String(error))) throw error;
    return await start(kind, options);
  }
}

async function start(kind: "mizzen" | "envoy", options: LoneProxyOptions): Promise<LoneProxy> {
  const work = mkdtempSync(join(tmpdir(), `mizzen-lone-${kind}-`));
  const [port, adminPort] = [await freePort(), await freePort()];
  const accessLog = join(work, "access.log");
  const ads = await startReplayServer(loneResources({ ...options, listenPort: port, accessLog }));
  const bootstrap = join(work, "bootstrap.json");
  const id = `router~127.0.0.1~lone-1.default~default.svc.cluster.local`;
  writeFileSync(bootstrap, JSON.stringify(benchBootstrap(id, ads.port, adminPort)));
  const child =
    kind === "envoy"
      ? spawn(
          envoyBinary(),
          ["-c", bootstrap, "--concurrency", "1", "--disable-hot-restart", "-l", "error", "--file-flush-interval-msec", "100"],
          {
            stdio: ["ignore", "ignore", "pipe"],
          },
        )
      : spawn(
          process.execPath,
          [
            "--import",
            join(ROOT, "test/harness/held-resources.ts"),
            join(ROOT, "bench/data-plane-process.ts"),
            bootstrap,
            ...(options.poison === false ? [] : ["--poison"]),
          ],
          { stdio: ["ignore", "ignore", "pipe", "ipc"] },
        );
  let output = "";
  child.stderr?.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
  const ended = new Promise<void>((done) => child.on("close", () => done()));
  const killNow = (): void => void child.kill("SIGKILL");
  process.on("exit", killNow);
  const pid = child.pid ?? -1;
  const get = async (path: string): Promise<string> => (await call(`http://127.0.0.1:${adminPort}${path}`)).body;
  const stats = async (pattern: RegExp): Promise<ReadonlyMap<string, number>> => {
    const found = new Map<string, number>();
    for (const line of (await get("/stats")).split("\n")) {
      const [name, value] = line.split(": ");
      if (name !== undefined && pattern.test(name) && /^\d+$/.test(value ?? "")) found.set(name, Number(value));
    }
    return found;
  };
  const proxy: LoneProxy = {
    port,
    adminPort,
    pid,
    ads,
    route: (routeConfiguration, manager) =>
      ads.set(loneResources({ ...options, manager: { ...options.manager, ...manager }, listenPort: port, accessLog, routeConfiguration })),
    get,
    stats,
    async busy() {
      const ours = /^(http\.lone\.|cluster\.outbound|listener\.127)/;
      return [...(await stats(GAUGES))]
        .filter(([name, value]) => ours.test(name) && value !== 0)
        .map(([name, value]) => `${name}: ${value}`);
    },
    log: () => {
      try {
        return readFileSync(accessLog, "utf8").split("\n").filter(Boolean);
      } catch {
        return [];
      }
    },
    rssMb: () => rssMb(pid),
    descriptors: () => descriptorCount(pid),
    sockets: () => socketCount(pid),
    held: async (objects) => {
      if (kind === "envoy") return {};
      const question: ResourceQuestion = { objects };
      const answer = once(child, "message");
      child.send(question);
      return ((await answer) as [HeldResources])[0];
    },
    output: () => output,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(killNow, 5_000);
      await ended;
      clearTimeout(timer);
      process.off("exit", killNow);
      await ads.close();
      rmSync(work, { recursive: true, force: true });
    },
  };
  try {
    await eventually(`${kind} listens`, START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`${kind} ended with ${child.exitCode}`);
      const active = (await stats(/^listener_manager\.total_listeners_active$/)).values().next().value;
      return active === 1 && !(await isFree("127.0.0.1", port)) ? true : undefined;
    });
  } catch (error) {
    await proxy.stop();
    throw new Error(`${kind} did not start: ${output.slice(-3000)} ${JSON.stringify(ads.nacks)}`, { cause: error });
  }
  return proxy;
}
