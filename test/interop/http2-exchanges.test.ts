// The same exchanges over HTTP/2 through a real Envoy and through our proxy, to an HTTP/1 back end: what clients see, what the access logs say,
// and what is counted must be the same. Where we differ on purpose stands here, with the reason; a difference that is gone fails.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import type { OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { FakePeer, StreamNotes } from "#proxy/codec/http2/session.fake";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";

interface Exchange {
  readonly name: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Undefined: no body; null: one that does not end. */
  readonly body?: string | null;
  readonly trailers?: OutgoingHttpHeaders;
  readonly cancelAfterMs?: number;
  /** A client without manners, in place of the above. */
  readonly raw?: (peer: FakePeer) => void;
  /** What the client sees differs, or the log line does: why. */
  readonly differs?: string;
  readonly logDiffers?: string;
}

const PATIENCE_MS = 3000;
const ENVOYS_TRAILERS = "Envoy's HTTP/1 upstream passes trailers on only where it is told to";
const FRAGMENT = "fragments are cut off, as Istio's proxies do";
const NO_HOST = "we answer 400, Envoy's codec takes it for a broken message";
const CONNECTION_ERROR = "we say GOAWAY, Envoy closes a second later without a word";
const POST = { ":method": "POST" };
const webSocket = (path: string): OutgoingHttpHeaders => ({
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":path": path,
  ":scheme": "http",
});

function request(peer: FakePeer, authority: string, fields: readonly string[], endStream = true, method = "GET"): StreamNotes {
  const notes = new StreamNotes();
  notes.stream = peer.session.newStream(notes);
  notes.stream.sendRequest({ method, scheme: "http", authority, path: "/raw" }, fields, endStream);
  return notes;
}

const EXCHANGES: readonly Exchange[] = [
  { name: "GET", headers: { ":path": "/get" } },
  { name: "HEAD", headers: { ":path": "/get", ":method": "HEAD" } },
  { name: "a body", headers: { ":path": "/post", ...POST }, body: "hello" },
  { name: "trailers of a request", headers: { ":path": "/post", ...POST }, body: "hello", trailers: { "x-sum": "2" } },
  { name: "trailers of a response", headers: { ":path": "/trailers" }, differs: ENVOYS_TRAILERS },
  { name: "204", headers: { ":path": "/204" } },
  { name: "304", headers: { ":path": "/304" } },
  { name: "early hints", headers: { ":path": "/hints" } },
  { name: "an upstream that closes", headers: { ":path": "/destroy" } },
  { name: "an answer that breaks off", headers: { ":path": "/partial" } },
  { name: "a chunked answer that breaks off", headers: { ":path": "/chunk-partial" } },
  { name: "an answer before the request's end", headers: { ":path": "/early", ...POST }, body: null },
  { name: "a cancelled GET", headers: { ":path": "/silent" }, cancelAfterMs: 100 },
  { name: "a cancelled POST", headers: { ":path": "/silent", ...POST }, body: null, cancelAfterMs: 100 },
  { name: "a timeout", headers: { ":path": "/short/silent" } },
  { name: "a failure of gRPC", headers: { ":path": "/destroy", "content-type": "application/grpc", ...POST }, body: "" },
  { name: "100-continue", headers: { ":path": "/post", expect: "100-continue", ...POST }, body: "x" },
  { name: "crumbs of cookies", headers: { ":path": "/get", cookie: ["a=b", "c=d"] } },
  { name: "TE", headers: { ":path": "/get", te: "trailers" } },
  { name: "scheme https", headers: { ":path": "/get", ":scheme": "https" } },
  { name: "OPTIONS *", headers: { ":path": "*", ":method": "OPTIONS" } },
  { name: "a fragment", headers: { ":path": "/get#f" }, differs: FRAGMENT, logDiffers: FRAGMENT },
  { name: "CONNECT", headers: { ":method": "CONNECT", ":authority": "a.example:80" }, body: null, cancelAfterMs: 200 },
  { name: "a WebSocket", headers: webSocket("/ws"), body: null, cancelAfterMs: 300 },
  { name: "a refused WebSocket", headers: webSocket("/no"), body: null },
  { name: "another upgrade", headers: { ...webSocket("/no"), ":protocol": "other" }, body: null },
  {
    name: "an underscore",
    headers: { ":path": "/get", x_y: "1" },
    logDiffers: "Envoy's codec says nothing of the path of a request that it resets",
  },
  { name: "a client that leaves", raw: (peer) => request(peer, "a", ["x-silent", "1"]) },
  { name: "Host without :authority", raw: (peer) => request(peer, "", ["host", "h.example"]) },
  { name: "neither", raw: (peer) => request(peer, "", []), differs: NO_HOST, logDiffers: NO_HOST },
  {
    name: "headers over the limit",
    raw: (peer) =>
      request(
        peer,
        "a",
        Array.from({ length: 160 }, (_, at) => (at % 2 === 0 ? `x-${at}` : "y".repeat(900))),
      ),
  },
  {
    name: "too many headers",
    raw: (peer) =>
      request(
        peer,
        "a",
        Array.from({ length: 260 }, (_, at) => (at % 2 === 0 ? `x-${at}` : "y")),
      ),
  },
  { name: "a name that is no token", raw: (peer) => request(peer, "a", ["bad name", "x"]), differs: CONNECTION_ERROR },
];

