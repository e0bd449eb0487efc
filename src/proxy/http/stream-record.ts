// StreamInfo as the connection manager keeps it: one object per stream, all fields there from the start so that it has one shape.
import type { DynamicMetadata } from "#matcher/metadata-matcher";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { FilterState } from "./filter-state.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import type { HttpVersion, StreamResetReason } from "./stream.ts";
import type { FilterMetadata, ResponseFlag, StreamInfo } from "./stream-info.ts";

export class StreamRecord implements StreamInfo {
  startWallMs: number;
  startMs: number;
  requestCompleteMs: number | undefined = undefined;
  upstreamFirstByteSentMs: number | undefined = undefined;
  upstreamLastByteSentMs: number | undefined = undefined;
  upstreamFirstByteReceivedMs: number | undefined = undefined;
  upstreamLastByteReceivedMs: number | undefined = undefined;
  downstreamFirstByteSentMs: number | undefined = undefined;
  endMs: number | undefined = undefined;
  protocol: HttpVersion | undefined = undefined;
  originalPath: string | undefined = undefined;
  requestHeaders: RequestHeaderMap | undefined = undefined;
  responseHeaders: ResponseHeaderMap | undefined = undefined;
  responseTrailers: TrailerMap | undefined = undefined;
  accessLogType: StreamInfo["accessLogType"] = "NotSet";
  loggedMs: number | undefined = undefined;
  responseCode = 0;
  responseCodeDetails: string | undefined = undefined;
  connectionTerminationDetails: string | undefined = undefined;
  bytesReceived = 0;
  bytesSent = 0;
  /** With its colon: what strip_any_host_port took from the target of a CONNECT. */
  connectPort: string | undefined = undefined;
  routeName: string | undefined = undefined;
  virtualHostName: string | undefined = undefined;
  virtualCluster: string | undefined = undefined;
  upstreamCluster: string | undefined = undefined;
  clusterSource: StreamInfo["clusterSource"] = undefined;
  upstreamHost: SocketAddress | undefined = undefined;
  upstreamLocal: SocketAddress | undefined = undefined;
  upstreamProtocol: HttpVersion | undefined = undefined;
  upstreamTransportFailure: string | undefined = undefined;
  attemptCount = 0;
  downstreamLocal: SocketAddress | undefined;
  downstreamRemote: SocketAddress | undefined;
  downstreamDirectRemote: SocketAddress | undefined;
  requestedServerName: string | undefined;
  downstreamTls: TlsInfo | undefined;
  ja3Fingerprint: string | undefined;
  routeMetadata: FilterMetadata | undefined = undefined;
  virtualHostMetadata: FilterMetadata | undefined = undefined;
  clusterMetadata: FilterMetadata | undefined = undefined;
  upstreamMetadata: FilterMetadata | undefined = undefined;
  dynamicMetadata: DynamicMetadata | undefined = undefined;
  /** The connection's, until a filter of the stream has something to add. */
  filterState: FilterState | undefined;
  #flags: Set<ResponseFlag> | undefined = undefined;

  constructor(
    startWallMs: number,
    startMs: number,
    { local, remote, directRemote, requestedServerName, tls, ja3Fingerprint, filterState }: ConnectionInfo,
  ) {
    this.startWallMs = startWallMs;
    this.startMs = startMs;
    this.downstreamLocal = local;
    this.downstreamRemote = remote;
    this.downstreamDirectRemote = directRemote;
    this.requestedServerName = requestedServerName;
    this.downstreamTls = tls;
    this.ja3Fingerprint = ja3Fingerprint;
    this.filterState = filterState;
  }

  /** Made when somebody asks: most streams never have a flag. */
  get flags(): Set<ResponseFlag> {
    return (this.#flags ??= new Set());
  }

  /** `answeredWith`: the status that the codec gave nonsense itself; 0: none. */
  noteRequestReset(reason: StreamResetReason, details: string, answeredWith: number): void {
    if (reason === "protocol-error") {
      this.flags.add("DPE");
      // A client of HTTP/2 may say so of a response that has begun.
      if (this.responseCodeDetails === undefined || details.startsWith("http2.")) this.responseCodeDetails = details;
      if (answeredWith > 0) this.responseCode = answeredWith;
      return;
    }
    // RST_STREAM of HTTP/2, or the end of the connection. Envoy's access log shows code 0 for a client that left before its answer.
    this.flags.add(details.startsWith("http2.") ? "DR" : "DC");
    this.responseCodeDetails = details;
  }

  /** The answer that nobody gets to see but the log. */
  noteInternalRedirect(response: ResponseHeaderMap): void {
    this.responseCodeDetails = "internal_redirect";
    this.responseHeaders = response;
    this.responseCode = response.status;
  }
}
