// How many pairs looked at each honoured field: fields of RouteMatch count where a request was aimed at the route, fields of RouteAction
// where the route took it. And how often what stands around routes came to pass.
import type { JsonObject } from "@bufbuild/protobuf";
import { HONOURED_FIELDS } from "#proxy/honoured/table";
import { FILTERS_OF_ROUTES } from "./filter-configs.ts";
import type { Pair } from "./pair.ts";
import type { Outcome } from "./two-proxies.ts";

interface Seen {
  readonly pair: Pair;
  readonly envoy: Outcome;
  /** The filters that the pair's route or virtual host configures. */
  readonly filters: ReadonlySet<string>;
}

function codingOf({ envoy }: Seen): string | undefined {
  return envoy.response.headers.find(([name]) => name === "content-encoding")?.[1];
}

function hasTrailer({ envoy }: Seen, prefix: string): boolean {
  const { response, received } = envoy;
  return [...response.trailers, ...received.flatMap(({ trailers }) => trailers)].some((line) => line.startsWith(prefix));
}

/** What clients of HTTP/1 can do; those of HTTP/2 have no upgrades, and one version. */
const OCCASIONS: Readonly<Record<string, (seen: Seen) => boolean>> = {
  ...Object.fromEntries(
    FILTERS_OF_ROUTES.map((name) => [`filter ${name}`, ({ filters }: Seen) => filters.has(`envoy.filters.http.${name}`)]),
  ),
  "filter compressor, by route": ({ filters }) => ["gzip", "brotli", "zstd"].some((name) => filters.has(name)),
  ...Object.fromEntries(["gzip", "br", "zstd"].map((coding) => [`answer in ${coding}`, (seen: Seen) => codingOf(seen) === coding])),
  "body decompressed": (seen) => hasTrailer(seen, "x-envoy-decompressor-"),
  "out of tokens": ({ filters, envoy }) => filters.has("envoy.filters.http.local_ratelimit") && envoy.response.status === 429,
  "refused by descriptor": ({ pair, envoy }) =>
    envoy.response.status === 429 && JSON.stringify(pair.virtualHost).includes('"descriptors":[{'),
  "buffered body too large": ({ filters, envoy }) => filters.has("envoy.filters.http.buffer") && envoy.response.status === 413,
  "preflight answered": ({ pair, envoy }) =>
    pair.request.method === "OPTIONS" &&
    envoy.received.length === 0 &&
    envoy.response.headers.some(([name]) => name === "access-control-allow-origin"),
  "origin refused": ({ filters, envoy }) => filters.has("envoy.filters.http.csrf") && envoy.response.status === 403,
  "client of HTTP/1.0 served": ({ pair, envoy }) => pair.request.http10 === true && envoy.received.length > 0,
  "client of HTTP/1.0 without a host served": ({ pair, envoy }) => pair.request.host === "" && envoy.received.length > 0,
  "client of HTTP/1.0 refused": ({ pair, envoy }) => pair.request.http10 === true && envoy.response.status === 426,
  "told to continue": ({ envoy }) => (envoy.response.continues ?? 0) > 0,
  "waited for being told to continue": ({ pair }) => pair.request.waits === true,
  "spoke through a tunnel": ({ envoy }) => envoy.response.body.startsWith("hello and ping"),
  "upgrade refused": ({ pair, envoy }) => pair.request.headers.some(([name]) => name === "upgrade") && envoy.response.status === 403,
  "trailers of a request": (seen) => seen.envoy.received.some(({ trailers }) => trailers.length > 0),
  "trailers of an answer": ({ envoy }) => envoy.response.trailers.length > 0,
};

export class Coverage {
  readonly #counts = new Map<string, number>();
  readonly #occasions = new Map<string, number>(Object.keys(OCCASIONS).map((name) => [name, 0]));
  #pairs = 0;
  #aimed = 0;

  constructor() {
    for (const type of ["RouteMatch", "RouteAction"])
      for (const field of HONOURED_FIELDS.get(`envoy.config.route.v3.${type}`)?.keys() ?? []) this.#counts.set(`${type}.${field}`, 0);
  }

  add(pair: Pair, envoy: Outcome): void {
    this.#pairs++;
    const routes = pair.virtualHost["routes"] as JsonObject[];
    const aimed = routes.find(({ name }) => name === pair.aim.route);
    const taken = envoy.response.headers.find(([name]) => name === "x-route")?.[1] ?? (pair.aim.hits ? pair.aim.route : "default");
    if (taken !== "default") this.#aimed++;
    const configs = [aimed, pair.virtualHost].map((message) => message?.["typed_per_filter_config"] ?? {});
    const seen: Seen = { pair, envoy, filters: new Set(configs.flatMap((config) => Object.keys(config))) };
    for (const [name, happened] of Object.entries(OCCASIONS)) if (happened(seen)) this.#occasions.set(name, this.#occasions.get(name)! + 1);
    this.#count("RouteMatch", aimed?.["match"]);
    this.#count("RouteAction", routes.find(({ name }) => name === taken)?.["route"]);
  }

  #count(type: string, message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    for (const field of Object.keys(message)) {
      const name = `${type}.${field}`;
      const before = this.#counts.get(name);
      if (before === undefined) throw new Error(`${name} is generated but is not in the table of honoured fields`);
      this.#counts.set(name, before + 1);
    }
  }

  get nonDefaultShare(): number {
    return this.#pairs === 0 ? 0 : this.#aimed / this.#pairs;
  }

  below(least: number): string[] {
    return [...this.#counts].filter(([, count]) => count < least).map(([name, count]) => `${name} (${count})`);
  }

  /** Occasions that no pair met. */
  get unmet(): string[] {
    return [...this.#occasions].filter(([, count]) => count === 0).map(([name]) => name);
  }

  text(): string {
    const rows = [...this.#counts, ...this.#occasions].map(([name, count]) => `${String(count).padStart(6)}  ${name}`);
    return [`${this.#pairs} pairs, ${Math.round(this.nonDefaultShare * 100)} % of them on a route that is not the default`, ...rows].join(
      "\n",
    );
  }
}
