// What a compiled route table answers. The types here are frozen config: nothing of a request changes them.
import type { JsonObject } from "@bufbuild/protobuf";
import type { DynamicMetadata } from "#matcher/metadata-matcher";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { LocalReply } from "#proxy/http/filter";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { FilterConfigs } from "./filter-config.ts";
import type { HostMetadata } from "#proxy/cluster/cluster";
import type { Runtime } from "#proxy/runtime/runtime";
import type { InternalRedirectPolicy } from "./internal-redirect-policy.ts";
import type { ResetInterval } from "./reset-headers.ts";
import type { VirtualClusterOf } from "./virtual-cluster.ts";
import type { MirrorPolicy } from "./mirror-policy.ts";
import type { TraceSampling } from "./trace-sampling.ts";
import type { RateLimits } from "./rate-limit-actions.ts";
import type { HashRequest } from "./hash-policy.ts";

/** What of a request matching looks at, beside its headers. */
export interface RouteInput {
  readonly headers: RequestHeaderMap;
  /** A number in [0, 1) for runtime fractions and weighted clusters, the same for the whole stream. */
  readonly randomValue: number;
  /** What runtime layers say. */
  readonly runtime: Runtime;
  readonly tls: boolean;
  /** Shown by the client, or shown and leading to a trusted authority; undefined: none. */
  readonly clientCertificate?: "presented" | "validated" | undefined;
  /** What filters before the router said of the request; undefined: nothing. */
  readonly dynamicMetadata?: DynamicMetadata | undefined;
}

export interface HeaderMutation {
  applyToRequest(headers: RequestHeaderMap, info: StreamInfo): void;
  applyToResponse(headers: ResponseHeaderMap, info: StreamInfo): void;
}

export interface RetryPolicy {
  readonly connectFailure: boolean;
  readonly refusedStream: boolean;
  readonly reset: boolean;
  readonly resetBeforeRequest: boolean;
  readonly gatewayError: boolean;
  readonly status5xx: boolean;
  readonly retriable4xx: boolean;
  readonly envoyRateLimited: boolean;
  readonly retriableStatusCodes: ReadonlySet<number>;
  readonly onRetriableHeaders: boolean;
  /** Of responses; looked at with `onRetriableHeaders` only. */
  readonly retriableHeaders: readonly ((headers: ResponseHeaderMap) => boolean)[];
  /** gRPC codes by number: cancelled 1, deadline-exceeded 4, resource-exhausted 8, internal 13, unavailable 14. */
  readonly grpcCodes: ReadonlySet<number>;
  /** Retries after the first try; 0: none. */
  readonly numRetries: number;
  /** Of requests: where there are some and none matches, the policy asks for no retry. */
  readonly retriableRequestHeaders: readonly ((headers: RequestHeaderMap) => boolean)[];
  /** 0: the route's timeout alone. */
  readonly perTryTimeoutMs: number;
  /** How long a try may make no progress; 0: for ever. */
  readonly perTryIdleTimeoutMs: number;
  /** What an upstream says of when to try again; undefined: it is not asked. */
  readonly resetInterval: ResetInterval | undefined;
  /** Undefined: runtime layers may say it. */
  readonly baseIntervalMs: number | undefined;
  /** Undefined: ten times the first. */
  readonly maxIntervalMs: number | undefined;
  /** How often another host may be chosen because a predicate does not want the first; 0: no predicate. */
  readonly hostSelectionAttempts: number;
  /** previous_hosts. */
  readonly omitsTriedHosts: boolean;
  /** omit_canary_hosts and omit_host_metadata. */
  readonly omitsHost: ((metadata: HostMetadata) => boolean) | undefined;
  /** previous_priorities: after how many tries the priorities of all before are left out; 0: never. */
  readonly priorityUpdateFrequency: number;
}

/** How long a stream may last from its first byte on. */
export interface MaxStreamDuration {
  /** undefined: the connection manager's. 0: for ever. */
  readonly maxMs: number | undefined;
  /** Set: a request's `grpc-timeout` takes its place, capped by this where it is above 0 and made shorter by the offset. */
  readonly grpcMaxMs: number | undefined;
  readonly grpcOffsetMs: number;
}

/** Of circuit breakers. */
export type RoutingPriority = "default" | "high";

