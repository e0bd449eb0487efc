// envoy.filters.http.grpc_web: lets browsers call gRPC services. On the way in the content type changes; on the way out the trailers, which
// browsers cannot read, become the last frame of the body, and what is no gRPC answer becomes a gRPC status.
import { GrpcWebSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb";
import type { GrpcMethodStats } from "#proxy/cluster/grpc-stats";
import type {
  FilterStream,
  HttpFilter,
  HttpFilterCompiler,
  HttpFilterFactory,
  LocalReply,
  MessagePart,
  PartSink,
} from "#proxy/http/filter";
import { grpcMessage, grpcMethodOf, grpcStatusOf, isGrpcResponse } from "#proxy/http/grpc";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "#proxy/http/header-map";
import type { ThreadContext } from "#proxy/thread-context";
import { unpackConfig } from "#proxy/unpack-config";
import { MessageEncoder64, TextDecoder64 } from "./text-codec.ts";

const GRPC = "application/grpc";
const WEB = "application/grpc-web";
const WEB_PROTO = "application/grpc-web+proto";
const TEXT = "application/grpc-web-text";
const TEXT_PROTO = "application/grpc-web-text+proto";
const CONTENT_TYPES: ReadonlySet<string> = new Set([WEB, WEB_PROTO, TEXT, TEXT_PROTO]);

const TRAILERS_FLAG = 0x80;
/** Of an answer that is no gRPC's, as much goes into grpc-message. */
const MAX_MESSAGE_BYTES = 16_384;

export const grpcWebFilterCompiler: HttpFilterCompiler = {
  configTypes: [GrpcWebSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    // It has no fields.
    unpackConfig(any, GrpcWebSchema, path, () => {});
    return factory(name, undefined);
  },
};

function factory(name: string, thread: ThreadContext | undefined): HttpFilterFactory {
  return {
    name,
    create(stream) {
      const type = stream.info.requestHeaders?.get("content-type");
      return type !== undefined && CONTENT_TYPES.has(type) ? new GrpcWebFilter(stream, thread) : undefined;
    },
    withStats: (_scope, live) => factory(name, live),
  };
}

function badBase64(details: string): LocalReply {
  return { kind: "local-reply", status: 400, body: "Bad gRPC-web request, invalid base64 data.", flag: undefined, details };
}

class GrpcWebFilter implements HttpFilter {
  readonly #stream: FilterStream;
  readonly #thread: ThreadContext | undefined;
  #path = "";
  #request: TextDecoder64 | undefined;
  #response: MessageEncoder64 | undefined;
  /** The headers of an answer that is no gRPC's, while its body is gathered. */
  #foreign: ResponseHeaderMap | undefined;
  #foreignBody: Buffer[] = [];
  #foreignBytes = 0;
  #failed = false;

  constructor(stream: FilterStream, thread: ThreadContext | undefined) {
    this.#stream = stream;
    this.#thread = thread;
  }

  takeRequest(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void {
    if (this.#failed) return;
    if (part.kind === "headers") this.#becomeGrpc(part.headers);
    if (part.kind !== "data" || this.#request === undefined) {
      onward.push(part);
      return;
    }
    const decoded = this.#request.push(part.chunk, part.endStream);
    if (typeof decoded !== "string") {
      onward.push({ kind: "data", chunk: decoded, endStream: part.endStream });
      return;
    }
    this.#failed = true;
    onward.respond(badBase64(decoded === "bad_size" ? "grpc_base_64_decode_failed_bad_size" : "grpc_base_64_decode_failed"));
  }

  #becomeGrpc(headers: RequestHeaderMap): void {
    this.#path = headers.path;
    const type = headers.get("content-type");
    const accept = headers.get("accept");
    if (type === TEXT || type === TEXT_PROTO) this.#request = new TextDecoder64();
    if (accept === TEXT || accept === TEXT_PROTO) this.#response = new MessageEncoder64(this.#stream.bufferLimitBytes);
    headers.remove("content-length");
    headers.set("content-type", GRPC);
    headers.set("te", "trailers");
    if (!headers.has("grpc-accept-encoding")) headers.set("grpc-accept-encoding", "identity");
  }

  takeResponse(part: MessagePart<ResponseHeaderMap>, onward: PartSink<ResponseHeaderMap>): void {
    if (part.kind === "headers") this.#onHeaders(part.headers, part.endStream, onward);
    else if (part.kind === "data") this.#onData(part.chunk, part.endStream, onward);
    else this.#onTrailers(part.trailers, onward);
  }

  #onHeaders(headers: ResponseHeaderMap, endStream: boolean, onward: PartSink<ResponseHeaderMap>): void {
    this.#chargeStatus(headers);
    const foreign = !isGrpcResponse(headers, endStream) && !isWebResponse(headers);
    headers.set("content-type", this.#response === undefined ? WEB_PROTO : TEXT_PROTO);
    if (foreign && !endStream) this.#foreign = headers;
    else onward.push({ kind: "headers", headers, endStream });
  }

  #onData(chunk: Buffer, endStream: boolean, onward: PartSink<ResponseHeaderMap>): void {
    if (this.#foreign !== undefined) {
      if (this.#foreignBytes < MAX_MESSAGE_BYTES) this.#foreignBody.push(chunk);
      this.#foreignBytes += chunk.length;
      if (endStream) this.#answerForeign(this.#foreign, onward);
      return;
    }
    const encoded = this.#response === undefined ? chunk : this.#response.push(chunk);
    if (encoded === undefined) onward.overflow();
    else if (encoded.length > 0 || endStream) onward.push({ kind: "data", chunk: encoded, endStream });
  }

  #onTrailers(trailers: TrailerMap, onward: PartSink<ResponseHeaderMap>): void {
    this.#chargeStatus(trailers);
    if (this.#foreign !== undefined) {
      this.#answerForeign(this.#foreign, onward);
      return;
    }
    let lines = "";
    trailers.forEach((name, value) => (lines += `${name}:${value}\r\n`));
    const frame = Buffer.alloc(5 + lines.length);
    frame[0] = TRAILERS_FLAG;
    frame.writeUInt32BE(lines.length, 1);
    frame.write(lines, 5, "latin1");
    const chunk = this.#response === undefined ? frame : Buffer.from(frame.toString("base64"), "latin1");
    onward.push({ kind: "data", chunk, endStream: true });
  }

  #answerForeign(headers: ResponseHeaderMap, onward: PartSink<ResponseHeaderMap>): void {
    this.#foreign = undefined;
    const body = Buffer.concat(this.#foreignBody);
    const whole = this.#foreignBody.length <= 1;
    headers.set("grpc-message", grpcMessage(body.subarray(0, whole ? body.length : MAX_MESSAGE_BYTES).toString("utf8")));
    headers.set("grpc-status", String(grpcStatusOf(headers.status)));
    headers.set("content-length", "0");
    onward.push({ kind: "headers", headers, endStream: true });
  }

  #chargeStatus(headers: HeaderMap): void {
    const status = headers.get("grpc-status");
    if (status !== undefined) this.#stats()?.chargeStatus(status);
  }

  #stats(): GrpcMethodStats | undefined {
    const method = grpcMethodOf(this.#path);
    const name = this.#stream.info.upstreamCluster;
    const cluster = name === undefined ? undefined : this.#thread?.clusters.get(name);
    return method === undefined ? undefined : cluster?.grpcStats.of("grpc-web", method);
  }
}

/** A server that speaks grpc-web itself. */
function isWebResponse(headers: ResponseHeaderMap): boolean {
  const type = headers.get("content-type")?.split(";")[0]!.trim().toLowerCase();
  return headers.status === 200 && (type === WEB || type === WEB_PROTO);
}
