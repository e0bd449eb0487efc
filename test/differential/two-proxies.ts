// Our proxy and a real Envoy, each with its copy of the same resources from the same kind of server, in front of the same upstreams.
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { freePort } from "../harness/free-port.ts";
import { call } from "../harness/mesh.ts";
import { http1Client, http2Client } from "./client.ts";
import type { Client, DownstreamProtocol, Response } from "./client.ts";
import { httpFilters } from "./filter-configs.ts";
import type { Pair } from "./pair.ts";
import { startUpstreams } from "./upstreams.ts";
import type { Received, UpstreamProtocol } from "./upstreams.ts";

export const KINDS = ["envoy", "mizzen"] as const;
export type Kind = (typeof KINDS)[number];

export interface Outcome {
  readonly response: Response;
  readonly received: readonly Received[];
}

export interface TwoProxies {
  /** Undefined when both have taken it, else what each that refused said. */
  apply(around: Around, pairs: readonly Pair[]): Promise<Refusals | undefined>;
  /** Sends every pair's request to both; what upstreams received is looked at when it is quiet. */
  exchange(pairs: readonly Pair[]): Promise<Map<Pair, Record<Kind, Outcome>>>;
  close(): Promise<void>;
}

/** What stands around the virtual hosts. */
export interface Around {
  readonly table: JsonObject;
  /** Fields of the connection manager. */
  readonly manager: JsonObject;
  /** Compressors and decompressors. */
  readonly coders: readonly JsonObject[];
}

export type Refusals = Partial<Record<Kind, string>>;

const APPLY_MS = 30_000;
const AT_ONCE = 24;
const QUIET_MS = 150;
const ALONE_QUIET_MS = 40;

function host(port: number, more: JsonObject = {}): JsonObject {
  return { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } }, hostname: "auto.example" }, ...more };
}

function clusters(
  port: (name: string) => number,
  refusing: number,
  protocol: UpstreamProtocol,
): (JsonObject & { readonly name: string })[] {
  const options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const cluster = (name: string, hosts: JsonObject[], more: JsonObject = {}) => ({
    name,
    type: "STATIC",
    connect_timeout: "2s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: hosts }] },
    circuit_breakers: {
      thresholds: ["DEFAULT", "HIGH"].map((priority) => ({
        priority,
        max_connections: 10_000,
        max_pending_requests: 10_000,
        max_requests: 10_000,
        max_retries: 10_000,
      })),
    },
    typed_extension_protocol_options: {
      [options]: {
        "@type": `type.googleapis.com/${options}`,
        explicit_http_config:
          protocol === "http2" ? { http2_protocol_options: { allow_connect: true } } : { http_protocol_options: { enable_trailers: true } },
      },
    },
    metadata: { filter_metadata: { pair: { word: `of-${name}` } } },
    ...more,
  });
  const version = (name: string): JsonObject => host(port(name), { metadata: { filter_metadata: { "envoy.lb": { version: name } } } });
  return [
    cluster("a", [host(port("a"))]),
    cluster("b", [host(port("b"))]),
    cluster("mirror", [host(port("mirror"))]),
    cluster("empty", []),
    cluster("refusing", [host(refusing)]),
    cluster(
      "ring",
      ["ring0", "ring1", "ring2", "ring3"].map((name) => host(port(name))),
      { lb_policy: "RING_HASH" },
    ),
    cluster(
      "maglev",
      ["ring0", "ring1", "ring2", "ring3"].map((name) => host(port(name))),
      { lb_policy: "MAGLEV" },
    ),
    cluster("subsets", [version("v1"), version("v2")], {
      lb_subset_config: { fallback_policy: "NO_FALLBACK", subset_selectors: [{ keys: ["version"] }] },
    }),
  ];
}

export async function startTwoProxies(downstream: DownstreamProtocol, upstream: UpstreamProtocol): Promise<TwoProxies> {
  const upstreams = await startUpstreams(upstream);
  const port = (name: string): number => upstreams.ports.get(name)!;
  const options = {
    backendPort: port("a"),
    clusters: clusters(port, await freePort(), upstream),
    manager: {
      httpProtocolOptions: { allowAbsoluteUrl: true, enableTrailers: true },
      upgradeConfigs: [{ upgradeType: "websocket" }],
      httpFilters: httpFilters("0", []),
      http2ProtocolOptions: { allowConnect: true },
    },
  };
  const proxies: LoneProxy[] = [];
  for (const kind of KINDS) proxies.push(await startLoneProxy(kind, options));
  const connect = ({ port }: LoneProxy): Client => (downstream === "http1" ? http1Client(port) : http2Client(port));
  return operations(proxies, connect, upstreams);
}

