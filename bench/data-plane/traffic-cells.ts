// Cells of one kind of traffic each: what the load is, and what has to be counted of it.
import { wrk as runWrk, ownLoad, ownProcess, CONNECTIONS, HOST } from "./load.ts";
import type { LoadResult } from "./load.ts";
import type { Peer } from "./peers.ts";

export interface LoadTools {
  readonly wrk: string;
  readonly postScript: string;
}

export interface TrafficCell {
  readonly title: string;
  readonly load: (peer: Peer, seconds: number, tools: LoadTools) => Promise<LoadResult>;
  /** The connection managers that count a request, by statistics prefix; none: the cell is not HTTP to the end. */
  readonly managers: readonly string[];
  /** The target of ours against Envoy's: at least this ratio of rates, or at most this ratio of p99. */
  readonly target?: { readonly of: "rate" | "p99"; readonly ratio: number };
}

function http(path: string, scheme: "http" | "https", port: (peer: Peer) => number, options: { headers?: string[]; post?: true } = {}) {
  return (peer: Peer, seconds: number, { wrk, postScript }: LoadTools): Promise<LoadResult> =>
    runWrk(wrk, {
      url: `${scheme}://127.0.0.1:${port(peer)}${path}`,
      seconds,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      ...(options.post === undefined ? {} : { script: postScript }),
    });
}

const sidecar = (peer: Peer): number => peer.ports.sidecar;
const rate = (ratio: number) => ({ of: "rate", ratio }) as const;

export const TRAFFIC_CELLS: Readonly<Record<string, TrafficCell>> = {
  plain: { title: "HTTP/1.1, 1 KB, one route", load: http("/", "http", ({ ports }) => ports.plain), managers: ["plain"] },
  sidecar: {
    title: "HTTP/1.1, 1 KB, 50 virtual hosts, Istio's filters",
    load: http("/", "http", sidecar),
    managers: ["sidecar"],
    target: rate(2),
  },
  "100k": { title: "100 KB responses", load: http("/100k", "http", sidecar), managers: ["sidecar"], target: rate(1) },
  post: { title: "POST 10 KB", load: http("/post", "http", sidecar, { post: true }), managers: ["sidecar"], target: rate(2) },
  connection: {
    title: "a connection per request",
    load: http("/", "http", sidecar, { headers: ["Connection: close"] }),
    managers: ["sidecar"],
    target: rate(1.3),
  },
  tls: { title: "TLS, 1 KB", load: http("/", "https", ({ ports }) => ports.tls), managers: ["tls"], target: rate(1.8) },
  mtls: {
    title: "mTLS between two hops",
    load: http("/", "http", ({ ports }) => ports.outbound),
    managers: ["outbound", "inbound"],
    target: rate(2),
  },
  tcp: { title: "TCP relay", load: http("/", "http", ({ ports }) => ports.tcp), managers: [], target: rate(0.95) },
  websocket: {
    title: "WebSocket echo, 1 KB",
    load: ({ ports }, seconds) => ownLoad(ownProcess("web-socket-process.ts", [ports.webSocket, CONNECTIONS, seconds]), seconds),
    managers: [],
  },
  paced: {
    title: "1,000 requests/s",
    load: ({ ports }, seconds) => ownLoad(ownProcess("paced-process.ts", [ports.sidecar, 1000, seconds, HOST]), seconds),
    managers: ["sidecar"],
    target: { of: "p99", ratio: 1.5 },
  },
};
