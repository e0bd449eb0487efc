// What an xDS proxy itself counted of a cell, which must be what the load saw: otherwise the peers did not do the same work.
import { call, eventually } from "../../test/harness/mesh.ts";
import { CONNECTIONS } from "./load.ts";

/** By name: a Prometheus family of one connection manager, cluster or TCP proxy. */
export type Counts = Readonly<Record<string, number>>;

type Family = readonly [name: string, metric: RegExp, labels: readonly string[]];

// Envoy takes the domain of a cluster's name for a part of the metric's; external and internal are other counts of the same requests.
const CLUSTER_CLASS = /^envoy_cluster_(?!.*(external|internal)_upstream).*upstream_rq_xx$/;
const CLUSTER_TIME = /^envoy_cluster_(?!.*(external|internal)_upstream).*upstream_rq_time_count$/;

const MANAGER = (prefix: string): readonly Family[] => {
  const label = `envoy_http_conn_manager_prefix="${prefix}"`;
  const ofClass = (digit: string): Family => [
    `${prefix} ${digit}xx`,
    /^envoy_http_downstream_rq_xx$/,
    [label, `envoy_response_code_class="${digit}"`],
  ];
  return [
    [`${prefix} requests`, /^envoy_http_downstream_rq_total$/, [label]],
    ofClass("2"),
    ofClass("3"),
    ofClass("4"),
    ofClass("5"),
    [`${prefix} request times`, /^envoy_http_downstream_rq_time_count$/, [label]],
  ];
};
const CLUSTERS: readonly Family[] = [
  ["clusters 2xx", CLUSTER_CLASS, ['envoy_response_code_class="2"']],
  ["clusters request times", CLUSTER_TIME, []],
];

async function read(adminPort: number, families: readonly Family[]): Promise<Record<string, number>> {
  const text = (await call(`http://127.0.0.1:${adminPort}/stats?format=prometheus`)).body;
  const counts = Object.fromEntries(families.map(([name]) => [name, 0]));
  for (const line of text.split("\n")) {
    const brace = line.indexOf("{");
    if (brace < 0 || !line.includes("_rq_")) continue;
    for (const [name, metric, labels] of families) {
      if (!metric.test(line.slice(0, brace)) || !labels.every((label) => line.includes(label))) continue;
      counts[name] = (counts[name] ?? 0) + Number(line.slice(line.lastIndexOf(" ") + 1));
    }
  }
  return counts;
}

// A little more than Envoy's flush interval in these benchmarks.
const FLUSH_MS = 1100;

export interface CountedWork {
  /** Statistics prefixes of the connection managers that every request passes. */
  readonly managers: readonly string[];
}

export class Counters {
  readonly #adminPort: number;
  readonly #families: readonly Family[];
  readonly #hops: number;
  #before: Counts = {};

  constructor(adminPort: number, { managers }: CountedWork) {
    this.#adminPort = adminPort;
    this.#families = [...managers.flatMap(MANAGER), ...CLUSTERS];
    this.#hops = managers.length;
  }

  /** Waits until the load before this one, which was cut off in the middle of requests, is counted to its end. */
  async begin(): Promise<void> {
    await eventually("the counters stand still", 15_000, async () => {
      const before = this.#before;
      this.#before = await read(this.#adminPort, this.#families);
      if (Object.keys(before).length > 0 && Object.entries(before).every(([name, value]) => value === this.#before[name])) return true;
      await new Promise((done) => setTimeout(done, FLUSH_MS));
      return undefined;
    });
  }

  /**
   * Waits until everything is counted. Load that is cut off leaves a request a connection that one side alone has seen, and another one
   * where each request has a connection of its own, which is accepted before the load looks at its end.
   */
  async agree(who: string, answered: number, slack = 2 * CONNECTIONS): Promise<Counts> {
    let delta: Record<string, number> = {};
    const check = async (): Promise<Counts | undefined> => {
      const now = await read(this.#adminPort, this.#families);
      delta = Object.fromEntries(Object.entries(now).map(([name, value]) => [name, value - (this.#before[name] ?? 0)]));
      const fits = Object.entries(delta).every(([name, value]) => {
        if (/[345]xx$/.test(name)) return value === 0;
        const expected = name.startsWith("clusters") ? answered * this.#hops : answered;
        return value >= expected - slack && value <= expected + slack * this.#hops;
      });
      return fits ? delta : undefined;
    };
    return eventually("the counters", 15_000, check).catch((error: unknown) => {
      throw new Error(`${who} counted ${JSON.stringify(delta)} where the load saw ${answered} answers`, { cause: error });
    });
  }
}
