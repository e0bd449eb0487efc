// An application that answers with what it was asked, or misbehaves on demand: the path or a header says how.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

const version = process.env["SERVICE_VERSION"] ?? "v1";
const MOST_TRIES = 10_000;
const tries = new Map<string, number>();

function pairs(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  const result: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) result.push([(rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? ""]);
  return result.sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1));
}

function echo(request: IncomingMessage, response: ServerResponse, status: number, body: string): void {
  const headers = pairs(request.rawHeaders);
  const text = JSON.stringify({
    version,
    method: request.method,
    url: request.url,
    headers,
    trailers: pairs(request.rawTrailers),
    bytes: body.length,
    body: body.slice(0, 100),
  });
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "x-app": version,
    "x-removed": "by a rule",
    "x-set": "by the application",
    "set-cookie": ["a=1", "b=2"],
  });
  response.end(text);
}

function fails(key: string, times: number): boolean {
  const before = tries.get(key) ?? 0;
  if (tries.size >= MOST_TRIES) tries.clear();
  tries.set(key, before + 1);
  return before < times;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("latin1");
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const last = path.split("/").at(-1) ?? "";
  if (path === "/health") return echo(request, response, 200, "");
  // Fails the first N tries of one key, and says in the header how many there were.
  if (path.includes("/flaky/")) {
    const key = String(request.headers["x-try-key"]);
    if (fails(key, Number(last))) return echo(request, response, 503, body);
    response.setHeader("x-tries", String(tries.get(key)));
    return echo(request, response, 200, body);
  }
  if (path.includes("/status/")) return echo(request, response, Number(last), body);
  if (path.includes("/empty/")) return void response.writeHead(Number(last), { "x-app": version }).end();
  if (path.includes("/slow/")) return void setTimeout(() => echo(request, response, 200, body), Number(last));
  if (path.includes("/bytes/"))
    return void response.writeHead(200, { "content-type": "application/octet-stream" }).end("x".repeat(Number(last)));
  if (path.endsWith("/reset")) return void request.socket.destroy();
  if (path.endsWith("/half")) {
    response.writeHead(200, { "content-length": 1000 });
    return void response.write("half of it", () => request.socket.destroy());
  }
  if (path.endsWith("/trailers")) {
    response.writeHead(200, { trailer: "x-checksum", "transfer-encoding": "chunked" });
    response.write("with trailers");
    response.addTrailers({ "x-checksum": "abc" });
    return void response.end();
  }
  if (path.endsWith("/early-hints")) {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    return echo(request, response, 200, body);
  }
  return echo(request, response, 200, body);
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
// Whatever the protocol is: bytes come back as they are. Only /ws switches.
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  if (request.url !== "/ws") return void socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno");
  socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  socket.write(head);
  socket.pipe(socket);
});
server.keepAliveTimeout = 4_000_000;
server.headersTimeout = 4_010_000;
server.listen(Number(process.env["PORT"] ?? 9090), process.env["HOST"] ?? "127.0.0.1");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
