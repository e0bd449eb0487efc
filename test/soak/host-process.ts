// A host of the soak test: HTTP/1 (and WebSocket echo), HTTP/2 and gRPC, TCP echo, HTTP/1 over TLS. Prints its ports; SIGTERM drains it.
// HOST_KEY and HOST_CERTIFICATE are PEM.
import { createHash } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

const DRAIN_MS = 3_000;
const LARGE = Buffer.alloc(1 << 20, "x");

let draining = false;
const sockets = new Set<Socket>();
const sessions = new Set<ServerHttp2Session>();

/** `/large` is a megabyte; a request with a body gets its hash, any other "ok". */
const answer: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
  const hash = createHash("sha1");
  let bytes = 0;
  request.on("error", () => {});
  response.on("error", () => {});
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  request.on("end", () => {
    if (draining) response.setHeader("connection", "close");
    if (request.url?.includes("/large") === true) response.end(LARGE);
    else response.end(bytes === 0 ? "ok" : hash.digest("hex"));
  });
};

const http = createHttpServer({ keepAliveTimeout: 60_000 }, answer);
http.on("upgrade", (_request, socket: Socket) => {
  socket.on("error", () => {});
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.pipe(socket);
});

const { HOST_KEY: key = "", HOST_CERTIFICATE: cert = "" } = process.env;
const https = createHttpsServer({ key, cert, keepAliveTimeout: 60_000 }, answer);

const http2 = createHttp2Server();
http2.on("session", (session) => {
  sessions.add(session);
  session.on("close", () => sessions.delete(session));
  session.on("error", () => {});
});
http2.on("stream", (stream: ServerHttp2Stream, headers) => {
  stream.on("error", () => {});
  const grpc = headers["content-type"] === "application/grpc";
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    if (stream.destroyed) return;
    if (!grpc) {
      stream.respond({ ":status": 200 });
      stream.end("ok");
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.concat(chunks));
  });
});

const tcp = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  socket.pipe(socket);
});

const servers: readonly Server[] = [http, https, http2, tcp];
for (const server of servers) {
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", 4096, done));
}
console.log(JSON.stringify(servers.map((server) => (server.address() as AddressInfo).port)));

process.on("SIGTERM", () => {
  draining = true;
  for (const server of servers) server.close();
  http.closeIdleConnections();
  https.closeIdleConnections();
  for (const session of sessions) session.close();
  const poll = setInterval(() => {
    http.closeIdleConnections();
    https.closeIdleConnections();
    if (sockets.size === 0) process.exit(0);
  }, 50);
  setTimeout(() => {
    clearInterval(poll);
    process.exit(0);
  }, DRAIN_MS);
});
// Whoever started it is gone.
process.stdin.on("end", () => process.exit(0)).resume();
