// How long a stream may last, by its route: max_stream_duration, and for gRPC what the client asks for. Envoy's refreshDurationTimeout.
import type { MaxStreamDuration } from "#proxy/route/route";
import { grpcTimeoutMs, setGrpcTimeout } from "./grpc-timeout.ts";
import type { RequestHeaderMap } from "./header-map.ts";
import { hasGrpcContentType } from "./grpc.ts";

/** 0: for ever. `otherwise`: the connection manager's own. The upstream is told, in `grpc-timeout`, of a limit that is in force. */
export function streamDurationMs(config: MaxStreamDuration, headers: RequestHeaderMap, otherwise: number): number {
  const { maxMs, grpcMaxMs, grpcOffsetMs } = config;
  const grpc = hasGrpcContentType(headers);
  const asked = grpcMaxMs === undefined ? undefined : grpcTimeoutMs(headers);
  if (asked === undefined || grpcMaxMs === undefined) {
    const limit = maxMs ?? otherwise;
    if (limit > 0 && grpc) setGrpcTimeout(headers, limit);
    return limit;
  }
  let limit = grpcMaxMs !== 0 && asked > grpcMaxMs ? grpcMaxMs : asked;
  // A limit that the offset uses up ends the stream at once; it does not take the limit away.
  if (limit !== 0) limit = Math.max(1, limit - grpcOffsetMs);
  if (grpc) setGrpcTimeout(headers, limit);
  return Math.max(1, limit);
}
