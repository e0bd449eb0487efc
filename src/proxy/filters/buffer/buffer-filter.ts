// envoy.filters.http.buffer: sends a request on once all of it is there, so that slow clients do not hold upstream connections.
import type { Any } from "@bufbuild/protobuf/wkt";
import { BufferPerRouteSchema, BufferSchema } from "#envoy/gen/envoy/extensions/filters/http/buffer/v3/buffer_pb";
import type { HttpFilter, HttpFilterCompiler, HttpFilterFactory, MessagePart, PartSink } from "#proxy/http/filter";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { unpackConfig } from "#proxy/unpack-config";

interface BufferConfig {
  /** Undefined: the route switches the filter off. */
  readonly maxRequestBytes: number | undefined;
}

export const bufferFilterCompiler: HttpFilterCompiler = {
  configTypes: [BufferSchema.typeName],
  routeConfigTypes: [BufferPerRouteSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    const { maxRequestBytes } = unpackConfig(any, BufferSchema, path, (wire, refuse) => {
      if ((wire.maxRequestBytes ?? 0) === 0) refuse("max_request_bytes", "must be greater than 0");
    });
    return {
      name,
      create(stream) {
        const limit = ((stream.filterConfigs()?.get(name) as BufferConfig | undefined) ?? { maxRequestBytes }).maxRequestBytes;
        return limit === undefined ? undefined : new BufferFilter(limit);
      },
    };
  },
  compileRouteConfig(any: Any, path: string): BufferConfig {
    const { override } = unpackConfig(any, BufferPerRouteSchema, path, (wire, refuse) => {
      const { case: kind, value } = wire.override;
      if (kind === undefined) refuse("", "needs disabled or buffer");
      else if (kind === "disabled" && !value) refuse("disabled", "must be true");
      else if (kind === "buffer" && (value.maxRequestBytes ?? 0) === 0) refuse("buffer.max_request_bytes", "must be greater than 0");
    });
    return { maxRequestBytes: override.case === "buffer" ? override.value.maxRequestBytes : undefined };
  },
};

class BufferFilter implements HttpFilter {
  readonly #limitBytes: number;
  readonly #held: MessagePart<RequestHeaderMap>[] = [];
  #headers: RequestHeaderMap | undefined;
  #bytes = 0;
  #over = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  takeRequest(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void {
    if (this.#over) return;
    this.#held.push(part);
    if (part.kind === "headers") this.#headers = part.headers;
    else if (part.kind === "data") this.#bytes += part.chunk.length;
    if (this.#bytes > this.#limitBytes) {
      this.#over = true;
      this.#held.length = 0;
      onward.overflow();
      return;
    }
    if (part.kind !== "trailers" && !part.endStream) return;
    // Now that the length is known there is no need of chunks. Trailers have no place behind a counted body in HTTP/1.
    const headers = this.#headers;
    if (part.kind === "data" && headers !== undefined && !headers.has("content-length")) headers.set("content-length", String(this.#bytes));
    for (const held of this.#held.splice(0)) onward.push(held);
  }
}
