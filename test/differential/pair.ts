// One pair: a virtual host (and what stands around it) and a request to it.
import type { JsonObject } from "@bufbuild/protobuf";

type Fields = readonly (readonly [string, string])[];

export interface PairRequest {
  readonly method: string;
  /** "" for CONNECT, whose target is the host. */
  readonly path: string;
  readonly host: string;
  readonly headers: Fields;
  readonly body: string;
  /** Without a content-length, in two pieces. */
  readonly chunked?: boolean;
  /** After a chunked body. */
  readonly trailers?: Fields;
  /** How often it is sent; the last answer counts. */
  readonly times?: number;
  /** By a client of HTTP/1.0; its host may be "": none. */
  readonly http10?: boolean;
  /** The body waits for 100 Continue. */
  readonly waits?: boolean;
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
  /** Besides, also names that are there already. */
  more: [string, string][];
  hostPrefix: string;
  hostSuffix: string;
  body: string;
  chunked: boolean;
  trailers: [string, string][];
  times: number;
  http10: boolean;
  hostless: boolean;
  waits: boolean;
  /** What the upstreams do, try by try; the last counts for all further ones. See upstreams.ts. */
  script: string[];
  /** Headers of the upstream's answers, beside those that all have. */
  answer: [string, string][];
  /** Their bodies are repeated up to so many bytes. */
  answerLength: number | undefined;
}

export function newDraft(): Draft {
  return {
    method: "GET",
    path: "/",
    query: [],
    headers: new Map(),
    more: [],
    hostPrefix: "",
    hostSuffix: "",
    body: "",
    chunked: false,
    trailers: [],
    times: 1,
    http10: false,
    hostless: false,
    waits: false,
    script: ["200"],
    answer: [],
    answerLength: undefined,
  };
}

/** OWN in a header's value or in the path is the pair's host. */
export function requestOf(draft: Draft, domain: string): PairRequest {
  const host = `${draft.hostPrefix}${domain}${draft.hostSuffix}`;
  const connect = draft.method === "CONNECT";
  return {
    method: draft.method,
    path: connect ? "" : draft.path.replace("OWN", host) + (draft.query.length === 0 ? "" : `?${draft.query.join("&")}`),
    host: draft.hostless ? "" : host,
    headers: [...draft.headers, ...draft.more, ...directions(draft)].map(([name, value]) => [name, value.replace("OWN", host)] as const),
    body: draft.body,
    ...(draft.chunked && draft.body !== "" ? { chunked: true, trailers: draft.trailers } : {}),
    ...(draft.times > 1 ? { times: draft.times } : {}),
    ...(draft.http10 ? { http10: true } : {}),
    ...(draft.waits ? { waits: true } : {}),
  };
}

function directions({ script, answer, answerLength }: Draft): [string, string][] {
  const found: [string, string][] = [["x-script", script.join("|")]];
  if (answer.length > 0) found.push(["x-answer-headers", new URLSearchParams(answer).toString()]);
  if (answerLength !== undefined) found.push(["x-answer-length", String(answerLength)]);
  return found;
}

export function domainOf(number: number): string {
  return `p${number}.example`;
}
