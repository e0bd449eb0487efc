// What a connection to a host begins with, over real sockets: TLS with both certificates judged, PROXY protocol, the address it is bound to.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import type { TLSSocket, TlsOptions } from "node:tls";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ProxyProtocolUpstreamTransportSchema } from "#envoy/gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb";
import { RawBufferSchema } from "#envoy/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { HostConnectors } from "#proxy/cluster/host-connector";
import type { BindAddresses } from "#proxy/cluster/bind-config";
import { readProxyProtocolHeader } from "#proxy/codec/proxy-protocol/proxy-protocol-header";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import type { Connection, TransportFailure } from "#proxy/net/connection";
import { SocketConnector } from "#proxy/net/socket-connector";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { realClock } from "#runtime/clock";
import { secretKey } from "./secret.ts";
import type { Secret } from "./secret.ts";
import { compileTransportSockets } from "./transport-sockets.ts";
import type { TransportLabels } from "./transport-sockets.ts";

const registry = createRegistry(ProxyProtocolUpstreamTransportSchema, RawBufferSchema, UpstreamTlsContextSchema);
const authority = new FakeAuthority();
const server = authority.issue({ commonName: "server", hosts: ["*.b.example"], uris: ["spiffe://cluster.local/ns/default/sa/server"] });
const client = authority.issue({ commonName: "client" });

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const typed = (type: string, more: object = {}): object => ({
  name: type,
  typedConfig: { "@type": `type.googleapis.com/${type}`, ...more },
});
const RAW = typed(RawBufferSchema.typeName);
const tls = (commonTlsContext: object, more: object = {}): object =>
  typed(UpstreamTlsContextSchema.typeName, {
    commonTlsContext: { tlsParams: { tlsMaximumProtocolVersion: "TLSv1_3" }, ...commonTlsContext },
    ...more,
  });
const trusted = { trustedCa: { inlineString: authority.root.certificate } };
const own = { certificateChain: { inlineString: client.certificate }, privateKey: { inlineString: client.key } };

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  return listen(createServer(onConnection));
}

