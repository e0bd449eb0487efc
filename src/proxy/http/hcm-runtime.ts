// What all connections of one compiled connection manager share on one thread.
import type { ThreadContext } from "#proxy/thread-context";
import type { StatsScope } from "#telemetry/stats/store";
import type { HttpFilterFactory } from "./filter.ts";
import { http2CodecStats } from "./http2-codec-stats.ts";
import type { Http2CodecStats } from "./http2-codec-stats.ts";
import type { AccessLogger, HcmConfig } from "./hcm-config.ts";
import { HcmStats } from "./hcm-stats.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { TraceStats } from "./trace-reason.ts";

export class HcmRuntime {
  readonly config: HcmConfig;
  readonly thread: ThreadContext;
  readonly stats: HcmStats;
  /** The config's filters, counting into this connection manager's scope. */
  readonly filters: readonly HttpFilterFactory[];
  readonly timers: TimerWheel;
  readonly traceStats: TraceStats | undefined;
  readonly accessLogger: AccessLogger | undefined;
  readonly #scope: StatsScope;
  #http2Stats: Http2CodecStats | undefined;
  #dateSecond = -1;
  #date = "";

  constructor(config: HcmConfig, thread: ThreadContext) {
    this.config = config;
    this.thread = thread;
    const scope = thread.stats.scope("http", { tag: "envoy.http_conn_manager_prefix", value: config.statPrefix });
    this.#scope = scope;
    this.stats = new HcmStats(scope, thread.stats);
    this.filters = config.filters.map((factory) => factory.withStats?.(scope, thread) ?? factory);
    this.timers = new TimerWheel(thread.clock);
    this.traceStats = config.tracing === undefined ? undefined : new TraceStats(scope);
    this.accessLogger = config.accessLog?.open(thread);
  }

  /** Made with the first HTTP/2 connection: all connection managers share them, and nobody gives them back. */
  get http2Stats(): Http2CodecStats {
    return (this.#http2Stats ??= http2CodecStats(this.thread.stats));
  }

  /** No connection uses it any more. */
  release(): void {
    for (const filter of this.filters) filter.release?.();
    this.#scope.release();
  }

  /** IMF-fixdate (RFC 9110 5.6.7), made once a second. */
  httpDate(): string {
    const wallMs = this.thread.clock.wallMs();
    const second = Math.trunc(wallMs / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = new Date(wallMs).toUTCString();
    }
    return this.#date;
  }
}
