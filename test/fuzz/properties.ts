// Everything that is fuzzed, by name. `assert` so that properties of different arguments stand in one table.
import * as fc from "fast-check";
import { clientHello, firstLine, proxyProtocol } from "./first-bytes.ts";
import { requests, responses } from "./http1.ts";
import { hpack, http2 } from "./http2.ts";

export interface FuzzRun {
  readonly seed: number;
  readonly numRuns: number;
}

function fuzz<Arguments>(property: fc.IProperty<Arguments>): (run: FuzzRun) => void {
  return (run) => fc.assert(property, run);
}

/** Each throws with seed, path and the smallest counterexample that was found. */
export const PROPERTIES: Readonly<Record<string, (run: FuzzRun) => void>> = {
  "HTTP/1 requests": fuzz(requests),
  "HTTP/1 responses": fuzz(responses),
  "HTTP/2 frames": fuzz(http2),
  "HPACK blocks": fuzz(hpack),
  "the PROXY protocol": fuzz(proxyProtocol),
  "TLS hellos": fuzz(clientHello),
  "first lines": fuzz(firstLine),
};
