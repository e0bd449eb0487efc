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
/** What HTTP/2 does without (RFC 9113 8.2.2), and what Node wants once. */
const ONLY_HTTP1: ReadonlySet<string> = new Set(["connection", "upgrade", "keep-alive", "proxy-connection", "transfer-encoding"]);

function tunnelTo(host: string): string {
  return host.includes(":") ? host : `${host}:80`;
}

function pairsOf(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]!] as const] : []));
}

export function http1Client(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    close: () => agent.destroy(),
    send: ({ method, path, host, headers, body, chunked, trailers }) =>
      new Promise((done) => {
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
          agent: special ? false : agent,
          setHost: false,
          headers: [
            "host",
            method === "CONNECT" ? tunnelTo(host) : host,
            ...headers.flat(),
            ...(body === ""
              ? []
              : chunked === true
                ? ["transfer-encoding", "chunked"]
                : ["content-length", String(Buffer.byteLength(body))]),
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
        if (chunked !== true) return void request.end(body);
        request.write(body.slice(0, 1));
        request.addTrailers((trailers ?? []).map(([name, value]): [string, string] => [name, value]));
        request.end(body.slice(1));
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
        if (method !== "CONNECT" && body !== "") fields["content-length"] = String(Buffer.byteLength(body));
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
        if (body !== "") stream.end(body);
      }),
  };
}
