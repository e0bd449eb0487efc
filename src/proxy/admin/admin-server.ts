// The admin endpoint of one proxy: Envoy's paths and answers over HTTP, on loopback only. It shows configuration and can end the proxy, so
// it refuses other addresses, and other Host headers than loopback's: a web page must not reach it through a name that points here.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { JsonObject } from "@bufbuild/protobuf";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { compileRegex } from "#matcher/regex";
import { compileAddressRanges } from "#matcher/cidr";
import type { SocketAddress } from "#proxy/net/connection";
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from "#telemetry/stats/prometheus";
import { selectStats, statsJson, statsText } from "#telemetry/stats/stats-text";
import type { Stat } from "#telemetry/stats/stats-reader";
import type { StatsQuery } from "#telemetry/stats/stats-text";
import type { Log } from "#runtime/log";
import { addressText } from "#proxy/net/socket-address";
import { addressJson } from "./address-json.ts";
import type { AdminSource } from "./admin-source.ts";
import { certificates } from "./certificates.ts";
import { clustersJson, clustersText } from "./cluster-status.ts";
import { configDump } from "./config-dump.ts";
import { dumpMessage } from "./dump-registry.ts";
import { initDump, logging, memory, modifyRuntime, runtime } from "./process-pages.ts";

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
  /** After the answer has left. */
  readonly afterwards?: () => void;
}

interface Page {
  readonly method: "GET" | "POST";
  readonly help: string;
  readonly answer: (source: AdminSource, query: URLSearchParams) => Answer | Promise<Answer>;
}

// Not imported: an import reads every export of a module, and one of this one's is Node's whole fetch, 4 MB.
const { createServer } = process.getBuiltinModule("node:http");

const isLoopback = compileAddressRanges([
  { addressPrefix: "127.0.0.0", prefixLen: 8 },
  { addressPrefix: "::1", prefixLen: 128 },
]);

const TEXT = "text/plain; charset=UTF-8";

function json(value: JsonObject): Answer {
  return { type: "application/json", body: `${JSON.stringify(value, undefined, 1)}\n` };
}

