// A request that begins anew: what the filters see of it then.
import type { MessagePart } from "./filter.ts";
import type { RequestHeaderMap, TrailerMap } from "./header-map.ts";

export function requestParts(
  headers: RequestHeaderMap,
  body: readonly Uint8Array[],
  trailers: TrailerMap | undefined,
): readonly MessagePart<RequestHeaderMap>[] {
  const parts: MessagePart<RequestHeaderMap>[] = [{ kind: "headers", headers, endStream: body.length === 0 && trailers === undefined }];
  for (const [at, { buffer, byteOffset, byteLength }] of body.entries()) {
    const endStream = at === body.length - 1 && trailers === undefined;
    parts.push({ kind: "data", chunk: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength), endStream });
  }
  if (trailers !== undefined) parts.push({ kind: "trailers", trailers });
  return parts;
}
