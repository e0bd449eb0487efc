// A node is decoded into many small objects and kept for as long as its stream lives: one that is larger than any proxy's is refused by
// its length, before it is decoded.
import { LENGTH_DELIMITED } from "#envoy/wire-format";

/** Istio's own nodes have a few kilobytes; Envoy's list of what it is built with adds some tens. */
const MAX_NODE_BYTES = 256 * 1024;

/** Stands for a request that was not decoded. */
export class OversizedNode {
  readonly message = `the node is larger than ${MAX_NODE_BYTES} bytes`;
}

/** `field`: the number of the node's field in the request. */
export function hasOversizedNode(request: Uint8Array, field: number): boolean {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < request.length; factor *= 128) {
      const byte = request[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < request.length) {
    const tag = varint();
    // No other wire type stands at the top of a discovery request; the decoder names what does not belong there.
    if ((tag & 7) !== LENGTH_DELIMITED) return false;
    const length = varint();
    if (tag >> 3 === field && length > MAX_NODE_BYTES) return true;
    at += length;
  }
  return false;
}
