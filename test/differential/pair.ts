// One pair: a virtual host (and what stands around it) and a request to it.
import type { JsonObject } from "@bufbuild/protobuf";

export interface PairRequest {
  readonly method: string;
  /** "" for CONNECT, whose target is the host. */
  readonly path: string;
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Pair {
  readonly number: number;
  /** Its domain is the pair's own; routes are named, the last one `default`. */
  readonly virtualHost: JsonObject;
  readonly request: PairRequest;
  /** The route that the request was made for, and whether it was made to hit it. */
  readonly aim: { readonly route: string; readonly hits: boolean };
}

/** A request while generators write at it. */
export interface Draft {
  method: string;
  path: string;
  query: string[];
  headers: Map<string, string>;
  body: string;
  /** What the upstreams do, try by try; the last counts for all further ones. See upstreams.ts. */
  script: string[];
}

export function newDraft(): Draft {
  return { method: "GET", path: "/", query: [], headers: new Map(), body: "", script: ["200"] };
}

export function domainOf(number: number): string {
  return `p${number}.example`;
}