/** Why a count may differ. */
const DIFFERENT_COUNTS: Readonly<Record<string, string>> = {
  downstream_cx_destroy_active_rq: CONNECTION_ERROR,
  downstream_cx_destroy_local: CONNECTION_ERROR,
  downstream_cx_destroy_local_active_rq: CONNECTION_ERROR,
  downstream_cx_destroy_remote: CONNECTION_ERROR,
  downstream_cx_protocol_error: NO_HOST,
  downstream_rq_failed_path_normalization: FRAGMENT,
  downstream_rq_2xx: FRAGMENT,
  downstream_rq_completed: NO_HOST,
  downstream_rq_rx_reset: NO_HOST,
  rq_total: FRAGMENT,
};
const COUNTED = /^http\.lone\.((?:downstream_(?:rq|cx)_(?!.*(?:bytes|_ms|_time|internal|external))|rq_|no_route).*)$/;

interface Side {
  readonly proxy: LoneProxy;
  readonly seen: readonly string[];
  /** One line of each exchange. */
  readonly logs: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? "";
  request.on("error", () => {});
  response.on("error", () => {});
  if (path.includes("/silent") || request.headers["x-silent"] !== undefined) return;
  if (path === "/destroy") request.socket.destroy();
  else if (path.endsWith("partial")) {
    response.writeHead(200, path === "/partial" ? { "content-length": 100 } : {});
    response.write("abc");
    setTimeout(() => response.destroy(), 100);
  } else if (path === "/early") response.writeHead(413, { "content-length": 3 }).end("big");
  else if (path === "/204") response.writeHead(204).end();
  else if (path === "/304") response.writeHead(304, { "content-length": 10 }).end();
  else if (path === "/trailers") {
    response.writeHead(200, { trailer: "x-t" });
    response.write("b");
    response.addTrailers({ "x-t": "1" });
    response.end();
  } else {
    if (path === "/hints") response.writeEarlyHints({ link: "</a>; rel=preload" });
    request.resume();
    request.on("end", () => response.end(`${request.method} ${JSON.stringify(request.headers)}`));
  }
}