function operations(
  proxies: readonly LoneProxy[],
  connect: (proxy: LoneProxy) => Client,
  upstreams: Awaited<ReturnType<typeof startUpstreams>>,
): TwoProxies {
  let generation = 0;
  let manager = "[{},[]]";
  let managerMark = "0";
  let clients = proxies.map(connect);

  /** Whether the proxy serves this generation, or why not. */
  const taken = async (proxy: LoneProxy, mark: string, nacksBefore: number): Promise<string | undefined> => {
    const until = performance.now() + APPLY_MS;
    for (;;) {
      const nack = proxy.ads.nacks[nacksBefore];
      if (nack !== undefined) return nack.message;
      const answer = await call(`http://127.0.0.1:${proxy.port}/`, { headers: { host: "mark.example" } }).catch(() => undefined);
      if (answer?.headers["x-mark"] === mark && answer.headers["x-manager"] === managerMark) return undefined;
      if (performance.now() > until) throw new Error(`a proxy neither took nor refused ${mark}: ${proxy.output().slice(-2000)}`);
      await new Promise((done) => setTimeout(done, 5));
    }
  };

  return {
    async apply(around, pairs) {
      const mark = String(++generation);
      const wanted = JSON.stringify([around.manager, around.coders]);
      const anew = wanted !== manager;
      if (anew) {
        manager = wanted;
        managerMark = mark;
      }
      const fields = { ...around.manager, httpFilters: httpFilters(managerMark, around.coders) };
      const marked: JsonObject = {
        name: "mark",
        domains: ["mark.example"],
        routes: [
          {
            match: { prefix: "/" },
            direct_response: { status: 200 },
            response_headers_to_add: [{ header: { key: "x-mark", value: mark } }],
          },
        ],
      };
      const nacks = proxies.map(({ ads }) => ads.nacks.length);
      for (const proxy of proxies)
        proxy.route({ ...around.table, virtual_hosts: [...pairs.map(({ virtualHost }) => virtualHost), marked] }, fields);
      const answers = await Promise.all(proxies.map((proxy, index) => taken(proxy, mark, nacks[index]!)));
      if (anew) {
        // Connections keep the manager that they began with.
        for (const client of clients) client.close();
        clients = proxies.map(connect);
      }
      if (answers.every((answer) => answer === undefined)) return undefined;
      return Object.fromEntries(KINDS.flatMap((kind, index) => (answers[index] === undefined ? [] : [[kind, answers[index]]])));
    },
    async exchange(pairs) {
      upstreams.forget();
      const responses = new Map<Pair, Response[]>();
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let pair = pairs[next++]; pair !== undefined; pair = pairs[next++]) {
          const { request, number } = pair;
          const own = async (kind: Kind): Promise<Response> => {
            const headers = [...request.headers, ["x-own-host", request.host], ["x-pair", `${number}-${kind}`]] as const;
            for (let sent = 1; ; sent++) {
              const response = await clients[KINDS.indexOf(kind)]!.send({ ...request, headers });
              if (sent >= (request.times ?? 1)) return response;
            }
          };
          responses.set(pair, await Promise.all(KINDS.map(own)));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      // Copies for mirrors may still be on their way: look until two looks see the same.
      const count = (): number =>
        pairs.reduce((sum, { number }) => sum + KINDS.reduce((all, kind) => all + upstreams.received(`${number}-${kind}`).length, 0), 0);
      for (let before = -1, now = count(); before !== now; before = now, now = count())
        await new Promise((done) => setTimeout(done, pairs.length === 1 ? ALONE_QUIET_MS : QUIET_MS));
      const outcomes = new Map<Pair, Record<Kind, Outcome>>();
      for (const pair of pairs) {
        const of = (kind: Kind): Outcome => ({
          response: responses.get(pair)![KINDS.indexOf(kind)]!,
          received: upstreams.received(`${pair.number}-${kind}`),
        });
        outcomes.set(pair, { envoy: of("envoy"), mizzen: of("mizzen") });
      }
      return outcomes;
    },
    async close() {
      for (const client of clients) client.close();
      for (const proxy of proxies) await proxy.stop();
      await upstreams.close();
    },
  };
}
