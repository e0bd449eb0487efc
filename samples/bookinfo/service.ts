// What the four Bookinfo programs share: a small HTTP server, a caller with a time limit, and the headers that must travel on so
// that a trace and a signed-in user stay whole. Nothing here knows of a mesh: PORT and HOST come from the environment, and
// `fetch` finds its proxy there by itself.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

export type Handler = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void> | void;

// Hop by hop a program must copy these from the request it serves to the requests it makes: only it knows which belong together.
const COPIED_HEADERS = [
  "x-request-id",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "b3",
  "traceparent",
  "tracestate",
  "x-cloud-trace-context",
  "x-datadog-trace-id",
  "x-datadog-parent-id",
  "x-datadog-sampling-priority",
  "sw8",
  "user-agent",
  "end-user",
  "authorization",
  "cookie",
] as const;

export function forwardedHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of COPIED_HEADERS) {
    const value = request.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

export function sendText(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** What a call came to: the status, and the JSON body when it was 200. A status of 500 also stands for "no answer at all". */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export async function getJson(url: string, headers: Record<string, string>, timeoutMs: number): Promise<Answer> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
    if (response.status === 200) return { status: 200, body: await response.json() };
    await response.body?.cancel();
    return { status: response.status, body: undefined };
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    console.error(`GET ${url}: ${reason instanceof Error ? reason.message : String(reason)}`);
    return { status: 500, body: undefined };
  }
}

/** The product id at the end of `/reviews/0`, or undefined when it is not a number. */
export function productId(path: string): number | undefined {
  const text = path.split("/")[2] ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Serves until SIGTERM, then lets the requests in flight finish. */
export function serve(name: string, handler: Handler): void {
  const port = Number(process.env["PORT"] ?? 9080);
  const host = process.env["HOST"] ?? "127.0.0.1";
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    if (path === "/health") return sendJson(response, 200, { status: `${name} is healthy` });
    Promise.resolve(handler(request, response, path)).catch((error: unknown) => {
      console.error(`${request.method} ${path}: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: "internal error" });
    });
  });
  // Longer than any proxy keeps an idle connection, so that it is never this side that closes one just as a request comes in.
  server.keepAliveTimeout = 4_000_000;
  server.headersTimeout = 4_010_000;
  server.on("error", (error) => {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  });
  server.listen(port, host, () => console.log(`${name} listens on ${host}:${port}`));
  process.on("SIGTERM", () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
