// Sends a pair's request to one proxy, over HTTP/1.1 or HTTP/2, and says what came back.
import { Agent, request as http1Request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import type { PairRequest } from "./pair.ts";

export type DownstreamProtocol = "http1" | "http2";

export interface Response {
  /** 0: there was none. */
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** How often it was told to continue. */
  readonly continues?: number;
  /** Why it is not whole. */
  readonly broken?: string;
}

export interface Client {
  send(request: PairRequest): Promise<Response>;
  close(): void;
}

const PATIENCE_MS = 10_000;
/** Nobody waits for 100 Continue for ever (RFC 9110 10.1.1). */
const CONTINUE_MS = 700;
/** What HTTP/2 does without (RFC 9113 8.2.2), and what Node wants once. */
const ONLY_HTTP1: ReadonlySet<string> = new Set(["connection", "upgrade", "keep-alive", "proxy-connection", "transfer-encoding"]);

function tunnelTo(host: string): string {
  return host.includes(":") ? host : `${host}:80`;
}

function pairsOf(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]!] as const] : []));
}

/** HTTP/1.0 has no chunks, which Node would take for what comes without a length. */
function framing(body: string, chunked: boolean, http10: boolean): string[] {
  if (body === "" && !http10) return [];
  return chunked ? ["transfer-encoding", "chunked"] : ["content-length", String(body.length)];
}

/** Node's client speaks 1.1 and names what becomes of the connection: neither leaves. */
function connectAsHttp10(port: number): Socket {
  const socket = connectTcp(port, "127.0.0.1");
  const write = socket.write.bind(socket) as (chunk: string | Uint8Array, encoding?: unknown, done?: unknown) => boolean;
  let first = true;
  socket.write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    if (!first || typeof chunk !== "string") return write(chunk, encoding, done);
    first = false;
    return write(chunk.replace(/^(\S+ \S+ HTTP\/1\.)1/, "$10").replace(/Connection: (close|keep-alive)\r\n/, ""), encoding, done);
  };
  return socket;
}

/** What the far end of a tunnel says, and answers. */
function talk(socket: Socket, head: Buffer, done: (said: string) => void): void {
  const chunks = [head];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => done(Buffer.concat(chunks).toString("latin1")));
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  socket.write("ping");
}

export function http1Client(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    close: () => agent.destroy(),
    send: ({ method, path, host, headers, body, chunked, trailers, http10, waits }) =>
      new Promise((done) => {
        let continues = 0;
        // A connection that is reset in the middle of an answer is told of to both.
        let answered = false;
        const broken = (error: Error & { code?: string }): void => {
          if (!answered) done({ status: 0, headers: [], body: "", trailers: [], broken: error.code ?? error.message });
        };
        const special = method === "CONNECT" || headers.some(([name]) => name === "upgrade");
        const request = http1Request({
          host: "127.0.0.1",
          port,
          method,
          path: method === "CONNECT" ? tunnelTo(host) : path,
          // The connection of one that waits may be left in the middle of a request.
          ...(http10 === true ? { createConnection: () => connectAsHttp10(port) } : { agent: special || waits === true ? false : agent }),
          setHost: false,
          headers: [
            ...(host === "" ? [] : ["host", method === "CONNECT" ? tunnelTo(host) : host]),
            ...headers.flat(),
            ...framing(body, chunked === true, http10 === true),
          ],
        });
        const onResponse = (response: IncomingMessage): void => {
          answered = true;
          const chunks: Buffer[] = [];
          const finish = (broken?: string): void =>
            done({
              status: response.statusCode ?? 0,
              headers: pairsOf(response.rawHeaders),
              body: Buffer.concat(chunks).toString("latin1"),
              trailers: pairsOf(response.rawTrailers).map(([name, value]) => `${name}: ${value}`),
              continues,
              ...(broken === undefined ? {} : { broken }),
            });
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            finish();
            // The answer came before the body was asked for.
            if (!request.writableEnded) request.destroy();
          });
          response.on("error", () => finish("broken off"));
        };
        const onTunnel = (response: IncomingMessage, socket: Socket, head: Buffer): void => {
          answered = true;
          if (response.statusCode !== 101 && response.statusCode !== 200) {
            socket.destroy();
            done({ status: response.statusCode ?? 0, headers: pairsOf(response.rawHeaders), body: "", trailers: [] });
            return;
          }
          talk(socket, head, (body) =>
            done({ status: response.statusCode ?? 0, headers: pairsOf(response.rawHeaders), body, trailers: [] }),
          );
        };
        request.on("response", onResponse);
        request.on("connect", onTunnel);
        request.on("upgrade", onTunnel);
        request.on("error", broken);
        request.setTimeout(PATIENCE_MS, () => request.destroy(new Error("no answer")));
        const sendBody = (): void => {
          if (chunked !== true) return void request.end(body, "latin1");
          request.write(body.slice(0, 1), "latin1");
          request.addTrailers((trailers ?? []).map(([name, value]): [string, string] => [name, value]));
          request.end(body.slice(1), "latin1");
        };
        if (waits !== true) sendBody();
        else {
          request.flushHeaders();
          const sendNow = (): void => {
            clearTimeout(timer);
            if (!answered && !request.writableEnded) sendBody();
          };
          const timer = setTimeout(sendNow, CONTINUE_MS);
          request.on("continue", sendNow);
        }
        request.on("continue", () => continues++);
      }),
  };
}

