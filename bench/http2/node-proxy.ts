// What an engineer writes in an afternoon on node:http2: requests from HTTP/2 clients to one HTTP/1 and some HTTP/2 back ends, chosen by
// host, headers and bodies passed on, nothing more.
import { Agent, request as httpRequest } from "node:http";
import { connect, constants, createServer } from "node:http2";
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { pipeline } from "node:stream";

interface Target {
  readonly host: string;
  readonly port: number;
  readonly http2: boolean;
}

const [port, targetsJson] = process.argv.slice(2);
if (port === undefined || targetsJson === undefined) throw new Error("usage: node-proxy.ts PORT TARGETS-AS-JSON");
const targets = new Map((JSON.parse(targetsJson) as Target[]).map((target) => [target.host, target]));
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const sessions = new Map<Target, ClientHttp2Session>();

function sessionOf(target: Target): ClientHttp2Session {
  let session = sessions.get(target);
  if (session === undefined || session.closed || session.destroyed) {
    session = connect(`http://127.0.0.1:${target.port}`);
    session.on("error", () => sessions.delete(target));
    sessions.set(target, session);
  }
  return session;
}

function done(): void {}

function overHttp2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, target: Target): void {
  const upstream = sessionOf(target).request(headers as OutgoingHttpHeaders);
  upstream.on("response", (answer) => {
    if (stream.destroyed) return;
    let trailers: IncomingHttpHeaders | undefined;
    upstream.on("trailers", (fields) => (trailers = fields));
    stream.respond(answer, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.destroyed || stream.sendTrailers((trailers ?? {}) as OutgoingHttpHeaders));
    pipeline(upstream, stream, done);
  });
  upstream.on("error", () => stream.destroy());
  pipeline(stream, upstream, done);
}

function overHttp1(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, target: Target): void {
  const fields: OutgoingHttpHeaders = { host: target.host };
  for (const [name, value] of Object.entries(headers)) if (!name.startsWith(":")) fields[name] = value;
  const upstream = httpRequest({
    agent,
    port: target.port,
    method: headers[":method"] as string,
    path: headers[":path"] as string,
    headers: fields,
  });
  upstream.on("response", (answer) => {
    if (stream.destroyed) return;
    const response: OutgoingHttpHeaders = { ":status": answer.statusCode ?? 502 };
    for (const [name, value] of Object.entries(answer.headers))
      if (name !== "connection" && name !== "keep-alive" && name !== "transfer-encoding") response[name] = value;
    stream.respond(response);
    pipeline(answer, stream, done);
  });
  upstream.on("error", () => stream.destroy());
  pipeline(stream, upstream, done);
}

const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
server.on("stream", (stream: ServerHttp2Stream, headers) => {
  stream.on("error", () => stream.destroy());
  const target = targets.get((headers[":authority"] ?? "").replace(/:\d+$/, ""));
  if (target === undefined) stream.respond({ ":status": constants.HTTP_STATUS_NOT_FOUND }, { endStream: true });
  else if (target.http2) overHttp2(stream, headers, target);
  else overHttp1(stream, headers, target);
});
server.listen(Number(port), "127.0.0.1");
