// What is gRPC among HTTP messages, as Envoy tells it.
import type { HeaderMap, ResponseHeaderMap } from "./header-map.ts";
import type { GrpcMethod } from "#proxy/cluster/grpc-stats";

/** `application/grpc`, also with `+proto` and the like behind it. */
export function hasGrpcContentType(headers: HeaderMap): boolean {
  const type = headers.get("content-type");
  if (type === undefined || !type.startsWith("application/grpc")) return false;
  return type.length === 16 || type.charCodeAt(16) === 43;
}

/** An answer of a gRPC server: anything else in its place is some other server's, or a proxy's. */
export function isGrpcResponse(headers: ResponseHeaderMap, endStream: boolean): boolean {
  if (endStream) return headers.has("grpc-status");
  return headers.status === 200 && hasGrpcContentType(headers);
}

/** `/package.Service/Method`; undefined: the path has another form. */
export function grpcMethodOf(path: string): GrpcMethod | undefined {
  const query = path.indexOf("?");
  const parts = (query === -1 ? path : path.slice(0, query)).split("/");
  const [before, service, method] = parts;
  if (parts.length !== 3 || before !== "" || service === undefined || service === "" || method === undefined || method === "")
    return undefined;
  return { service, method };
}

/** The gRPC status for an HTTP status (gRPC's own table, as Envoy uses it). */
export function grpcStatusOf(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

/** RFC 3986 percent encoding of what gRPC does not allow in grpc-message: all but printable ASCII, and "%". */
export function grpcMessage(text: string): string {
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}
