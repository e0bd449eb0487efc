// What the clients of the soak test do, over and over. Each returns when all of it came out right, and throws what went wrong.
import { createHash, randomBytes } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { KeyPair } from "#runtime/x509";
import type { ListenPorts } from "./resources.ts";

export interface Operation {
  readonly name: string;
  /** So many clients do it at once. */
  readonly clients: number;
  /** Nothing but the end of a host within its answer excuses a failure: the proxy tries again. */
  readonly triedAgain: boolean;
  run(): Promise<void>;
}

export interface ClientIdentity {
  readonly pair: KeyPair;
  readonly root: string;
}

const PATIENCE_MS = 20_000;
const LARGE_BYTES = 1 << 20;
const MOST_REFUSALS = 3;
const BODY = randomBytes(300_000);
const HOST = "127.0.0.1";

function expectOk({ status, body }: Answer): void {
  if (status !== 200) throw new Error(`status is ${status}: ${body.toString("utf8", 0, 200)}`);
}

function expect(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`${what} is ${String(got)}, not ${String(wanted)}`);
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function exchange(
  start: (options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ReturnType<typeof httpRequest>,
  options: Omit<RequestOptions, "headers">,
  body?: readonly Buffer[],
  headers: Readonly<Record<string, string | number>> = {},
): Promise<Answer> {
  return new Promise((done, fail) => {
    const request = start({ host: HOST, ...options, headers: { host: "soak.example", ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () => {
        if (response.complete) done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
        else fail(new Error("half an answer"));
      });
    });
    request.on("error", fail);
    request.setTimeout(PATIENCE_MS, () => request.destroy(new Error("no answer in time")));
    for (const chunk of body ?? []) request.write(chunk);
    request.end();
  });
}

async function upload(port: number, agent: HttpAgent | false, chunked: boolean): Promise<void> {
  const size = 1 + Math.floor(Math.random() * (BODY.length - 1));
  const body = BODY.subarray(0, size);
  const pieces: Buffer[] = [];
  for (let at = 0; at < size; at += 40_000) pieces.push(body.subarray(at, Math.min(size, at + 40_000)));
  const headers = chunked ? { "transfer-encoding": "chunked" } : { "content-length": size };
  const answer = await exchange(httpRequest, { port, path: "/once/upload", method: "POST", agent }, pieces, headers);
  expectOk(answer);
  expect("the body's hash", answer.body.toString(), createHash("sha1").update(body).digest("hex"));
}

interface Http2Answer extends Answer {
  readonly grpcStatus: unknown;
}

/** Of a session that takes requests: a new one when the old was told to go. */
class Http2Client {
  readonly #port: number;
  #session: ClientHttp2Session | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  #open(): ClientHttp2Session {
    const open = this.#session;
    if (open !== undefined && !open.closed && !open.destroyed) return open;
    const session = connectHttp2(`http://${HOST}:${this.#port}`);
    session.on("error", () => {});
    session.on("goaway", () => session.close());
    this.#session = session;
    return session;
  }

  /** A stream that GOAWAY overtook was not looked at, as its code says: any client sends it again (RFC 9113 8.7). */
  async request(headers: Record<string, string>, body?: Buffer): Promise<Http2Answer> {
    for (let again = 0; ; again++) {
      try {
        return await this.#once(headers, body);
      } catch (error) {
        if (again === MOST_REFUSALS || !String(error).includes("NGHTTP2_REFUSED_STREAM")) throw error;
      }
    }
  }

  #once(headers: Record<string, string>, body?: Buffer): Promise<Http2Answer> {
    return new Promise((done, fail) => {
      const stream = this.#open().request({ ":authority": "soak.example", ...headers }, { endStream: body === undefined });
      let status = 0;
      let grpcStatus: unknown;
      const chunks: Buffer[] = [];
      stream.on("response", (got) => {
        status = got[":status"] ?? 0;
        grpcStatus = got["grpc-status"];
      });
      stream.on("trailers", (got) => (grpcStatus = got["grpc-status"]));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", fail);
      stream.setTimeout(PATIENCE_MS, () => fail(new Error("no answer in time")));
      stream.on("close", () => {
        if (stream.rstCode !== 0) fail(new Error(`RST_STREAM ${stream.rstCode}`));
        else done({ status, body: Buffer.concat(chunks), grpcStatus });
      });
      if (body !== undefined) stream.end(body);
    });
  }

  close(): void {
    this.#session?.destroy();
  }
}

/** Says `text` piece by piece, each when the one before came back. */
function echo(port: number, pieces: readonly Buffer[], greeting?: string): Promise<void> {
  return new Promise((done, fail) => {
    const socket = connect({ port, host: HOST });
    let next = 0;
    let due = 0;
    let opened = greeting === undefined;
    let head = "";
    const say = (): void => {
      const piece = pieces[next++];
      if (piece === undefined) {
        socket.end();
        return;
      }
      due = piece.length;
      socket.write(piece);
    };
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("no answer in time")));
    socket.on("connect", () => (greeting === undefined ? say() : socket.write(greeting)));
    socket.on("data", (chunk: Buffer) => {
      if (!opened) {
        head += chunk.toString("latin1");
        if (!head.includes("\r\n\r\n")) return;
        opened = true;
        if (!head.startsWith("HTTP/1.1 101 ")) socket.destroy(new Error(head.slice(0, head.indexOf("\r\n"))));
        else say();
        return;
      }
      due -= chunk.length;
      if (due === 0) say();
    });
    socket.on("error", fail);
    socket.on("close", () => (next > pieces.length ? done() : fail(new Error(`closed after ${next} pieces`))));
  });
}

