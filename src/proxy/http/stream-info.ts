// What is known of one stream, for access logs, metrics and format strings. Times are monotonic milliseconds; undefined: not reached.
import type { JsonObject } from "@bufbuild/protobuf";
import type { DynamicMetadata } from "#matcher/metadata-matcher";
import type { SocketAddress } from "#proxy/net/connection";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { FilterState } from "./filter-state.ts";
import type { RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import type { HttpVersion } from "./stream.ts";

/** Envoy's response flags in their short form. */
export type ResponseFlag =
  | "DC"
  | "DI"
  | "DPE"
  | "DO"
  | "UDO"
  | "DR"
  | "DT"
  | "FI"
  | "IH"
  | "LH"
  | "LR"
  | "NC"
  | "NFCF"
  | "NR"
  | "OM"
  | "RFCF"
  | "RL"
  | "RLSE"
  | "SI"
  | "UAEX"
  | "UC"
  | "UF"
  | "UH"
  | "UMSDR"
  | "UO"
  | "UPE"
  | "UR"
  | "URX"
  | "UT"
  | "DF";

export type FilterMetadata = Readonly<Record<string, JsonObject>>;

interface ClusterSource {
  noteCluster(): void;
}

/** Envoy's names. */
export type AccessLogType =
  | "NotSet"
  | "DownstreamStart"
  | "DownstreamPeriodic"
  | "DownstreamEnd"
  | "TcpUpstreamConnected"
  | "TcpPeriodic"
  | "TcpConnectionEnd";

export interface StreamInfo {
  /** Wall clock when the request began: %START_TIME%. */
  startWallMs: number;
  startMs: number;
  requestCompleteMs: number | undefined;
  upstreamFirstByteSentMs: number | undefined;
  upstreamLastByteSentMs: number | undefined;
  upstreamFirstByteReceivedMs: number | undefined;
  upstreamLastByteReceivedMs: number | undefined;
  downstreamFirstByteSentMs: number | undefined;
  endMs: number | undefined;
  protocol: HttpVersion | undefined;
  /** As it came, before any rewriting. */
  originalPath: string | undefined;
  requestHeaders: RequestHeaderMap | undefined;
  responseHeaders: ResponseHeaderMap | undefined;
  responseTrailers: TrailerMap | undefined;
  /** 0 when nothing was sent. */
  responseCode: number;
  responseCodeDetails: string | undefined;
  /** Of the proxy's own answer, where local_reply_config formats it. */
  localReplyBody?: string | undefined;
  connectionTerminationDetails: string | undefined;
  readonly flags: Set<ResponseFlag>;
  /** Body bytes. */
  bytesReceived: number;
  bytesSent: number;
  connectPort: string | undefined;
  routeName: string | undefined;
  virtualHostName: string | undefined;
  /** Named by the virtual host's virtual_clusters; undefined: none of them took the request. */
  virtualCluster: string | undefined;
  upstreamCluster: string | undefined;
  /** Finds out `upstreamCluster` and its metadata before the router does, where a route is known. */
  clusterSource: ClusterSource | undefined;
  upstreamHost: SocketAddress | undefined;
  upstreamLocal: SocketAddress | undefined;
  upstreamProtocol: HttpVersion | undefined;
  upstreamTransportFailure: string | undefined;
  attemptCount: number;
  downstreamLocal: SocketAddress | undefined;
  /** The trusted client address (XFF aware), and the peer of the socket. */
  downstreamRemote: SocketAddress | undefined;
  downstreamDirectRemote: SocketAddress | undefined;
  requestedServerName: string | undefined;
  downstreamTls: TlsInfo | undefined;
  ja3Fingerprint: string | undefined;
  /** Why a line is written now. */
  accessLogType: AccessLogType;
  /** When a line is written before the end. */
  loggedMs: number | undefined;
  /** filter_metadata of what took the request, by namespace. */
  routeMetadata: FilterMetadata | undefined;
  virtualHostMetadata: FilterMetadata | undefined;
  clusterMetadata: FilterMetadata | undefined;
  upstreamMetadata: FilterMetadata | undefined;
  /** Undefined: no filter has said anything. */
  dynamicMetadata: DynamicMetadata | undefined;
  filterState: FilterState | undefined;
}
