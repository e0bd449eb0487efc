// Whether a request would be traced, and for what reason. Nothing here traces, but the decision travels: a digit of x-request-id tells every
// proxy behind, so that a whole call is traced or none of it, and Envoy counts it wherever tracing is configured.
import type { HttpConnectionManager_Tracing } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { UuidRequestIdConfig } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import type { Percent } from "#envoy/gen/envoy/type/v3/percent_pb";
import type { Runtime } from "#proxy/runtime/runtime";
import { isTaken } from "#proxy/route/trace-sampling";
import type { Share, TraceSampling } from "#proxy/route/trace-sampling";
import type { Random } from "#runtime/random";
import type { Counter, StatsScope } from "#telemetry/stats/store";
import type { RequestHeaderMap } from "./header-map.ts";

export type TraceReason = "client" | "service" | "sampled" | "none";

export interface TraceDecision {
  /** Where the route does not say otherwise. */
  readonly sampling: TraceSampling;
  /** False: each request would be traced, and its id says nothing. */
  readonly byRequestId: boolean;
  /** Ids tell what was decided. */
  readonly packs: boolean;
}

/** Of so many places an id names one. */
const WHOLE = 10_000;
/** A multiple of every denominator. */
const CLIENT_PLACES = 1_000_000;

const UUID_LENGTH = 36;
/** Where a UUID has its version. */
const REASON_AT = 14;
const DIGITS: Readonly<Record<TraceReason, string>> = { client: "b", service: "a", sampled: "9", none: "4" };

/** @returns undefined where tracing is not configured */
export function compileTraceDecision(
  tracing: HttpConnectionManager_Tracing | undefined,
  requestId: UuidRequestIdConfig | undefined,
): TraceDecision | undefined {
  if (tracing === undefined) return undefined;
  const { clientSampling, randomSampling, overallSampling } = tracing;
  return Object.freeze({
    sampling: {
      // As in Envoy: this one in whole per cent.
      client: { numerator: clientSampling === undefined ? 100 : Math.trunc(clientSampling.value), denominator: 100 },
      random: share(randomSampling),
      overall: share(overallSampling),
    },
    byRequestId: requestId?.useRequestIdForTraceSampling ?? true,
    packs: requestId?.packTraceReason ?? true,
  });
}

function share(percent: Percent | undefined): Share {
  return { numerator: percent === undefined ? WHOLE : Math.round(percent.value * 100), denominator: WHOLE };
}

/** What somebody in front of this proxy decided stays, but for the overall share. `ofRoute` undefined: the route does not say. */
export function decideTrace(
  headers: RequestHeaderMap,
  decision: TraceDecision,
  ofRoute: TraceSampling | undefined,
  random: Random,
  runtime: Runtime,
): TraceReason {
  if (!decision.byRequestId) return "sampled";
  const id = headers.get("x-request-id");
  const place = id === undefined || id.length < 8 ? Number.NaN : Number(`0x${id.slice(0, 8)}`) % WHOLE;
  if (id === undefined || Number.isNaN(place)) return "none";
  const sampling = ofRoute ?? decision.sampling;
  const before = decision.packs ? reasonOf(id) : "none";
  let reason = before;
  if (reason === "none") {
    if (headers.has("x-client-trace-id") && isSampled("tracing.client_enabled", sampling.client, random.integer(CLIENT_PLACES), runtime))
      reason = "client";
    else if (headers.has("x-envoy-force-trace")) reason = "service";
    else if (isSampled("tracing.random_sampling", sampling.random, place, runtime)) reason = "sampled";
  }
  if (!isSampled("tracing.global_enabled", sampling.overall, place, runtime)) reason = "none";
  if (reason !== before && decision.packs) tellReason(headers, id, reason);
  return reason;
}

/** A runtime layer has the last word, also over the route. */
function isSampled(key: string, configured: Share, place: number, runtime: Runtime): boolean {
  const layered = runtime.share(key, -1);
  return layered < 0 ? isTaken(configured, place) : place % WHOLE < layered * WHOLE;
}

/** What a stranger says of tracing is not believed, also where his id is kept. */
export function forgetTraceReason(headers: RequestHeaderMap): void {
  const id = headers.get("x-request-id");
  if (id !== undefined) tellReason(headers, id, "none");
}

function reasonOf(id: string): TraceReason {
  if (id.length !== UUID_LENGTH) return "none";
  const digit = id[REASON_AT];
  return digit === "9" ? "sampled" : digit === "a" ? "service" : digit === "b" ? "client" : "none";
}

function tellReason(headers: RequestHeaderMap, id: string, reason: TraceReason): void {
  if (id.length === UUID_LENGTH) headers.set("x-request-id", id.slice(0, REASON_AT) + DIGITS[reason] + id.slice(REASON_AT + 1));
}

/** `http.<stat_prefix>.tracing.` */
export class TraceStats {
  readonly #counters: Readonly<Record<TraceReason, Counter>>;

  constructor(scope: StatsScope) {
    this.#counters = {
      client: scope.counter("tracing", "client_enabled"),
      service: scope.counter("tracing", "service_forced"),
      sampled: scope.counter("tracing", "random_sampling"),
      none: scope.counter("tracing", "not_traceable"),
    };
  }

  count(reason: TraceReason): void {
    this.#counters[reason].inc();
  }
}