const PAGES: Readonly<Record<string, Page>> = {
  "/certs": { method: "GET", help: "print certs on machine", answer: (source) => json(certificates(source)) },
  "/clusters": {
    method: "GET",
    help: "upstream cluster status (?format=json)",
    answer: async (source, query) => {
      const clusters = await source.clusters();
      return query.get("format") === "json" ? json(clustersJson(source, clusters)) : { body: clustersText(source, clusters) };
    },
  },
  "/config_dump": {
    method: "GET",
    help: "dump current configs (?resource=, ?mask=, ?name_regex=, ?include_eds)",
    answer: (source, query) => {
      const pattern = query.get("name_regex");
      const regex = pattern === null ? undefined : compileRegex(pattern);
      const dump = configDump(source, {
        includeEndpoints: query.has("include_eds"),
        resource: query.get("resource") ?? undefined,
        mask: query.get("mask") ?? undefined,
        matchesName: regex === undefined ? undefined : (name) => regex.matches(name),
      });
      return "problem" in dump ? { status: dump.status, body: dump.problem } : json(dump);
    },
  },
  "/contention": {
    method: "GET",
    help: "mutex contention, which one thread per proxy does not have",
    answer: () => ({ body: "Mutex contention tracing is not enabled. To enable, run Envoy with flag --enable-mutex-tracing." }),
  },
  "/drain_listeners": {
    method: "POST",
    help: "stop accepting connections; running ones finish",
    answer: (source, query) => {
      for (const option of ["inboundonly", "skip_exit", "graceful"])
        if (query.has(option)) return { status: 400, body: `${option} is not served; without it all listeners stop at once\n` };
      return { body: "OK\n", afterwards: () => source.drainListeners() };
    },
  },
  "/healthcheck/fail": { method: "POST", help: "fail this proxy's health checks", answer: (source) => failHealthChecks(source, true) },
  "/healthcheck/ok": { method: "POST", help: "pass this proxy's health checks again", answer: (source) => failHealthChecks(source, false) },
  "/hot_restart_version": {
    method: "GET",
    help: "print the hot restart compatibility version",
    answer: () => ({ body: "disabled" }),
  },
  "/init_dump": { method: "GET", help: "what is not live yet, and what it waits for", answer: (source) => json(initDump(source)) },
  "/listeners": {
    method: "GET",
    help: "listener addresses (?format=json)",
    answer: (source, query) => listeners(source, query.get("format") === "json"),
  },
  "/logging": { method: "POST", help: "query/change logging levels", answer: logging },
  "/memory": { method: "GET", help: "print current allocation/heap usage", answer: () => json(memory(process.memoryUsage())) },
  "/quitquitquit": { method: "POST", help: "end this proxy", answer: (source) => ({ body: "OK\n", afterwards: () => source.quit() }) },
  "/ready": {
    method: "GET",
    help: "LIVE once the first configuration is served, else 503",
    answer: (source) => ({ status: source.state() === "LIVE" ? 200 : 503, body: `${source.state()}\n` }),
  },
  "/reset_counters": {
    method: "POST",
    help: "reset all counters to zero",
    answer: async (source) => {
      await source.resetCounters();
      return { body: "OK\n" };
    },
  },
  "/runtime": { method: "GET", help: "print runtime values", answer: (source) => json(runtime(source)) },
  "/runtime_modify": { method: "POST", help: "refused: no runtime key is read", answer: modifyRuntime },
  "/server_info": { method: "GET", help: "version, state, uptime", answer: serverInfo },
  "/stats": {
    method: "GET",
    help: "statistics (?filter=REGEX, ?usedonly, ?format=json|prometheus)",
    answer: async (source, query) => {
      const format = query.get("format") ?? "text";
      const problem = statsProblem(query, format);
      if (problem !== undefined) return { status: 400, body: problem };
      if (format === "prometheus") return prometheus(source, query);
      const stats = selectStats(await source.stats(), statsQuery(query));
      return format === "json" ? { type: "application/json", body: statsJson(stats) } : { body: statsText(stats) };
    },
  },
  "/stats/prometheus": { method: "GET", help: "statistics in Prometheus' text format", answer: prometheus },
};

function failHealthChecks(source: AdminSource, fail: boolean): Answer {
  source.failHealthChecks(fail);
  return { body: "OK\n" };
}

const STAT_KINDS: Readonly<Record<string, Stat["kind"]>> = { Counters: "counter", Gauges: "gauge", Histograms: "histogram" };

/** Envoy's answers to what it does not know, and our own to what it knows and we do not. */
function statsProblem(query: URLSearchParams, format: string): string | undefined {
  if (format === "html" || format === "active-html") return `format ${format} is not served; use json, prometheus or text\n`;
  if (!["json", "prometheus", "text"].includes(format)) return "usage: /stats?format=(html|active-html|json|prometheus|text)\n\n";
  const type = query.get("type") ?? "All";
  if (type === "TextReadouts") return "there are no text readouts\n";
  if (type !== "All" && STAT_KINDS[type] === undefined) return "invalid &type= param";
  const buckets = query.get("histogram_buckets");
  if (buckets === null || buckets === "summary" || (buckets === "cumulative" && format === "prometheus")) return undefined;
  if (!["cumulative", "disjoint", "detailed", "prometheusnative"].includes(buckets))
    return "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|prometheusnative)\n";
  return `histogram_buckets=${buckets} is not served here; use summary, or cumulative with format=prometheus\n`;
}

function statsQuery(query: URLSearchParams): StatsQuery {
  return {
    filter: query.get("filter") ?? "",
    usedOnly: query.has("usedonly"),
    invert: query.has("invert_filter"),
    kind: STAT_KINDS[query.get("type") ?? "All"],
  };
}

async function prometheus(source: AdminSource, query: URLSearchParams): Promise<Answer> {
  return { type: PROMETHEUS_CONTENT_TYPE, body: prometheusText(selectStats(await source.stats(), statsQuery(query))) };
}

