// What the connection manager does to request headers before any filter sees them: who the client is (X-Forwarded-For), what of
// x-envoy-* may be believed, request ids. Envoy's rules, in Envoy's order (conn_manager_utility).
import type { SocketAddress } from "#proxy/net/connection";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { Random } from "#runtime/random";
import { isReferer } from "./absolute-url.ts";
import type { ForwardClientCert } from "./forward-client-cert.ts";
import { isPipe } from "#proxy/net/socket-address";
import { lastAddress } from "./forwarded-for.ts";
import type { RequestHeaderMap } from "./header-map.ts";
import type { DetectClient } from "./original-ip-detection.ts";
import type { HttpVersion } from "./stream.ts";
import { forgetTraceReason } from "./trace-reason.ts";

export interface RequestMutationOptions {
  readonly useRemoteAddress: boolean;
  readonly xffNumTrustedHops: number;
  /** Where use_remote_address is off. */
  readonly detectClient: DetectClient;
  /** scheme_header_transformation */
  readonly schemeToOverwrite: "http" | "https" | undefined;
  readonly skipXffAppend: boolean;
  readonly appendXForwardedPort: boolean;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  /** Ids say whether their request is traced. */
  readonly packsTraceReason: boolean;
  readonly forwardClientCert: ForwardClientCert;
  readonly via: string;
  /** internal_address_config; without it no address is internal, as Envoy has it since 1.33. */
  readonly isInternalAddress: ((address: string) => boolean) | undefined;
}

export interface ClientIdentity {
  readonly remote: SocketAddress;
  readonly internal: boolean;
}

function isScheme(text: string | undefined): text is "http" | "https" {
  return text === "http" || text === "https";
}

/** Control headers that only an internal client may set. */
const INTERNAL_ONLY = [
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-retriable-status-codes",
  "x-envoy-retriable-header-names",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-stream-duration-ms",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-force-trace",
  "x-envoy-ip-tags",
  "x-envoy-original-url",
] as const;

/** Headers by which an outsider would pose as a service of ours. */
const EDGE_ONLY = [
  "x-envoy-decorator-operation",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-original-path",
  "x-envoy-original-host",
] as const;

export function mutateRequestHeaders(
  headers: RequestHeaderMap,
  version: HttpVersion | undefined,
  peer: SocketAddress,
  local: SocketAddress,
  tls: TlsInfo | undefined,
  options: RequestMutationOptions,
  random: Random,
): ClientIdentity {
  headers.remove("x-envoy-internal");
  const referer = headers.get("referer");
  if (referer !== undefined && (!isReferer(referer) || headers.getAll("referer").length > 1)) headers.remove("referer");

  let remote: SocketAddress | undefined;
  let singleAddress: boolean;
  const scheme = tls === undefined ? "http" : "https";
  if (options.useRemoteAddress) {
    singleAddress = !headers.has("x-forwarded-for");
    // Before we append: the addresses that are there were written by the hops that we trust.
    if (options.xffNumTrustedHops > 0) remote = lastAddress(headers.getJoined("x-forwarded-for"), options.xffNumTrustedHops - 1);
    remote ??= peer;
    if (!options.skipXffAppend && !isPipe(peer)) {
      const before = headers.getJoined("x-forwarded-for");
      headers.set("x-forwarded-for", before === undefined ? peer.address : `${before},${peer.address}`);
    }
    // A trusted hop in front of us knows better which scheme the client used.
    if (options.xffNumTrustedHops === 0 || !headers.has("x-forwarded-proto")) headers.set("x-forwarded-proto", scheme);
    if (options.appendXForwardedPort && !isPipe(local) && (options.xffNumTrustedHops === 0 || !headers.has("x-forwarded-port"))) {
      headers.set("x-forwarded-port", String(local.port));
    }
  } else {
    const detected = options.detectClient(headers);
    remote = detected?.remote;
    singleAddress = detected?.direct === true;
  }
  if (options.appendXForwardedPort && !isPipe(local) && !headers.has("x-forwarded-port"))
    headers.set("x-forwarded-port", String(local.port));
  if (options.schemeToOverwrite !== undefined) headers.set("x-forwarded-proto", options.schemeToOverwrite);
  if (!headers.has("x-forwarded-proto")) headers.set("x-forwarded-proto", scheme);
  // Clients of HTTP/2 say it themselves, and may know better than we: somebody in front of us may have ended TLS.
  if (options.schemeToOverwrite !== undefined) headers.scheme = options.schemeToOverwrite;
  else if (version !== "HTTP/2" || !isScheme(headers.scheme)) {
    const forwardedProto = headers.get("x-forwarded-proto");
    headers.scheme = isScheme(forwardedProto) ? forwardedProto : scheme;
  }

  const internal = singleAddress && remote !== undefined && options.isInternalAddress?.(remote.address) === true;
  remote ??= peer;
  const edge = !internal && options.useRemoteAddress;
  if (internal) {
    headers.set("x-envoy-internal", "true");
  } else {
    if (edge) for (const name of EDGE_ONLY) headers.remove(name);
    for (const name of INTERNAL_ONLY) headers.remove(name);
  }
  if (edge && !isPipe(remote)) headers.set("x-envoy-external-address", remote.address);
  if (options.via !== "") {
    const via = headers.getJoined("via");
    headers.set("via", via === undefined ? options.via : `${via}, ${options.via}`);
  }

  if (options.generateRequestId) {
    if ((edge && !options.preserveExternalRequestId) || !headers.has("x-request-id")) headers.set("x-request-id", random.uuid());
    else if (edge && options.packsTraceReason) forgetTraceReason(headers);
  }
  options.forwardClientCert(headers, tls);
  return { remote, internal };
}