const UPGRADE = `GET /socket HTTP/1.1\r\nHost: soak.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;

/** Begins something and is gone in the middle of it. */
function abort(port: number): Promise<void> {
  const whole = [
    "GET /large HTTP/1.1\r\nHost: soak.example\r\n\r\n",
    `POST /once HTTP/1.1\r\nHost: soak.example\r\nContent-Length: 100\r\n\r\n${"x".repeat(100)}`,
    UPGRADE,
  ][Math.floor(Math.random() * 3)]!;
  return new Promise((done) => {
    const socket = connect({ port, host: HOST });
    socket.on("error", () => {});
    socket.on("close", () => done());
    socket.write(whole.slice(0, Math.ceil(Math.random() * whole.length)));
    if (Math.random() < 0.5) socket.resume();
    setTimeout(() => (Math.random() < 0.5 ? socket.destroy() : socket.resetAndDestroy()), Math.random() * 30);
  });
}

export interface Load {
  readonly operations: readonly Operation[];
  /** The next connections use these. */
  setIdentity(identity: ClientIdentity): void;
  close(): void;
}

export function makeLoad(ports: ListenPorts, first: ClientIdentity): Load {
  let identity = first;
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 8 });
  let secureAgent = new HttpsAgent({ keepAlive: true, maxSockets: 4 });
  const http2 = new Http2Client(ports.http);
  const ok = async (options: RequestOptions): Promise<void> => {
    const answer = await exchange(httpRequest, { port: ports.http, ...options });
    expectOk(answer);
    expect("body", answer.body.toString(), "ok");
  };
  const secure = async (): Promise<void> => {
    const { pair, root } = identity;
    const tls = { ca: root, cert: pair.certificate, key: pair.key, servername: "soak.example" };
    const answer = await exchange(httpsRequest, { port: ports.tls, path: "/secure", agent: secureAgent, ...tls } as RequestOptions);
    expectOk(answer);
    expect("body", answer.body.toString(), "ok");
  };
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), Buffer.from("hello")]);
  const pieces = (count: number, bytes: number): Buffer[] => Array.from({ length: count }, () => BODY.subarray(0, bytes));
  const operations: Operation[] = [
    { name: "HTTP/1 keep-alive", clients: 6, triedAgain: true, run: () => ok({ path: "/kept", agent }) },
    { name: "HTTP/1 connection", clients: 3, triedAgain: true, run: () => ok({ path: "/new", agent: false }) },
    {
      name: "HTTP/1 megabyte",
      clients: 1,
      triedAgain: true,
      async run() {
        const answer = await exchange(httpRequest, { port: ports.http, path: "/large", agent });
        expectOk(answer);
        expect("length", answer.body.length, LARGE_BYTES);
      },
    },
    { name: "HTTP/1 upload", clients: 2, triedAgain: false, run: () => upload(ports.http, agent, false) },
    { name: "HTTP/1 chunked upload", clients: 2, triedAgain: false, run: () => upload(ports.http, false, true) },
    { name: "WebSocket", clients: 3, triedAgain: false, run: () => echo(ports.http, pieces(30, 2_000), UPGRADE) },
    { name: "TCP", clients: 3, triedAgain: false, run: () => echo(ports.tcp, pieces(10, 20_000)) },
    {
      name: "HTTP/2",
      clients: 4,
      triedAgain: true,
      async run() {
        const answer = await http2.request({ ":path": "/http2" });
        expectOk(answer);
        expect("body", answer.body.toString(), "ok");
      },
    },
    {
      name: "gRPC",
      clients: 4,
      triedAgain: true,
      async run() {
        const headers = { ":method": "POST", ":path": "/grpc.Soak/Echo", "content-type": "application/grpc", te: "trailers" };
        const answer = await http2.request(headers, message);
        expect("grpc-status", answer.grpcStatus, "0");
        expect("message", answer.body.equals(message), true);
      },
    },
    { name: "mutual TLS", clients: 3, triedAgain: true, run: secure },
    { name: "aborted", clients: 2, triedAgain: false, run: () => abort(ports.http) },
  ];
  return {
    operations,
    setIdentity(next) {
      identity = next;
      const old = secureAgent;
      secureAgent = new HttpsAgent({ keepAlive: true, maxSockets: 4 });
      // What is on its way ends on the old one.
      setTimeout(() => old.destroy(), PATIENCE_MS).unref();
    },
    close() {
      agent.destroy();
      secureAgent.destroy();
      http2.close();
    },
  };
}