export interface RouteEntry {
  readonly name: string;
  readonly virtualHost: string;
  /** Under which the route's requests are counted by themselves; "": they are not. */
  readonly statPrefix: string;
  /** The route's filter_metadata, by namespace: Istio says in `istio` which rule it comes from. Formats read it. */
  readonly metadata: Readonly<Record<string, JsonObject>>;
  readonly virtualHostMetadata: Readonly<Record<string, JsonObject>>;
  /** What tracing calls a request by this route; with `propagate` the other side is told, in a header. */
  readonly decorator: { readonly operation: string; readonly propagate: boolean } | undefined;
  /** Per-filter config of route, virtual host and table, by filter name; a value is what the filter's compile step made. */
  readonly filterConfig: FilterConfigs;
  /** Set where weighted clusters have per-filter config of their own: that of the chosen one, before the route's. */
  readonly weightedFilterConfig: ((input: RouteInput) => FilterConfigs) | undefined;
  /** undefined: neither the route nor its virtual host says how it is to be counted. */
  readonly rateLimits: RateLimits | undefined;
  /** Set for redirects and direct responses: answered without an upstream. */
  readonly reply: ((headers: RequestHeaderMap, info: StreamInfo) => LocalReply) | undefined;
  /** The cluster for this request (weighted choice by `randomValue`, or by header). Undefined with `reply`. */
  chooseCluster(input: RouteInput): ClusterChoice | undefined;
  /** 0: no timeout. */
  readonly timeoutMs: number;
  /**
   * Set: for gRPC requests (isGrpc in route-match.ts) the `grpc-timeout` header takes the place of `timeoutMs` (absent: no timeout),
   * capped by this value when it is above 0.
   */
  readonly maxGrpcTimeoutMs: number | undefined;
  /** undefined: the connection manager's. 0: none. */
  readonly idleTimeoutMs: number | undefined;
  /** Set: it takes the place of `timeoutMs` and `maxGrpcTimeoutMs`, as in Envoy. */
  readonly maxStreamDuration: MaxStreamDuration | undefined;
  readonly priority: RoutingPriority;
  readonly retry: RetryPolicy | undefined;
  /** A try that takes too long goes on beside the next one; the first good answer counts. */
  readonly hedgeOnPerTryTimeout: boolean;
  readonly internalRedirect: InternalRedirectPolicy | undefined;
  readonly virtualCluster: VirtualClusterOf;
  /** undefined: no hash policy. */
  readonly hash: HashRequest | undefined;
  /** undefined: no copies. */
  readonly mirrors: readonly MirrorPolicy[] | undefined;
  /** So much of a request is kept for another try. */
  readonly perRequestBufferLimitBytes: number;
  /** undefined: the connection manager's. */
  readonly traceSampling: TraceSampling | undefined;
  /** Header changes of `choice`, route, virtual host and table, then host and path: all in Envoy's order, before the request leaves. */
  finalizeRequest(headers: RequestHeaderMap, info: StreamInfo, choice: ClusterChoice): void;
  finalizeResponse(headers: ResponseHeaderMap, info: StreamInfo, choice: ClusterChoice | undefined): void;
  readonly includeAttemptCountInRequest: boolean;
  readonly includeAttemptCountInResponse: boolean;
  /** `x-envoy-is-timeout-retry`. */
  readonly includeTimeoutRetryInRequest: boolean;
  /** Upgrade types that this route allows or forbids over the connection manager's own; undefined: its own. */
  readonly upgrades: ReadonlyMap<string, boolean> | undefined;
  /** Set: a tunnel ends here, and its bytes go to the cluster as they are. */
  readonly connect: ConnectConfig | undefined;
  readonly autoHostRewrite: boolean;
  /** append_x_forwarded_host, for the router, which rewrites the host of autoHostRewrite. */
  readonly appendForwardedHost: boolean;
  /** 503 unless the route says otherwise (cluster_not_found_response_code). */
  readonly clusterNotFoundStatus: number;
}

/** connect_config of the upgrade CONNECT. */
export interface ConnectConfig {
  /** The body of a POST is taken for a tunnel, too. */
  readonly allowPost: boolean;
  /** What each connection begins with; undefined: with the client's bytes. */
  readonly proxyProtocol: 1 | 2 | undefined;
}

/** What the metadata of a host must say (`envoy.lb`); undefined: nothing. */
export type MetadataMatch = JsonObject | undefined;

/** The mutations and the host are applied by `finalizeRequest` and `finalizeResponse`, not by the router. */
export interface ClusterChoice {
  readonly cluster: string;
  readonly requestMutation: HeaderMutation | undefined;
  readonly responseMutation: HeaderMutation | undefined;
  readonly hostRewrite: string | undefined;
  /** Of the route, with the weighted cluster's own over it. */
  readonly metadataMatch?: MetadataMatch;
  /** Of a weighted cluster that has some; the route's levels stand behind its own. */
  readonly filterConfig?: FilterConfigs | undefined;
}

/** Compiled from one RouteConfiguration. Lookup costs do not depend on the number of virtual hosts. */
export interface RouteTable {
  readonly name: string;
  match(input: RouteInput): RouteEntry | undefined;
}
