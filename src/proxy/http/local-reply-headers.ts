// The headers and body of a local reply: plain for HTTP, trailers-only for gRPC (status 200, the error in grpc-status).
import type { LocalReply } from "./filter.ts";
import type { ResponseHeaderMap } from "./header-map.ts";
import { grpcMessage, grpcStatusOf } from "./grpc.ts";
import { PairResponseHeaderMap } from "./pair-header-map.ts";

export function localReplyHeaders(reply: LocalReply, grpc: boolean): { readonly headers: ResponseHeaderMap; readonly body: string } {
  if (grpc) {
    const headers = new PairResponseHeaderMap(200);
    headers.set("content-type", "application/grpc");
    headers.set("grpc-status", String(reply.grpcStatus ?? grpcStatusOf(reply.status)));
    if (reply.body !== "") headers.set("grpc-message", grpcMessage(reply.body));
    for (const [name, value] of reply.headers ?? []) headers.add(name, value);
    reply.modifyHeaders?.(headers);
    return { headers, body: "" };
  }
  const headers = new PairResponseHeaderMap(reply.status);
  if (reply.body !== "") {
    headers.set("content-length", String(Buffer.byteLength(reply.body)));
    headers.set("content-type", "text/plain");
  }
  for (const [name, value] of reply.headers ?? []) {
    // A content type that the reply brings itself replaces ours; everything else may be there more than once.
    if (name === "content-type") headers.set(name, value);
    else headers.add(name, value);
  }
  reply.modifyHeaders?.(headers);
  return { headers, body: reply.body };
}
