// The upstreams of both proxies: they note what they received under the number of the pair and the side it came from (`x-pair: 17-envoy`),
// and do what the request's own script says, try by try: a status, `gzip`, `br`, `zstd`, `302>LOCATION`, `hang` (200, but long after every timeout), `reset`,
// `cut` (in the middle of the body), `grpc14` (trailers-only), `grpc0`, `chunked`, `trailers`, `empty`.
import { createServer as createHttp1 } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { encode, isCoding, variedText } from "./coding-generator.ts";

export type UpstreamProtocol = "http1" | "http2";

export interface Received {
  readonly upstream: string;
  readonly method: string;
  readonly path: string;
  /** In lower case, sorted by name; values of one name in their order. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

export interface Upstreams {
  readonly ports: ReadonlyMap<string, number>;
  received(pair: string): readonly Received[];
  forget(): void;
  close(): Promise<void>;
}

const UPSTREAM_NAMES = ["a", "b", "mirror", "ring0", "ring1", "ring2", "ring3", "v1", "v2"] as const;

/** Node would refuse long headers before it reads the rest. */
const MAX_HEADER_BYTES = 256 * 1024;
const HANG_MS = 1500;
/** Long enough for what was written before to have arrived by itself. */
const CUT_MS = 30;
const TRAILED: ReadonlySet<string> = new Set(["trailers", "grpc0"]);

function headerLines(raw: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < raw.length; i += 2) lines.push(`${raw[i]!.toLowerCase()}: ${raw[i + 1]}`);
  return lines
    .map((line, index) => ({ line, index, name: line.slice(0, line.indexOf(":", 1)) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.index - b.index))
    .map(({ line }) => line);
}

/** Tries stay in their order; copies for mirrors have none, and differ in their host at most. */
function order({ upstream, headers }: Received): string {
  return upstream === "mirror" ? `${upstream} ${headers.find((line) => line.startsWith("host: ")) ?? ""}` : upstream;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export async function startUpstreams(protocol: UpstreamProtocol): Promise<Upstreams> {
  const log = new Map<string, Received[]>();
  const tries = new Map<string, number>();
  const sockets = new Set<Socket | ServerHttp2Session>();
  const servers: Server[] = [];
  const ports = new Map<string, number>();

  const note = (upstream: string, request: IncomingMessage | Http2ServerRequest, body: string): string => {
    const trailers = headerLines(request.rawTrailers);
    const pair = String(request.headers["x-pair"] ?? "nobody");
    const path = request.method === "CONNECT" && request.url === undefined ? "" : (request.url ?? "");
    const received = { upstream, method: request.method ?? "", path, headers: headerLines(request.rawHeaders), body, trailers };
    const list = log.get(pair);
    if (list === undefined) log.set(pair, [received]);
    else list.push(received);
    const script = String(request.headers["x-script"] ?? "200").split("|");
    // Copies have a script of their own progress.
    const key = `${pair} ${upstream === "mirror" ? "mirror" : ""}`;
    const at = tries.get(key) ?? 0;
    tries.set(key, at + 1);
    return script[Math.min(at, script.length - 1)] ?? "200";
  };

  const answer = (
    upstream: string,
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => {
      const step = note(upstream, request, Buffer.concat(chunks).toString("latin1"));
      if (step === "hang") return void setTimeout(reply, HANG_MS, "200");
      if (step === "reset") {
        if ("stream" in response) response.stream.close(2);
        else request.socket.destroy();
        return;
      }
      reply(step);
    });
    const reply = (step: string): void => {
      response.setHeader("x-upstream", step.replace(/>.*/, ""));
      response.setHeader("x-twice", ["1", "2"]);
      response.setHeader("x-answer", "yes");
      response.setHeader("server", "upstream");
      if (step === "grpc14") {
        response.setHeader("content-type", "application/grpc");
        response.setHeader("grpc-status", "14");
      }
      const [status = "200", location] = step.split(">");
      if (location !== undefined) response.setHeader("location", location.replace("HOST", String(request.headers["x-own-host"])));
      response.statusCode = /^\d/.test(status) ? Number(status) : 200;
      const bodiless = request.method === "HEAD" || step === "204" || step === "304";
      for (const [name, value] of new URLSearchParams(String(request.headers["x-answer-headers"] ?? ""))) response.setHeader(name, value);
      const wanted = Number(request.headers["x-answer-length"] ?? 0);
      const said = `answer of ${step}`;
      const text = wanted === 0 ? said : variedText(said, wanted);
      if (isCoding(step)) response.setHeader("content-encoding", step);
      const body = bodiless || step === "empty" ? "" : isCoding(step) ? encode(step, text) : text;
      if (step === "grpc0") response.setHeader("content-type", "application/grpc");
      const trailed = TRAILED.has(step) && !bodiless;
      if (trailed) response.setHeader("trailer", "x-trailer");
      if (!bodiless && !trailed && step !== "chunked") response.setHeader("content-length", step === "cut" ? 1000 : body.length);
      // Both kinds of answers have these, with types of their own.
      const out = response as ServerResponse;
      if (step === "cut") {
        out.write(body);
        return void setTimeout(() => ("stream" in response ? response.stream.close(2) : request.socket.destroy()), CUT_MS);
      }
      if (step === "chunked") out.write("first ");
      if (trailed) {
        out.write(body);
        out.addTrailers({ "x-trailer": "of-response", ...(step === "grpc0" ? { "grpc-status": "0", "grpc-message": "fine" } : {}) });
        out.end();
      } else if (body === "") out.end();
      else out.end(body);
    };
  };

  for (const upstream of UPSTREAM_NAMES) {
    if (protocol === "http1") {
      const server = createHttp1({ keepAliveTimeout: 0, requestTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES }, (request, response) =>
        answer(upstream, request, response),
      );
      const tunnel = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
        note(upstream, request, "");
        socket.on("error", () => {});
        socket.write(
          request.method === "CONNECT"
            ? "HTTP/1.1 200 OK\r\nx-upstream: tunnel\r\n\r\nhello "
            : "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-upstream: tunnel\r\n\r\nhello ",
        );
        // Half-open would be another matter: it ends when it was told something.
        const heard = [head];
        const listen = (chunk: Buffer): void => {
          heard.push(chunk);
          const said = Buffer.concat(heard).toString("latin1");
          if (said.length >= 4) socket.end(`and ${said}`);
        };
        socket.on("data", listen);
        if (head.length >= 4) listen(Buffer.alloc(0));
      };
      server.on("connect", tunnel);
      server.on("upgrade", tunnel);
      server.on("connection", (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      });
      servers.push(server);
    } else {
      const server = createHttp2({ settings: { enableConnectProtocol: true } }, (request, response) => answer(upstream, request, response));
      server.on("connect", (request: Http2ServerRequest, response: Http2ServerResponse) => {
        note(upstream, request, "");
        response.setHeader("x-upstream", "tunnel");
        response.end();
      });
      server.on("session", (session) => {
        sockets.add(session);
        session.on("error", () => {});
        session.on("close", () => sockets.delete(session));
      });
      servers.push(server);
    }
    const server = servers.at(-1)!;
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    ports.set(upstream, (server.address() as AddressInfo).port);
  }
  return {
    ports,
    received: (pair) => (log.get(pair) ?? []).toSorted((a, b) => compare(order(a), order(b))),
    forget() {
      log.clear();
      tries.clear();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}
