// The headers of a local reply, in two steps, as in Envoy: what comes with it, and, once routes and mappers have changed that, what says
// how its body is to be read. Plain for HTTP, trailers-only for gRPC (status 200, the error in grpc-status).
import type { LocalReply } from "./filter.ts";
import type { ResponseHeaderMap } from "./header-map.ts";
import { grpcMessage, grpcStatusOf } from "./grpc.ts";

export function addReplyHeaders(headers: ResponseHeaderMap, reply: LocalReply): void {
  for (const [name, value] of reply.headers ?? []) headers.add(name, value);
  reply.modifyHeaders?.(headers);
}

/** What is sent as body. `retyped`: its mapper has put another body in place of the reply's and says nothing of its type. */
export function finishReply(headers: ResponseHeaderMap, reply: LocalReply, retyped: boolean, grpc: boolean): string {
  const { body } = reply;
  headers.status = reply.status;
  if (grpc) {
    headers.status = 200;
    headers.set("content-type", "application/grpc");
    if ((headers.get("grpc-status") ?? "") === "") headers.set("grpc-status", String(reply.grpcStatus ?? grpcStatusOf(reply.status)));
    if (body !== "") headers.set("grpc-message", grpcMessage(body));
    headers.remove("content-length");
    return "";
  }
  if (body === "") {
    headers.remove("content-length");
    headers.remove("content-type");
    return "";
  }
  headers.set("content-length", String(Buffer.byteLength(body)));
  if (retyped || !headers.has("content-type")) headers.set("content-type", reply.contentType ?? "text/plain");
  return body;
}
