// One configuration under a real Envoy and under our proxy: the same requests, what clients and back end see, what is logged and counted.
import { request as httpRequest } from "node:http";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxyOptions } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";
import type { ReceivedRequest } from "../harness/recording-backend.ts";

/** The cluster of the back end. */
export const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const V3 = "type.googleapis.com/envoy.extensions";

export const typed = (type: string, json: JsonObject = {}): JsonObject => ({ "@type": `${V3}.${type}`, ...json });
export const named = (type: string, json: JsonObject = {}, name = type): JsonObject => ({ name, typedConfig: typed(type, json) });
export const router = (json: JsonObject = {}): JsonObject => named("filters.http.router.v3.Router", json, "router");

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SideBySide {
  readonly proxy: Omit<LoneProxyOptions, "backendPort">;
  readonly asks: readonly Ask[];
  /** What the back end answers; undefined: 200. */
  readonly backend?: (request: ReceivedRequest) => string | undefined;
  /** Headers that are compared, by both ends. */
  readonly headers: RegExp;
  readonly stats?: RegExp;
}

interface Seen {
  readonly answers: readonly string[];
  readonly received: readonly string[];
  readonly log: readonly string[];
  readonly stats: Readonly<Record<string, number>>;
}

export async function seenBy(kind: "envoy" | "mizzen", { proxy: options, asks, backend, headers, stats }: SideBySide): Promise<Seen> {
  const received: string[] = [];
  const told = (pairs: Iterable<readonly [string, string]>): string =>
    [...pairs]
      .filter(([name]) => headers.test(name))
      .map(([name, value]) => `${name}: ${value}`)
      .sort()
      .join(", ");
  const server = await startRecordingBackend((request) => {
    received.push(`${request.line} [${told(request.headers)}] ${request.body}`);
    return backend?.(request);
  });
  const proxy = await startLoneProxy(kind, { ...options, backendPort: server.port });
  try {
    const answers: string[] = [];
    for (const one of asks) {
      const { status, pairs, body } = await ask(proxy.port, one);
      answers.push(`${status} [${told(pairs)}] ${body}`);
    }
    const log = await eventually("everything is logged", 15_000, () => (proxy.log().length === asks.length ? proxy.log() : undefined));
    const counted = stats === undefined ? [] : [...(await proxy.stats(stats))].filter(([, value]) => value > 0);
    return { answers, received, log: log.map((line) => line.split(" ").slice(0, 4).join(" ")), stats: Object.fromEntries(counted) };
  } finally {
    await proxy.stop();
    await server.close();
  }
}

function ask(
  port: number,
  { method = "GET", path = "/", headers = {}, body }: Ask,
): Promise<{ readonly status: number; readonly pairs: readonly (readonly [string, string])[]; readonly body: string }> {
  return new Promise((done, fail) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers: { host: "a", ...headers }, agent: false }, (response) => {
      let text = "";
      response.setEncoding("latin1");
      response.on("data", (chunk: string) => (text += chunk));
      const pairs = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
      response.on("end", () => done({ status: response.statusCode ?? 0, pairs, body: text }));
      response.on("error", fail);
    });
    request.on("error", fail);
    request.end(body);
  });
}
