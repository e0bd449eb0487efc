// What a host sees of the TLS of several connections to it: sessions that are resumed or not, parameters that were asked for, and secrets that
// change while a connection stands.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import { createServer } from "node:tls";
import type { TLSSocket, TlsOptions } from "node:tls";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { HostConnectors } from "#proxy/cluster/host-connector";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import type { Connection } from "#proxy/net/connection";
import { SocketConnector } from "#proxy/net/socket-connector";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { realClock } from "#runtime/clock";
import { secretKey } from "./secret.ts";
import type { Secret } from "./secret.ts";
import { compileTransportSockets } from "./transport-sockets.ts";

const registry = createRegistry(UpstreamTlsContextSchema);
const authority = new FakeAuthority();
const server = authority.issue({ commonName: "server", hosts: ["a.example"] });

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Says to each connection what `told` makes of it, and then what it gets. */
async function serve(options: TlsOptions, told: (socket: TLSSocket) => string): Promise<number> {
  const sockets = new Set<TLSSocket>();
  const listener = createServer({ cert: server.certificate, key: server.key, ca: authority.root.certificate, ...options }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.write(`${told(socket)};`);
    socket.pipe(socket);
  });
  listener.on("tlsClientError", () => {});
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return (listener.address() as AddressInfo).port;
}

interface Link {
  readonly connection: Connection;
  /** The next text that ends in `;`. */
  readonly heard: () => Promise<string>;
}

class Bench {
  readonly secrets = new Map<string, Secret>();
  readonly #connect: (port: number) => Promise<Link | string>;

  constructor(commonTlsContext: object, more: object = {}) {
    const typedConfig = { "@type": `type.googleapis.com/${UpstreamTlsContextSchema.typeName}`, commonTlsContext, ...more };
    const wire = fromJson(ClusterSchema, { name: "c", transportSocket: { name: "tls", typedConfig } } as JsonValue, { registry });
    const sockets = compileTransportSockets(wire, (path, message) => assert.fail(`${path}: ${message}`));
    const scope = new ThreadStats().root.scope("cluster", "c");
    const connectors = new HostConnectors(new SocketConnector(realClock, false), { get: (key) => this.secrets.get(key) }, scope);
    const connector = connectors.for(sockets.choose(undefined), { bind: undefined, keepalive: undefined }, { proxied: undefined });
    this.#connect = (port) =>
      new Promise((resolve) => {
        connector.connect({ address: "127.0.0.1", port }, 2000, {
          onConnected: (connection) => resolve(linkOf(connection)),
          onConnectFailed: ({ detail }) => resolve(detail),
        });
      });
  }

  async open(port: number): Promise<Link> {
    const link = await this.#connect(port);
    assert.ok(typeof link !== "string", typeof link === "string" ? link : "");
    cleanups.push(() => link.connection.close("now"));
    return link;
  }

  /** What the server says of a connection, or why there was none. */
  async ask(port: number): Promise<string> {
    const link = await this.#connect(port);
    if (typeof link === "string") return link;
    cleanups.push(() => link.connection.close("now"));
    return link.heard();
  }
}

function linkOf(connection: Connection): Link {
  let text = "";
  let wake: (() => void) | undefined;
  connection.handler = {
    onData: (chunk) => {
      text += chunk.toString("latin1");
      wake?.();
    },
    onEnd: () => connection.close("flush"),
    onDrain: () => {},
    onClose: () => wake?.(),
  };
  const heard = async (): Promise<string> => {
    while (!text.includes(";")) await new Promise<void>((done) => (wake = done));
    const end = text.indexOf(";");
    const said = text.slice(0, end);
    text = text.slice(end + 1);
    return said;
  };
  return { connection, heard };
}

const validationContext = { trustedCa: { inlineString: authority.root.certificate } };
const reused = (socket: TLSSocket): string => (socket.isSessionReused() ? "resumed" : "new");

