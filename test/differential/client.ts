// Sends a pair's request to one proxy, over HTTP/1.1 or HTTP/2, and says what came back.
import { Agent, request as http1Request } from "node:http";
import type { IncomingMessage } from "node:http";
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
  /** Why it is not whole. */
  readonly broken?: string;
}

export interface Client {
  send(request: PairRequest): Promise<Response>;
  close(): void;
}

const PATIENCE_MS = 20_000;

function pairsOf(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]!] as const] : []));
}

export function http1Client(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    close: () => agent.destroy(),
    send: ({ method, path, host, headers, body }) =>
      new Promise((done) => {
        const broken = (error: Error & { code?: string }): void =>
          done({ status: 0, headers: [], body: "", trailers: [], broken: error.code ?? error.message });
        const special = method === "CONNECT" || headers.some(([name]) => name === "upgrade");
        const request = http1Request({
          host: "127.0.0.1",
          port,
          method,
          path: method === "CONNECT" ? `${host}:80` : path,
          agent: special ? false : agent,
          setHost: false,
          headers: [
            "host",
            method === "CONNECT" ? `${host}:80` : host,
            ...headers.flat(),
            ...(body === "" ? [] : ["content-length", String(Buffer.byteLength(body))]),
          ],
        });
        const onResponse = (response: IncomingMessage): void => {
          const chunks: Buffer[] = [];
          const finish = (broken?: string): void =>
            done({
              status: response.statusCode ?? 0,
              headers: pairsOf(response.rawHeaders),
              body: Buffer.concat(chunks).toString("latin1"),
              trailers: pairsOf(response.rawTrailers).map(([name, value]) => `${name}: ${value}`),
              ...(broken === undefined ? {} : { broken }),
            });
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => finish());
          response.on("error", () => finish("broken off"));
        };
        const onTunnel = (response: IncomingMessage, socket: { destroy(): void }): void => {
          socket.destroy();
          done({ status: response.statusCode ?? 0, headers: pairsOf(response.rawHeaders), body: "", trailers: [] });
        };
        request.on("response", onResponse);
        request.on("connect", onTunnel);
        request.on("upgrade", onTunnel);
        request.on("error", broken);
        request.setTimeout(PATIENCE_MS, () => request.destroy(new Error("no answer")));
        request.end(body);
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
    send: ({ method, path, host, headers, body }) =>
      new Promise((done) => {
        const fields: Record<string, string> = { ":method": method, ":authority": method === "CONNECT" ? `${host}:80` : host };
        if (method !== "CONNECT") Object.assign(fields, { ":path": path, ":scheme": "http" });
        // What only HTTP/1 knows. An upgrade is a plain request then.
        for (const [name, value] of headers) if (name !== "connection" && name !== "upgrade") fields[name] = value;
        const stream = current().request(fields, { endStream: body === "" && method !== "CONNECT" });
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
        if (body !== "") stream.end(body);
      }),
  };
}
