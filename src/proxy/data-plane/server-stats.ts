// `server.*`: what the admin endpoint knows of the proxy as a whole. Each proxy of the process has its own.
import type { Gauge, StatsScope } from "#telemetry/stats/store";

/** Envoy's values of `server.state`. */
const STATES = { LIVE: 0, DRAINING: 1, PRE_INITIALIZING: 2 } as const;

export type ServerState = keyof typeof STATES;

export class ServerStats {
  readonly #live: Gauge;
  readonly #state: Gauge;
  readonly #uptime: Gauge;

  constructor(root: StatsScope, concurrency: number) {
    const scope = root.scope("server");
    this.#live = scope.gauge("live");
    this.#state = scope.gauge("state");
    this.#uptime = scope.gauge("uptime");
    scope.gauge("concurrency").set(concurrency);
  }

  /** Called whenever somebody asks. */
  update(state: ServerState, uptimeMs: number): void {
    this.#live.set(state === "DRAINING" ? 0 : 1);
    this.#state.set(STATES[state]);
    this.#uptime.set(Math.trunc(uptimeMs / 1000));
  }
}