async function serveTls(options: TlsOptions, onConnection: (socket: TLSSocket) => void): Promise<number> {
  const tlsServer = createTlsServer({ cert: server.certificate, key: server.key, ca: authority.root.certificate, ...options }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  tlsServer.on("tlsClientError", () => {});
  return listen(tlsServer);
}

async function listen(listener: Server): Promise<number> {
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanups.push(() => listener.close());
  return (listener.address() as AddressInfo).port;
}

interface Asked {
  readonly secrets?: ReadonlyMap<string, Secret>;
  readonly labels?: TransportLabels;
  readonly bind?: BindAddresses;
  readonly names?: { readonly serverName?: string; readonly requiredName?: string; readonly fallbackProtocols?: readonly string[] };
}

class Bench {
  readonly #stats = new ThreadStats();
  readonly #reader = new StatsReader();
  readonly #sockets: ReturnType<typeof compileTransportSockets>;

  constructor(cluster: object) {
    const wire = fromJson(ClusterSchema, { name: "c", ...cluster } as JsonValue, { registry });
    this.#sockets = compileTransportSockets(wire, (path, message) => assert.fail(`${path}: ${message}`));
  }

  /** What the server says, or why there was no connection. */
  async ask(port: number, { secrets = new Map<string, Secret>(), labels, bind, names }: Asked = {}): Promise<string> {
    const scope = this.#stats.root.scope("cluster", "c");
    const connectors = new HostConnectors(new SocketConnector(realClock, true), { get: (key) => secrets.get(key) }, scope);
    const remote = { address: "10.1.1.1", port: 4711 };
    const info = { remote, local: { address: "10.2.2.2", port: 80 }, directRemote: remote, requestedServerName: undefined, tls: undefined };
    const connector = connectors.for(this.#sockets.choose(labels), { bind, keepalive: undefined }, { proxied: info, ...names });
    return new Promise((resolve) => {
      connector.connect({ address: "127.0.0.1", port }, 2000, {
        onConnected: (connection) => read(connection, resolve),
        onConnectFailed: (failure: TransportFailure) => resolve(`${failure.kind} ${failure.detail}`),
      });
    });
  }

  stat(name: string): number {
    const update = this.#stats.takeUpdate();
    if (update !== undefined) this.#reader.apply(0, update);
    const found = this.#reader.read().find((entry) => entry.name === `cluster.c.${name}`);
    return found === undefined || found.kind === "histogram" ? 0 : found.value;
  }
}

function read(connection: Connection, done: (text: string) => void): void {
  let text = "";
  connection.handler = {
    onData: (chunk) => void (text += chunk.toString("latin1")),
    onEnd: () => connection.close("flush"),
    onDrain: () => {},
    onClose: () => done(text),
  };
}

const hello = (socket: TLSSocket): void => {
  const peer = socket.getPeerX509Certificate();
  socket.end(
    `${String(socket.servername)} ${String(socket.alpnProtocol)} ${peer === undefined ? "nobody" : (peer.subject.split("\n").at(-1) ?? "")}`,
  );
};

test("server name, protocols and our certificate reach the host, and its certificate is judged", async () => {
  const port = await serveTls({ requestCert: true, rejectUnauthorized: false, ALPNProtocols: ["istio"] }, hello);
  const sni = "outbound_.80_._.b.default.svc.cluster.local";
  const ok = new Bench({
    transportSocket: tls(
      {
        alpnProtocols: ["istio-peer-exchange", "istio"],
        tlsCertificates: [own],
        validationContext: { ...trusted, matchSubjectAltNames: [{ exact: "spiffe://cluster.local/ns/default/sa/server" }] },
      },
      { sni },
    ),
  });
  assert.equal(await ok.ask(port), `${sni} istio CN=client`);
  assert.equal(ok.stat("ssl.handshake"), 1);
  const wrongName = new Bench({
    transportSocket: tls({ validationContext: { ...trusted, matchSubjectAltNames: [{ exact: "spiffe://x" }] } }),
  });
  assert.equal(await wrongName.ask(port), "tls-failed TLS_error:|CERTIFICATE_VERIFY_FAILED: fail_verify_san:TLS_error_end");
  assert.equal(wrongName.stat("ssl.fail_verify_san"), 1);
  const stranger = { trustedCa: { inlineString: new FakeAuthority("stranger").root.certificate } };
  const untrusted = new Bench({ transportSocket: tls({ validationContext: stranger }) });
  assert.match(await untrusted.ask(port), /^tls-failed TLS_error:\|CERTIFICATE_VERIFY_FAILED/);
  assert.equal(untrusted.stat("ssl.fail_verify_error"), 1);
  assert.equal(await new Bench({ transportSocket: tls({}) }).ask(port), "false false nobody");
});

test("a DNS name of a certificate may be a wildcard", async () => {
  const port = await serveTls({}, hello);
  const matching = (exact: string): Bench => {
    const matchTypedSubjectAltNames = [{ sanType: "DNS", matcher: { exact } }];
    return new Bench({ transportSocket: tls({ validationContext: { ...trusted, matchTypedSubjectAltNames } }) });
  };
  assert.match(await matching("a.B.example").ask(port), /nobody$/);
  assert.match(await matching("a.a.b.example").ask(port), /fail_verify_san/);
});

test("names and protocols of a request stand where the configuration has none", async () => {
  const port = await serveTls({ ALPNProtocols: ["http/1.1"] }, hello);
  const bench = new Bench({ transportSocket: tls({ validationContext: trusted }) });
  const names = { serverName: "a.b.example", requiredName: "a.b.example", fallbackProtocols: ["http/1.1"] };
  assert.equal(await bench.ask(port, { names }), "a.b.example http/1.1 nobody");
  assert.match(await bench.ask(port, { names: { ...names, requiredName: "c.example" } }), /fail_verify_san/);
});

test("a host that speaks no TLS is a failed connect, with OpenSSL's reason", async () => {
  const port = await serve((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const bench = new Bench({ transportSocket: tls({}) });
  assert.match(await bench.ask(port), /^tls-failed TLS_error:\|.*wrong version number/i);
  assert.equal(bench.stat("ssl.connection_error"), 1);
});

test("the transport socket is the first whose labels the endpoint carries", async () => {
  const plain = await serve((socket) => socket.end("plain"));
  const secured = await serveTls({}, hello);
  const bench = new Bench({
    transportSocketMatches: [
      { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: tls({}) },
      { name: "tlsMode-disabled", match: {}, transportSocket: RAW },
    ],
  });
  assert.equal(await bench.ask(plain), "plain");
  assert.equal(await bench.ask(plain, { labels: { tlsMode: "other" } }), "plain");
  assert.match(await bench.ask(secured, { labels: { tlsMode: "istio" } }), /nobody/);
});

test("a secret that has not come fails the connect; when it is there, new connections use it", async () => {
  const port = await serveTls({ requestCert: true, rejectUnauthorized: false }, hello);
  const bench = new Bench({
    transportSocket: tls({ tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig: { ads: {}, initialFetchTimeout: "0s" } }] }),
  });
  assert.match(await bench.ask(port), /Secret is not supplied by SDS/);
  assert.equal(bench.stat("client_ssl_socket_factory.upstream_context_secrets_not_ready"), 1);
  const secret = fromJson(SecretSchema, { name: "default", tlsCertificate: own } as JsonValue);
  assert.match(await bench.ask(port, { secrets: new Map([[secretKey({ kind: "ads" }, "default"), secret]]) }), /CN=client$/);
});

test("PROXY protocol tells the host of the downstream connection, before TLS", async () => {
  const answer = (socket: Socket): void => {
    socket.once("data", (bytes: Buffer) => {
      const header = readProxyProtocolHeader(bytes);
      assert.ok(header.state === "done");
      socket.end(
        `${header.version} ${header.addresses?.source.address ?? ""}:${header.addresses?.source.port ?? 0} ${bytes[header.length] ?? "-"}`,
      );
    });
  };
  const port = await serve(answer);
  const wrapped = (version: string, transportSocket: object): Bench =>
    new Bench({ transportSocket: typed(ProxyProtocolUpstreamTransportSchema.typeName, { config: { version }, transportSocket }) });
  assert.match(await wrapped("V1", RAW).ask(port), /^1 10\.1\.1\.1:4711/);
  assert.match(await wrapped("V2", RAW).ask(port), /^2 10\.1\.1\.1:4711/);
});

test("connections come from the address that the cluster binds", async () => {
  const port = await serve((socket) => socket.end(socket.remoteAddress ?? ""));
  const sources = ["::6", "127.0.0.6"].map((address) => ({ address, options: [] }));
  assert.equal(await new Bench({}).ask(port, { bind: { sources, freebind: false } }), "127.0.0.6");
});

test("what cannot be honoured is refused with its path", () => {
  const problems: string[] = [];
  const transportSocket = tls({ tlsCertificates: [own, own] }, { enforceRsaKeyUsage: false });
  const transportSocketMatches = [{ name: "x", transportSocket: { name: "envoy.transport_sockets.alts" } }];
  const wire = fromJson(ClusterSchema, { name: "c", transportSocket, transportSocketMatches } as unknown as JsonValue, { registry });
  compileTransportSockets(wire, (path) => problems.push(path));
  assert.deepEqual(problems, [
    "transport_socket.typed_config.enforce_rsa_key_usage",
    "transport_socket.typed_config.common_tls_context",
    "transport_socket_matches[0].transport_socket",
  ]);
});