function startBackend(): Promise<Server> {
  const server = createServer({ maxHeaderSize: 200_000 }, answer);
  server.on("upgrade", (request, socket) => {
    socket.on("error", () => {});
    if (request.url === "/no") socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    else socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello");
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

/** Without what is different for each request, each proxy and each clock. */
function plain(text: string, port: number): string {
  return text
    .replaceAll(String(port), "PORT")
    .replace(/"x-request-id":"[^"]*",?/, "")
    .replace(/"x-(forwarded-for|envoy-external-address)":"[^"]*",?/g, "")
    .replace(/"(date|content-length|x-envoy-upstream-service-time)":("[^"]*"|\d+),?/g, "");
}

async function mannered(port: number, { headers, body, trailers, cancelAfterMs }: Exchange): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  await new Promise((done) => session.once("remoteSettings", done));
  const stream = session.request(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
  const seen: string[] = [];
  let text = "";
  stream.on("headers", (interim) => seen.push(String(interim[":status"])));
  stream.on("response", (response) => seen.push(JSON.stringify(response)));
  stream.on("trailers", (fields) => seen.push(`trailers ${JSON.stringify(fields)}`));
  stream.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  stream.on("error", () => {});
  if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  if (typeof body === "string") stream.end(body);
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), cancelAfterMs ?? PATIENCE_MS);
  await new Promise((done) => stream.once("close", done));
  clearTimeout(timer);
  session.close();
  return plain(`${seen.join(" ")} ${text} reset ${stream.rstCode}`, port);
}

async function raw(port: number, send: NonNullable<Exchange["raw"]>): Promise<string> {
  const peer = new FakePeer("client");
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise((done) => socket.once("close", done));
  socket.on("error", () => {});
  const write = (): void => {
    const bytes = peer.take();
    if (bytes.length > 0) socket.write(bytes);
  };
  socket.on("data", (chunk: Buffer) => {
    peer.session.receive(chunk);
    write();
  });
  const notes = send(peer) as unknown as StreamNotes;
  write();
  await Promise.race([closed, new Promise((done) => setTimeout(done, 300))]);
  const gone = socket.destroyed || peer.goaways.length > 0;
  socket.destroy();
  // The code of a reset is a matter of taste.
  return plain(`${notes.heads.map(({ status }) => status).join()} ${notes.body} ${notes.reset?.source} ${gone}`, port);
}

async function play(kind: "mizzen" | "envoy", backendPort: number): Promise<Side> {
  const manager = {
    http2ProtocolOptions: { allowConnect: true },
    commonHttpProtocolOptions: { headersWithUnderscoresAction: "REJECT_REQUEST" },
    upgradeConfigs: [{ upgradeType: "websocket" }, { upgradeType: "CONNECT" }],
  };
  const proxy = await startLoneProxy(kind, { backendPort, manager });
  const seen: string[] = [];
  for (const exchange of EXCHANGES) {
    seen.push(exchange.raw === undefined ? await mannered(proxy.port, exchange) : await raw(proxy.port, exchange.raw));
    await new Promise((done) => setTimeout(done, 30));
  }
  // Envoy writes its log, and folds the counters of its threads, every few seconds.
  const logs = await eventually(`${kind} writes a line for each exchange`, 30_000, () => {
    const lines = proxy.log();
    return lines.length === EXCHANGES.length ? lines : undefined;
  });
  return { proxy, seen, logs, counts: await proxy.stats(COUNTED) };
}

let ours: Side;
let envoys: Side;
let backend: Server;

before(async () => {
  backend = await startBackend();
  const { port } = backend.address() as AddressInfo;
  [ours, envoys] = await Promise.all([play("mizzen", port), play("envoy", port)]);
});

after(async () => {
  await Promise.all([ours?.proxy.stop(), envoys?.proxy.stop()]);
  backend.closeAllConnections();
  backend.close();
});

describe("HTTP/2 exchanges are those of Envoy", () => {
  for (const [at, { name, differs, logDiffers }] of EXCHANGES.entries()) {
    test(name, () => {
      for (const [our, envoy, why] of [
        [ours.seen[at], envoys.seen[at], differs],
        [ours.logs[at], envoys.logs[at], logDiffers],
      ] as const) {
        if (why === undefined) assert.equal(our, envoy);
        else assert.notEqual(our, envoy, `needs no excuse any more: ${why}`);
      }
    });
  }
});

test("both count the same", () => {
  const names = [...new Set([...ours.counts.keys(), ...envoys.counts.keys()])].map((name) => COUNTED.exec(name)?.[1] ?? "");
  const different = names.filter((name) => (ours.counts.get(`http.lone.${name}`) ?? 0) !== (envoys.counts.get(`http.lone.${name}`) ?? 0));
  const show = (name: string): string =>
    `${name}: ours ${ours.counts.get(`http.lone.${name}`)}, Envoy's ${envoys.counts.get(`http.lone.${name}`)}`;
  assert.deepEqual(different.filter((name) => DIFFERENT_COUNTS[name] === undefined).map(show), []);
  assert.deepEqual(
    Object.keys(DIFFERENT_COUNTS).filter((name) => !different.includes(name)),
    [],
    "these need no excuse any more",
  );
});