test("the next connection resumes the session of the one before, but where max_session_keys is 0", async () => {
  for (const version of ["TLSv1_2", "TLSv1_3"]) {
    const context = { validationContext, tlsParams: { tlsMinimumProtocolVersion: version, tlsMaximumProtocolVersion: version } };
    const port = await serve({}, reused);
    const keeping = new Bench(context);
    assert.equal(await keeping.ask(port), "new", version);
    assert.equal(await keeping.ask(port), "resumed", version);
    const forgetful = new Bench(context, { maxSessionKeys: 0 });
    assert.equal(await forgetful.ask(port), "new", version);
    assert.equal(await forgetful.ask(port), "new", version);
  }
});

test("a host that is not to be trusted is not by way of a session either", async () => {
  const port = await serve({}, reused);
  for (const version of ["TLSv1_2", "TLSv1_3"]) {
    const tlsParams = { tlsMinimumProtocolVersion: version, tlsMaximumProtocolVersion: version };
    const strict = new Bench({ tlsParams, validationContext: { ...validationContext, matchSubjectAltNames: [{ exact: "b.example" }] } });
    for (let attempt = 0; attempt < 3; attempt++) assert.match(await strict.ask(port), /fail_verify_san/, version);
    const stranger = { trustedCa: { inlineString: new FakeAuthority("stranger").root.certificate } };
    const wary = new Bench({ tlsParams, validationContext: stranger });
    for (let attempt = 0; attempt < 3; attempt++) assert.match(await wary.ask(port), /CERTIFICATE_VERIFY_FAILED/, version);
  }
});

test("versions, ciphers and curves are those that are asked for, or there is no connection", async () => {
  const said = (socket: TLSSocket): string => `${socket.getProtocol()} ${socket.getCipher().name}`;
  const port = await serve({}, said);
  const asking = async (tlsParams: object): Promise<string> => new Bench({ validationContext, tlsParams }).ask(port);
  assert.equal(
    await asking({ tlsMaximumProtocolVersion: "TLSv1_2", cipherSuites: ["ECDHE-ECDSA-AES256-GCM-SHA384"] }),
    "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384",
  );
  assert.match(await asking({ tlsMinimumProtocolVersion: "TLSv1_3", tlsMaximumProtocolVersion: "TLSv1_3" }), /^TLSv1\.3 /);
  assert.match(await asking({ tlsMaximumProtocolVersion: "TLSv1_2", cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] }), /handshake failure/i);
  const old = await serve({ maxVersion: "TLSv1.2" }, said);
  const modern = new Bench({
    validationContext,
    tlsParams: { tlsMinimumProtocolVersion: "TLSv1_3", tlsMaximumProtocolVersion: "TLSv1_3" },
  });
  assert.match(await modern.ask(old), /version/i);
  const curved = await serve({ ecdhCurve: "P-256" }, said);
  const curves = async (ecdhCurves: string[]): Promise<string> =>
    new Bench({ validationContext, tlsParams: { tlsMaximumProtocolVersion: "TLSv1_3", ecdhCurves } }).ask(curved);
  assert.match(await curves(["X25519", "P-256"]), /^TLSv1/);
  assert.match(await curves(["P-384"]), /handshake failure/i);
});

test("a secret that changes is shown to new connections, and connections that stand stay", async () => {
  const subject = (socket: TLSSocket): string => socket.getPeerX509Certificate()?.subject.split("\n").at(-1) ?? "nobody";
  const port = await serve({ requestCert: true }, subject);
  const bench = new Bench({
    validationContext,
    tlsCertificateSdsSecretConfigs: [{ name: "own", sdsConfig: { ads: {}, initialFetchTimeout: "0s" } }],
  });
  const give = (commonName: string): void => {
    const { certificate, key } = authority.issue({ commonName });
    const tlsCertificate = { certificateChain: { inlineString: certificate }, privateKey: { inlineString: key } };
    bench.secrets.set(secretKey({ kind: "ads" }, "own"), fromJson(SecretSchema, { name: "own", tlsCertificate }));
  };
  give("first");
  const before = await bench.open(port);
  assert.equal(await before.heard(), "CN=first");
  give("second");
  assert.equal(await bench.ask(port), "CN=second");
  before.connection.write("still there;");
  assert.equal(await before.heard(), "still there");
});
