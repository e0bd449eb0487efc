// The text of response flags in logs, in Envoy's order, short and long.
import type { ResponseFlag } from "#proxy/http/stream-info";

const FLAGS: readonly (readonly [ResponseFlag, string])[] = [
  ["LH", "FailedLocalHealthCheck"],
  ["UH", "NoHealthyUpstream"],
  ["UT", "UpstreamRequestTimeout"],
  ["LR", "LocalReset"],
  ["UR", "UpstreamRemoteReset"],
  ["UF", "UpstreamConnectionFailure"],
  ["UC", "UpstreamConnectionTermination"],
  ["UO", "UpstreamOverflow"],
  ["NR", "NoRouteFound"],
  ["DI", "DelayInjected"],
  ["FI", "FaultInjected"],
  ["RL", "RateLimited"],
  ["UAEX", "UnauthorizedExternalService"],
  ["RLSE", "RateLimitServiceError"],
  ["DC", "DownstreamConnectionTermination"],
  ["URX", "UpstreamRetryLimitExceeded"],
  ["SI", "StreamIdleTimeout"],
  ["IH", "InvalidEnvoyRequestHeaders"],
  ["DPE", "DownstreamProtocolError"],
  ["UMSDR", "UpstreamMaxStreamDurationReached"],
  ["RFCF", "ResponseFromCacheFilter"],
  ["NFCF", "NoFilterConfigFound"],
  ["DT", "DurationTimeout"],
  ["UPE", "UpstreamProtocolError"],
  ["NC", "NoClusterFound"],
  ["OM", "OverloadManagerTerminated"],
  ["DF", "DnsResolutionFailed"],
  ["DO", "DropOverload"],
];

/** undefined when there is none: logs print "-". */
export function flagsText(flags: ReadonlySet<ResponseFlag>, form: "short" | "long"): string | undefined {
  if (flags.size === 0) return undefined;
  let out = "";
  for (const [short, long] of FLAGS) {
    if (!flags.has(short)) continue;
    out += (out === "" ? "" : ",") + (form === "short" ? short : long);
  }
  return out;
}

/** @throws never: unknown text gives undefined */
export function flagOf(text: string): ResponseFlag | undefined {
  return FLAGS.find(([short]) => short === text)?.[0];
}