export function http2Client(port: number): Client {
  let session: ClientHttp2Session | undefined;
  const current = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on("error", () => {});
    }
    return session;
  };
  return {
    close: () => session?.destroy(),
    send: ({ method, path, host, headers, body, trailers: last = [] }) =>
      new Promise((done) => {
        const fields: Record<string, string | string[]> = { ":method": method, ":authority": method === "CONNECT" ? tunnelTo(host) : host };
        if (method !== "CONNECT") Object.assign(fields, { ":path": path, ":scheme": "http" });
        // An upgrade is a plain request then.
        for (const [name, value] of headers) {
          if (ONLY_HTTP1.has(name) || (name === "te" && value !== "trailers")) continue;
          // Of names that Node knows it takes one value.
          if (fields[name] === undefined) fields[name] = value;
          else if (name.startsWith("x-")) fields[name] = [fields[name], value].flat();
        }
        if (method !== "CONNECT" && body !== "") fields["content-length"] = String(body.length);
        if (last.length > 0) delete fields["content-length"];
        const options = { endStream: body === "" && method !== "CONNECT", waitForTrailers: last.length > 0 };
        const stream = current().request(fields, options);
        stream.on("wantTrailers", () => stream.sendTrailers(Object.fromEntries(last)));
        let status = 0;
        let received: (readonly [string, string])[] = [];
        let trailers: string[] = [];
        const chunks: Buffer[] = [];
        stream.on("response", (head, _flags, raw?: readonly string[]) => {
          status = Number(head[":status"]);
          received = pairsOf(raw ?? []).filter(([name]) => !name.startsWith(":"));
          if (method === "CONNECT") stream.close();
        });
        stream.on(
          "trailers",
          (_fields, _flags, raw?: readonly string[]) => void (trailers = pairsOf(raw ?? []).map(([name, value]) => `${name}: ${value}`)),
        );
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("error", () => {});
        stream.on("close", () =>
          done({
            status,
            headers: received,
            body: method === "CONNECT" ? "" : Buffer.concat(chunks).toString("latin1"),
            trailers,
            ...(stream.rstCode === 0 || method === "CONNECT" ? {} : { broken: `RST_STREAM ${stream.rstCode}` }),
          }),
        );
        stream.setTimeout(PATIENCE_MS, () => stream.close());
        if (body !== "") stream.end(body, "latin1");
      }),
  };
}
