// Listens at the addresses of workloads and tells everybody what it received. One port takes whatever comes: TLS, HTTP/1.1, HTTP/2 with
// prior knowledge, bytes of any other kind; and a PROXY header in front of them.
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { performServerHandshake, type IncomingHttpHeaders } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, createServer as createTlsServer } from "node:tls";
import type { FakeAuthority } from "#proxy/net/certificates.fake";
import type { KeyPair } from "#runtime/x509";
import { readProxyHeader } from "./proxy-header.ts";
import { ANSWER_HEADER, DELAY_HEADER, STATUS_HEADER, TAG_HEADER, type EchoReport } from "./traffic.ts";

export type EchoListener = { readonly port: number } | { readonly path: string };

/** What is known of a connection before its first request. */
interface ConnectionFacts {
  readonly destination: string;
  readonly tls: EchoReport["tls"];
  readonly proxyProtocol: string | undefined;
}

const HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TLS_HANDSHAKE = 0x16;
const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/1\.[01]\r\n/;

export class EchoServer {
  readonly #authority: FakeAuthority;
  readonly #issued = new Map<string, KeyPair>();
  readonly #listeners = new Map<string, Server>();
  readonly #sockets = new Set<Socket>();
  readonly #facts = new WeakMap<object, ConnectionFacts>();
  readonly #arrivals = new Map<string, readonly string[]>();
  readonly #http = createHttpServer({ keepAliveTimeout: 0 });
  #identities: Readonly<Record<string, string>> = {};