function listeners(source: AdminSource, asJson: boolean): Answer {
  const names = source.config.listeners.live.map(({ name }) => ({ name, addresses: source.listenerAddresses(name) }));
  if (asJson) {
    return json({
      listener_statuses: names.map(({ name, addresses: [first, ...more] }) => ({
        name,
        ...(first === undefined ? {} : { local_address: addressJson(first) }),
        ...(more.length === 0 ? {} : { additional_local_addresses: more.map(addressJson) }),
      })),
    });
  }
  return { body: names.map(({ name, addresses }) => `${name}::${addresses.map(addressText).join(",")}\n`).join("") };
}

function serverInfo(source: AdminSource): Answer {
  const uptime = `${Math.floor(source.uptimeMs() / 1000)}s`;
  const { node } = source.bootstrap;
  return json({
    version: source.version,
    state: source.state(),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: { concurrency: source.concurrency, service_cluster: node?.cluster ?? "", service_node: node?.id ?? "" },
    ...(node === undefined ? {} : { node: dumpMessage(NodeSchema, node) }),
  });
}

function help(): Answer {
  const lines = Object.entries(PAGES).map(([path, page]) => `  ${path}${page.method === "POST" ? " (POST)" : ""}: ${page.help}\n`);
  return { body: `admin commands are:\n${lines.join("")}` };
}

export class AdminServer {
  readonly #address: SocketAddress;
  readonly #source: AdminSource;
  readonly #log: Log;
  readonly #server: Server;
  /** Somebody said that it may be reached from elsewhere. */
  readonly #remote: boolean;

  constructor(address: SocketAddress, source: AdminSource, log: Log, remote = false) {
    this.#address = address;
    this.#remote = remote;
    this.#source = source;
    this.#log = log;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.#log.error("an admin request failed", { path: request.url, error: String(error) });
        response.destroy();
      });
    });
  }

  /** @throws Error when the address is not loopback or cannot be had */
  async listen(): Promise<void> {
    const { address, port } = this.#address;
    if (!this.#remote && !isLoopback(address))
      throw new Error(`admin address ${address} is not a loopback address; it must not be reachable from elsewhere`);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(new Error(`admin endpoint ${address}:${port} cannot be had: ${error.message}`)));
      this.#server.listen(port, address, resolve);
    });
  }

  /** The port, also when 0 was asked for. */
  get port(): number {
    const bound = this.#server.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeIdleConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request);
    const { status = 200, type = TEXT, body, afterwards } = answer;
    response.writeHead(status, {
      "content-type": type,
      "cache-control": "no-cache, max-age=0",
      "x-content-type-options": "nosniff",
      connection: "close",
    });
    response.end(request.method === "HEAD" ? undefined : body, afterwards);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (!this.#remote && !allowedHost(request.headers.host))
      return { status: 403, body: "this Host is not allowed here; use the loopback address\n" };
    if (fromAnotherSite(request.headers.origin, request.headers.host))
      return { status: 403, body: "pages of other origins may not ask here\n" };
    const target = request.url ?? "/";
    const url = target.startsWith("/") ? URL.parse(`http://admin${target}`) : null;
    if (url === null) return { status: 400, body: "the path is not one\n" };
    if (url.pathname === "/" || url.pathname === "/help") return help();
    const page = Object.hasOwn(PAGES, url.pathname) ? PAGES[url.pathname] : undefined;
    if (page === undefined) return { status: 404, body: `invalid path. ${help().body}` };
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (method !== page.method) return { status: 405, body: `Method ${method} not allowed, ${page.method} required.` };
    try {
      return await page.answer(this.#source, url.searchParams);
    } catch (error) {
      // What a caller can get wrong is a regex; what else throws shows here too, and goes to the log.
      this.#log.debug("an admin request was refused", { path: url.pathname, error: String(error) });
      return { status: 400, body: `${error instanceof Error ? error.message : String(error)}\n` };
    }
  }
}

/** Browsers send Origin with every POST: a page elsewhere could end the proxy with a form, whose Host would be right. */
function fromAnotherSite(origin: string | undefined, host: string | undefined): boolean {
  return origin !== undefined && origin !== `http://${host}`;
}

function allowedHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || isLoopback(name);
}
