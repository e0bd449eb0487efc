// `server.*`: what the admin endpoint knows of the proxy as a whole. Each proxy of the process has its own.
import type { Stat } from "#telemetry/stats/stats-reader";
import type { Gauge, StatsScope } from "#telemetry/stats/store";

/** Envoy's values of `server.state`. */
const STATES = { LIVE: 0, DRAINING: 1, PRE_INITIALIZING: 2 } as const;

export type ServerState = keyof typeof STATES;

/** What is asked of the proxy whenever somebody asks for statistics. */
export interface ServerFacts {
  readonly state: ServerState;
  readonly uptimeMs: number;
}

export class ServerStats {
  readonly #live: Gauge;
  readonly #state: Gauge;
  readonly #uptime: Gauge;
  readonly #allocated: Gauge;
  readonly #heapSize: Gauge;
  readonly #physicalSize: Gauge;

  /** `version`: of the package, as a number that differs when it does. */
  constructor(root: StatsScope, concurrency: number, version: string) {
    const scope = root.scope("server");
    this.#live = scope.gauge("live");
    this.#state = scope.gauge("state");
    this.#uptime = scope.gauge("uptime");
    this.#allocated = scope.gauge("memory_allocated");
    this.#heapSize = scope.gauge("memory_heap_size");
    this.#physicalSize = scope.gauge("memory_physical_size");
    scope.gauge("concurrency").set(concurrency);
    scope.gauge("version").set(versionNumber(version));
    root.gauge("listener_manager", "workers_started").set(1);
  }

  update({ state, uptimeMs }: ServerFacts): void {
    this.#live.set(state === "DRAINING" ? 0 : 1);
    this.#state.set(STATES[state]);
    this.#uptime.set(Math.trunc(uptimeMs / 1000));
    const { rss, heapTotal, heapUsed } = process.memoryUsage();
    this.#allocated.set(heapUsed);
    this.#heapSize.set(heapTotal);
    this.#physicalSize.set(rss);
  }
}

/** `server.total_connections`: what all listeners hold now. */
export function totalConnections(stats: readonly Stat[]): Stat {
  let value = 0;
  for (const stat of stats)
    if (stat.kind === "gauge" && stat.name.startsWith("listener.") && stat.name.endsWith(".downstream_cx_active")) value += stat.value;
  return { kind: "gauge", name: "server.total_connections", parts: ["server", "total_connections"], value };
}

function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  return major * 1_000_000 + minor * 1_000 + patch;
}