  constructor(authority: FakeAuthority) {
    this.#authority = authority;
    this.#http.on("request", (request: IncomingMessage, response: ServerResponse) => this.#onRequest(request, response));
    this.#http.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      const report = this.#reportOf(request.socket, "http/1.1", request.method ?? "", request.url ?? "", request.headers);
      const protocol = String(request.headers.upgrade);
      const body = Buffer.from(JSON.stringify(report)).toString("base64");
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\nx-echo-report: ${body}\r\n\r\n`);
    });
  }

  /** SPIFFE identities by address: whoever calls one of these with Istio's ALPN is shown that identity; all others refuse Istio's ALPN. */
  setIdentities(identities: Readonly<Record<string, string>>): void {
    this.#identities = identities;
    this.#arrivals.clear();
  }

  /** Listens at these and no others. */
  async listen(wanted: readonly EchoListener[]): Promise<void> {
    const byKey = new Map(wanted.map((listener) => ["port" in listener ? String(listener.port) : listener.path, listener]));
    for (const [key, server] of this.#listeners) {
      if (byKey.has(key)) continue;
      server.close();
      this.#listeners.delete(key);
    }
    for (const [key, listener] of byKey) {
      if (this.#listeners.has(key)) continue;
      const server = createServer((socket) => this.#onConnection(socket, "path" in listener ? listener.path : undefined));
      await new Promise<void>((done, failed) => {
        server.once("error", failed);
        server.listen("path" in listener ? { path: listener.path } : { port: listener.port, host: "::" }, done);
      });
      this.#listeners.set(key, server);
    }
  }

  /** Where requests whose tags begin so have arrived: all tries, and the copies that a proxy mirrors. */
  arrivals(beginning: string): readonly (readonly [tag: string, destinations: readonly string[]])[] {
    return [...this.#arrivals].filter(([tag]) => tag.startsWith(beginning));
  }

  closeConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #onConnection(socket: Socket, path: string | undefined): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const address = (socket.localAddress ?? "").replace(/^::ffff:/, "");
    const destination = path ?? `${address}:${socket.localPort}`;
    this.#sniff(socket, { destination, tls: undefined, proxyProtocol: undefined }, address, Buffer.alloc(0));
  }

  #sniff(socket: Socket, facts: ConnectionFacts, address: string, before: Buffer): void {
    const onBytes = (bytes: Buffer): void => {
      const head = Buffer.concat([before, bytes]);
      const text = head.toString("latin1");
      const again = (next: ConnectionFacts, rest: Buffer): void => {
        if (rest.length > 0) onRest(next, rest);
        else this.#sniff(socket, next, address, rest);
      };
      const onRest = (next: ConnectionFacts, rest: Buffer): void => {
        socket.unshift(rest);
        this.#sniff(socket, next, address, Buffer.alloc(0));
      };
      const proxyHeader = facts.proxyProtocol === undefined ? readProxyHeader(head) : undefined;
      if (proxyHeader === "more") return this.#sniff(socket, facts, address, head);
      if (proxyHeader !== undefined) return again({ ...facts, proxyProtocol: proxyHeader.text }, head.subarray(proxyHeader.length));
      if (head[0] === TLS_HANDSHAKE && facts.tls === undefined) return this.#acceptTls(socket, facts, address, head);
      const short = text.length < HTTP2_PREFACE.length && HTTP2_PREFACE.startsWith(text);
      if (short || (/^[A-Z]+( \S*)?( HTTP\/1\.)?$/.test(text) && text.length < 4096)) return this.#sniff(socket, facts, address, head);
      this.#facts.set(socket, facts);
      if (text.startsWith(HTTP2_PREFACE)) return this.#acceptHttp2(socket, head);
      if (REQUEST_LINE.test(text)) return this.#acceptHttp1(socket, head);
      this.#acceptBytes(socket, head);
    };
    socket.once("data", (bytes: Buffer) => {
      socket.pause();
      onBytes(bytes);
    });
    socket.resume();
  }

  #acceptTls(socket: Socket, facts: ConnectionFacts, address: string, head: Buffer): void {
    socket.unshift(head);
    // A server of its own for each connection: so what is known of the connection is at hand when it is secure.
    const server = createTlsServer({
      requestCert: true,
      rejectUnauthorized: false,
      ...this.#credentials(address, undefined),
      SNICallback: (name, done) => done(null, createSecureContext(this.#credentials(address, name))),
      ALPNCallback: ({ protocols }) => chooseAlpn(protocols, this.#identities[address] !== undefined),
    });
    server.on("tlsClientError", () => socket.destroy());
    server.on("secureConnection", (secure) => {
      secure.on("error", () => socket.destroy());
      const peer = secure.getPeerCertificate();
      const tls = {
        sni: typeof secure.servername === "string" ? secure.servername : undefined,
        alpn: typeof secure.alpnProtocol === "string" ? secure.alpnProtocol : undefined,
        client: peer?.subjectaltname ?? (Object.keys(peer ?? {}).length > 0 ? "without names" : undefined),
      };
      this.#sniff(secure, { ...facts, tls }, address, Buffer.alloc(0));
    });
    server.emit("connection", socket);
  }

  /** Of the workload at an address, for a client that asks for `sni`. */
  #credentials(address: string, sni: string | undefined): { cert: string; key: string; ca: string } {
    const identity = this.#identities[address];
    const uris = identity === undefined ? [] : [identity];
    const name = sni ?? address;
    const pair = this.#issued.get(`${address} ${name}`) ?? this.#authority.issue({ commonName: name, uris, hosts: [name] });
    this.#issued.set(`${address} ${name}`, pair);
    const { certificate, key } = pair;
    return { cert: certificate, key, ca: this.#authority.root.certificate };
  }

  #acceptHttp1(socket: Socket, head: Buffer): void {
    socket.unshift(head);
    this.#http.emit("connection", socket);
    process.nextTick(() => socket.resume());
  }

  #acceptHttp2(socket: Socket, head: Buffer): void {
    socket.unshift(head);
    const session = performServerHandshake(socket);
    session.on("error", () => socket.destroy());
    session.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      stream.resume();
      stream.on("end", () => {
        const report = this.#reportOf(socket, "h2", String(headers[":method"]), String(headers[":path"]), headers);
        const answer = answerTo(headers, report);
        after(headers, () => {
          if (stream.destroyed) return;
          stream.respond({ ":status": answer.status, ...answer.headers });
          stream.end(answer.body);
        });
      });
    });
  }

  #acceptBytes(socket: Socket, head: Buffer): void {
    const report = this.#reportOf(socket, "tcp", "", head.toString("latin1").split("\n")[0] ?? "", {});
    socket.resume();
    socket.write(`${JSON.stringify(report)}\n`);
    socket.on("end", () => socket.end());
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    request.on("end", () => {
      const report = this.#reportOf(request.socket, "http/1.1", request.method ?? "", request.url ?? "", request.headers);
      const answer = answerTo(request.headers, report);
      after(request.headers, () => {
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
      });
    });
  }

  #reportOf(socket: object, protocol: EchoReport["protocol"], method: string, path: string, received: IncomingHttpHeaders): EchoReport {
    const facts = this.#facts.get(socket);
    if (facts === undefined) throw new Error("a request on a connection that was never looked at");
    const headers = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, String(value)]));
    const tag = headers[TAG_HEADER];
    if (tag !== undefined) this.#arrivals.set(tag, [...(this.#arrivals.get(tag) ?? []), facts.destination]);
    return { ...facts, protocol, method, path, headers };
  }
}

function after(received: IncomingHttpHeaders, done: () => void): void {
  const delayMs = Number(received[DELAY_HEADER] ?? 0);
  if (delayMs === 0) done();
  else setTimeout(done, delayMs);
}

function answerTo(received: IncomingHttpHeaders, report: EchoReport) {
  const more = received[ANSWER_HEADER];
  const body = JSON.stringify(report);
  return {
    status: Number(received[STATUS_HEADER] ?? 200),
    headers: {
      "content-type": "application/json",
      "x-echo-report": "body",
      "content-length": String(Buffer.byteLength(body)),
      ...(typeof more === "string" ? (JSON.parse(more) as Record<string, string>) : {}),
    },
    body,
  };
}

/** As a sidecar would: Istio's own names only where there is an identity; peer exchange is a filter of Istio's that nobody has here. */
function chooseAlpn(offered: readonly string[], mutual: boolean): string | undefined {
  return offered.find((protocol) => protocol !== "istio-peer-exchange" && (mutual || !protocol.startsWith("istio")));
}
