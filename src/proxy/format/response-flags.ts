// The text of response flags in logs, short and long, in the order in which they were raised, as Envoy has it.
import type { ResponseFlag } from "#proxy/http/stream-info";

const LONG_NAMES: Readonly<Record<ResponseFlag, string>> = {
  LH: "FailedLocalHealthCheck",
  UH: "NoHealthyUpstream",
  UT: "UpstreamRequestTimeout",
  LR: "LocalReset",
  UR: "UpstreamRemoteReset",
  UF: "UpstreamConnectionFailure",
  UC: "UpstreamConnectionTermination",
  UO: "UpstreamOverflow",
  NR: "NoRouteFound",
  DI: "DelayInjected",
  FI: "FaultInjected",
  RL: "RateLimited",
  UAEX: "UnauthorizedExternalService",
  RLSE: "RateLimitServiceError",
  DC: "DownstreamConnectionTermination",
  URX: "UpstreamRetryLimitExceeded",
  SI: "StreamIdleTimeout",
  IH: "InvalidEnvoyRequestHeaders",
  DPE: "DownstreamProtocolError",
  UMSDR: "UpstreamMaxStreamDurationReached",
  RFCF: "ResponseFromCacheFilter",
  NFCF: "NoFilterConfigFound",
  DT: "DurationTimeout",
  UPE: "UpstreamProtocolError",
  NC: "NoClusterFound",
  OM: "OverloadManagerTerminated",
  DF: "DnsResolutionFailed",
  DO: "DropOverload",
  UDO: "UnconditionalDropOverload",
  DR: "DownstreamRemoteReset",
};

/** undefined when there is none: logs print "-". */
export function flagsText(flags: ReadonlySet<ResponseFlag>, form: "short" | "long"): string | undefined {
  if (flags.size === 0) return undefined;
  let out = "";
  for (const flag of flags) out += (out === "" ? "" : ",") + (form === "short" ? flag : LONG_NAMES[flag]);
  return out;
}

/** @throws never: unknown text gives undefined */
export function flagOf(text: string): ResponseFlag | undefined {
  return Object.hasOwn(LONG_NAMES, text) ? (text as ResponseFlag) : undefined;
}
