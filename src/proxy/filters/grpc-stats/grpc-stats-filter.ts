// envoy.filters.http.grpc_stats: counts gRPC calls by their status, and messages both ways, in the statistics of the cluster that they go to.
// The cluster is known once the router has chosen it: what was counted before waits until then.
import type { Any } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import type { GrpcMethod, GrpcMethodStats } from "#proxy/cluster/grpc-stats";
import type { FilterResult, FilterStream, HttpFilter, HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import { hasGrpcContentType, isGrpcResponse } from "#proxy/http/grpc";
import { GrpcMessageCounter } from "#proxy/http/grpc-messages";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import type { ThreadContext } from "#proxy/thread-context";
import { compileGrpcStats } from "./grpc-stats-config.ts";
import type { GrpcStatsConfig } from "./grpc-stats-config.ts";

export const grpcStatsFilterCompiler: HttpFilterCompiler = {
  configTypes: [FilterConfigSchema.typeName],
  compile(name: string, any: Any, path: string): HttpFilterFactory {
    const config = compileGrpcStats(any, path);
    return {
      name,
      // Without a thread there are no clusters in whose statistics it could count.
      create: () => undefined,
      withStats: (_scope, thread) => ({
        name,
        create(stream) {
          // grpc-web becomes gRPC on its way through the filters.
          const type = stream.info.requestHeaders?.get("content-type");
          return type?.startsWith("application/grpc") === true ? new GrpcStatsFilter(config, stream, thread) : undefined;
        },
      }),
    };
  },
};

class GrpcStatsFilter implements HttpFilter {
  readonly #config: GrpcStatsConfig;
  readonly #stream: FilterStream;
  readonly #thread: ThreadContext;
  #method: GrpcMethod | undefined;
  #requests: GrpcMessageCounter | undefined;
  #responses: GrpcMessageCounter | undefined;
  #counts = false;
  /** Messages that have not been counted for want of a cluster. */
  #requestMessages = 0;
  #stats: GrpcMethodStats | undefined;

  constructor(config: GrpcStatsConfig, stream: FilterStream, thread: ThreadContext) {
    this.#config = config;
    this.#stream = stream;
    this.#thread = thread;
  }

  onRequestHeaders(headers: RequestHeaderMap): FilterResult {
    if (!hasGrpcContentType(headers)) return undefined;
    this.#method = this.#config.methodOf(headers.path);
    this.#counts = this.#method !== undefined || !this.#config.needsMethod;
    if (this.#counts) this.#requests = new GrpcMessageCounter();
    return undefined;
  }

  onRequestData(chunk: Buffer): FilterResult {
    if (this.#requests === undefined) return undefined;
    this.#requestMessages += this.#requests.push(chunk);
    this.#chargeRequestMessages();
    return undefined;
  }

  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): FilterResult {
    if (!this.#counts) return undefined;
    this.#chargeStatus(headers);
    if (endStream) this.#recordTime();
    else if (isGrpcResponse(headers, endStream)) this.#responses = new GrpcMessageCounter();
    return undefined;
  }

  onResponseData(chunk: Buffer): FilterResult {
    if (this.#responses === undefined) return undefined;
    const begun = this.#responses.push(chunk);
    if (begun > 0) this.#clusterStats()?.responseMessageCount.add(begun);
    return undefined;
  }

  onResponseTrailers(trailers: TrailerMap): FilterResult {
    if (!this.#counts) return undefined;
    this.#chargeStatus(trailers);
    this.#recordTime();
    return undefined;
  }

  onDestroy(): void {
    this.#chargeRequestMessages();
  }

  #chargeRequestMessages(): void {
    if (this.#requestMessages === 0) return;
    const stats = this.#clusterStats();
    if (stats === undefined) return;
    stats.requestMessageCount.add(this.#requestMessages);
    this.#requestMessages = 0;
  }

  #chargeStatus(headers: HeaderMap): void {
    const status = headers.get("grpc-status");
    if (status !== undefined) this.#clusterStats()?.chargeStatus(status);
  }

  #recordTime(): void {
    if (!this.#config.upstreamTime) return;
    const { upstreamLastByteSentMs: sent, upstreamLastByteReceivedMs: received } = this.#stream.info;
    if (sent !== undefined && received !== undefined) this.#clusterStats()?.recordUpstreamTime(Math.trunc(received - sent));
  }

  /** undefined: no cluster has been chosen, or it is gone. */
  #clusterStats(): GrpcMethodStats | undefined {
    if (this.#stats !== undefined) return this.#stats;
    const name = this.#stream.info.upstreamCluster;
    const cluster = name === undefined ? undefined : this.#thread.clusters.get(name);
    return (this.#stats = cluster?.grpcStats.of("grpc", this.#method));
  }
}
