// How many pairs looked at each honoured field: fields of RouteMatch count where a request was aimed at the route, fields of RouteAction
// where the route took it.
import type { JsonObject } from "@bufbuild/protobuf";
import { HONOURED_FIELDS } from "#proxy/honoured/table";
import type { Pair } from "./pair.ts";
import type { Outcome } from "./two-proxies.ts";

export class Coverage {
  readonly #counts = new Map<string, number>();
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

  text(): string {
    const rows = [...this.#counts].map(([name, count]) => `${String(count).padStart(6)}  ${name}`);
    return [`${this.#pairs} pairs, ${Math.round(this.nonDefaultShare * 100)} % of them on a route that is not the default`, ...rows].join(
      "\n",
    );
  }
}
