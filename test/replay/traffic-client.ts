// Sends one request on a connection of its own and says what came of it.
import { request as httpRequest } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { EchoReport, Outcome, TrafficRequest } from "./traffic.ts";

type Failure = Extract<Outcome, { kind: "failed" }>["reason"];

export async function send(request: TrafficRequest): Promise<Outcome> {
  let socket: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  const failed = (reason: Failure): Outcome => ({ kind: "failed", reason });
  try {
    const timeout = new Promise<Outcome>((done) => (timer = setTimeout(() => done(failed("timeout")), request.timeoutMs)));
    const attempt = async (): Promise<Outcome> => {
      const connection = open(request);
      socket = connection.raw;
      // HTTP/2 has to see the first bytes of the server, which may come with the end of the handshake.
      const session = request.protocol === "h2" ? http2Session(connection.socket, request) : undefined;
      const failure = await connection.ready;
      if (failure !== undefined) return failed(failure);
      const answer = await (session === undefined ? exchange(connection.socket, request) : exchangeHttp2(session, request));
      const shown = connection.socket instanceof TLSSocket ? connection.socket.getPeerCertificate()?.subjectaltname : undefined;
      return typeof answer === "string" ? failed(answer) : { ...answer, certificate: shown };
    };
    return await Promise.race([attempt(), timeout]);
  } finally {
    clearTimeout(timer);
    socket?.destroy();
  }
}

interface Connection {
  readonly raw: Socket;
  /** With TLS where there is some. */
  readonly socket: Socket;
  readonly ready: Promise<Failure | undefined>;
}

function open({ address, port, tls }: TrafficRequest): Connection {
  const raw = connect({ host: address, port });
  const refused = new Promise<Failure>((done) =>
    raw.on("error", (error: NodeJS.ErrnoException) => done(error.code === "ECONNREFUSED" ? "refused" : "closed")),
  );
  const connected = new Promise<undefined>((done) => raw.on("connect", () => done(undefined)));
  if (tls === undefined) return { raw, socket: raw, ready: Promise.race([refused, connected]) };
  const socket = connectTls({
    socket: raw,
    ...(tls.sni === undefined ? {} : { servername: tls.sni }),
    ALPNProtocols: [...tls.alpn],
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate.certificate, key: tls.certificate.key }),
    // What is shown is reported; whether to believe it is not this client's question.
    rejectUnauthorized: false,
  });
  const secured = new Promise<Failure | undefined>((done) => {
    socket.on("secureConnect", () => done(undefined));
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code === "ECONNREFUSED" ? "refused" : "tls"));
    socket.on("close", () => done("tls"));
  });
  return { raw, socket, ready: secured };
}

type Answer = Omit<Extract<Outcome, { kind: "answered" }>, "certificate">;

function exchange(socket: Socket, request: TrafficRequest): Promise<Answer | Failure> {
  return request.protocol === "tcp" ? exchangeBytes(socket, request) : exchangeHttp1(socket, request);
}

function exchangeBytes(socket: Socket, { path }: TrafficRequest): Promise<Answer | Failure> {
  return new Promise((done) => {
    let text = "";
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("utf8");
      if (!text.endsWith("\n")) return;
      const report = text.startsWith("{") ? (JSON.parse(text) as EchoReport) : undefined;
      done({ kind: "answered", status: 0, headers: {}, report, body: report === undefined ? text : "" });
    });
    socket.on("error", () => done("closed"));
    socket.on("close", () => done("closed"));
    socket.write(`${path}\n`);
  });
}

function exchangeHttp1(socket: Socket, request: TrafficRequest): Promise<Answer | Failure> {
  return new Promise((done) => {
    const { method, path, authority, headers } = request;
    const outgoing = httpRequest({
      createConnection: () => socket,
      method,
      path,
      setHost: false,
      headers: ["host", authority, ...headers.flat()],
    });
    outgoing.on("response", (response) => {
      let body = "";
      response.on("data", (bytes: Buffer) => (body += bytes.toString("utf8")));
      response.on("error", () => done("closed"));
      response.on("end", () => done(answer(response.statusCode ?? 0, response.headers, body)));
    });
    outgoing.on("upgrade", (response) => {
      const report = Buffer.from(String(response.headers["x-echo-report"] ?? ""), "base64").toString("utf8");
      done(answer(response.statusCode ?? 0, { ...response.headers, "x-echo-report": "body" }, report));
    });
    outgoing.on("error", () => done("closed"));
    outgoing.end();
  });
}

function http2Session(socket: Socket, request: TrafficRequest): ClientHttp2Session {
  const session = connectHttp2(`${schemeOf(request)}://h2.invalid`, { createConnection: () => socket });
  session.on("error", () => {});
  return session;
}

function schemeOf({ tls }: TrafficRequest): string {
  return tls === undefined ? "http" : "https";
}

function exchangeHttp2(session: ClientHttp2Session, request: TrafficRequest): Promise<Answer | Failure> {
  return new Promise((done) => {
    if (session.destroyed) return done("closed");
    session.on("error", () => done("closed"));
    session.on("close", () => done("closed"));
    const { method, path, authority, headers } = request;
    const pseudo = { ":method": method, ":path": path, ":authority": authority, ":scheme": schemeOf(request) };
    const stream = session.request({ ...Object.fromEntries(headers), ...pseudo });
    let head: Record<string, unknown> = {};
    let body = "";
    stream.on("response", (received) => (head = received));
    stream.on("data", (bytes: Buffer) => (body += bytes.toString("utf8")));
    stream.on("error", () => done("closed"));
    stream.on("end", () => {
      const { ":status": status, ...rest } = head;
      done(status === undefined ? "closed" : answer(Number(status), rest, body));
    });
    stream.end();
  });
}

function answer(status: number, received: Readonly<Record<string, unknown>>, body: string): Answer {
  const headers = Object.fromEntries(Object.entries(received).map(([name, value]) => [name.toLowerCase(), String(value)]));
  const { "x-echo-report": marker, ...rest } = headers;
  const report = marker === undefined || !body.startsWith("{") ? undefined : (JSON.parse(body) as EchoReport);
  return { kind: "answered", status, headers: rest, report, body: report === undefined ? body : "" };
}
