// TLS at a listener over real sockets: certificates by server name, client certificates, secrets that come, change and are missing.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { afterEach, mock, test } from "node:test";
import { connect } from "node:tls";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { create, createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { EchoSchema } from "#envoy/gen/envoy/extensions/filters/network/echo/v3/echo_pb";
import { TlsInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { DownstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import type { KeyPair } from "#runtime/x509";
import { bindListenSocket } from "#proxy/net/listen-socket";
import { SharedLocalInfo } from "#proxy/local-info";
import type { ThreadContext } from "#proxy/thread-context";
import { checkSecret, secretKey } from "#proxy/transport-socket/secret";
import type { Secret } from "#proxy/transport-socket/secret";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { StatsReader } from "#telemetry/stats/stats-reader";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { ActiveListener } from "./active-listener.ts";
import { compileListener } from "./listener-config.ts";
import type { NetworkFilterCompiler } from "./network-filter.ts";

const registry = createRegistry(EchoSchema, TlsInspectorSchema, DownstreamTlsContextSchema, file_google_protobuf_wrappers);
const authority = new FakeAuthority();
const server = authority.issue({ commonName: "server", hosts: ["a.example"], uris: ["spiffe://cluster.local/ns/default/sa/server"] });
const client = authority.issue({ commonName: "client", uris: ["spiffe://cluster.local/ns/default/sa/client"] });

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Says what is known of the client, then echoes. */
const tell: NetworkFilterCompiler = {
  configTypes: [EchoSchema.typeName],
  compile: () => ({
    unservedProtocols: ["h2"],
    accept({ connection, info: { tls, requestedServerName, ja3Fingerprint } }) {
      const peer = tls?.peer === undefined ? "nobody" : `${tls.peer.names("URI").join()} ${tls.peer.subject} ${String(tls.peerValidated)}`;
      connection.handler = {
        onData: (chunk) => void connection.write(chunk),
        onEnd: () => connection.close("flush"),
        onDrain: () => {},
        onClose: () => {},
      };
      if (ja3Fingerprint !== undefined) connection.write(`${ja3Fingerprint} `);
      connection.write(`${requestedServerName ?? "-"} ${tls?.applicationProtocol ?? ""} ${peer}\n`);
    },
  }),
};

const inline = ({ certificate, key }: KeyPair): object => ({
  certificateChain: { inlineString: certificate },
  privateKey: { inlineString: key },
});
const trusted = { trustedCa: { inlineString: authority.root.certificate } };
const sds = (name: string): object => ({ name, sdsConfig: { ads: {} } });

class Bench {
  readonly secrets = new Map<string, Secret>();
  readonly #stats = new ThreadStats();
  readonly #reader = new StatsReader();
  readonly listener: ActiveListener;
  readonly port: number;

  constructor(context: object, chain: object = {}, listenerFilters: readonly object[] = []) {
    const bound = bindListenSocket({ address: "127.0.0.1", port: 0 });
    assert.ok(bound.ok);
    const { port } = bound.socket.address;
    const thread: ThreadContext = {
      nodeId: "n",
      local: new SharedLocalInfo("service"),
      clock: realClock,
      random: seededRandom(1),
      log: silentLog,
      stats: this.#stats.root,
      clusters: { get: () => undefined },
      routes: { get: () => undefined },
      secrets: { get: (key) => this.secrets.get(key) },
      accessLogs: { open: () => ({ write: () => {} }) },
      runtime: NO_RUNTIME,
      poison: true,
    };
    this.listener = new ActiveListener(compileListener(wire(context, chain, listenerFilters, port), [tell], thread), thread, {
      drainTimeMs: 50,
      maxConnections: 10,
      listenerAt: () => undefined,
    });
    this.listener.listen([bound.socket.duplicate()]);
    this.port = port;
    cleanups.push(() => {
      this.listener.close();
      bound.socket.close();
    });
  }

  secret(name: string, init: object): void {
    const secret = fromJson(SecretSchema, { name, ...init } as JsonValue);
    checkSecret(secret);
    this.secrets.set(secretKey({ kind: "ads" }, name), secret);
  }

  stat(name: string): number {
    const update = this.#stats.takeUpdate();
    if (update !== undefined) this.#reader.apply(0, update);
    const found = this.#reader.read().find((entry) => entry.name === `listener.l.${name}`);
    return found === undefined || found.kind === "histogram" ? 0 : found.value;
  }

  /** The first line that the server says, or how the handshake failed. */
  async ask(options: ConnectionOptions = {}): Promise<string> {
    const { line, socket } = await this.open(options);
    socket.destroy();
    return line;
  }

  async open(options: ConnectionOptions = {}): Promise<{ line: string; socket: TLSSocket; session: Promise<Buffer> }> {
    const socket = connect({
      host: "127.0.0.1",
      port: this.port,
      ca: authority.root.certificate,
      checkServerIdentity: () => undefined,
      ...options,
    });
    cleanups.push(() => socket.destroy());
    const session = new Promise<Buffer>((resolve) => socket.once("session", resolve));
    const line = await new Promise<string>((resolve) => {
      socket.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
      socket.on("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
      socket.on("close", () => resolve("closed"));
    });
    return { line, socket, session };
  }
}

function wire(
  context: object,
  chain: object,
  listenerFilters: readonly object[],
  portValue: number,
): ReturnType<typeof create<typeof ListenerSchema>> {
  const typedConfig = { "@type": `type.googleapis.com/${DownstreamTlsContextSchema.typeName}`, ...context };
  return fromJson(
    ListenerSchema,
    {
      name: "l",
      statPrefix: "l",
      address: { socketAddress: { address: "127.0.0.1", portValue } },
      listenerFilters,
      filterChains: [
        {
          transportSocket: { name: "tls", typedConfig },
          filters: [{ name: "echo", typedConfig: { "@type": `type.googleapis.com/${EchoSchema.typeName}` } }],
          ...chain,
        },
      ],
    } as unknown as JsonValue,
    { registry },
  );
}

test("a TLS client is served without an inspector, and bytes go both ways", async () => {
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)] } });
  const { line, socket } = await bench.open({ servername: "A.example" });
  assert.equal(line, "a.example  nobody");
  const sent = Buffer.alloc(300_000, 7);
  socket.end(sent);
  let received = 0;
  for await (const chunk of socket) received += (chunk as Buffer).length;
  assert.equal(received, sent.length);
  assert.equal(bench.stat("ssl.handshake"), 1);
  assert.equal(bench.stat("ssl.versions.TLSv1.3"), 1);
  assert.equal(bench.stat("ssl.no_certificate"), 1);
});

test("the protocol is the first of ours that the client offers and the chain speaks; none is no failure", async () => {
  const commonTlsContext = { tlsCertificates: [inline(server)], alpnProtocols: ["h2", "istio", "http/1.1"] };
  const inspector = { name: "tls", typedConfig: { "@type": `type.googleapis.com/${TlsInspectorSchema.typeName}` } };
  for (const filters of [[], [inspector]]) {
    const bench = new Bench({ commonTlsContext }, {}, filters);
    assert.equal(await bench.ask({ ALPNProtocols: ["http/1.1", "istio", "h2"] }), "- istio nobody");
    assert.equal(await bench.ask({ ALPNProtocols: ["other"] }), "-  nobody");
    assert.equal(await bench.ask(), "-  nobody");
  }
});

test("certificates are chosen by server name, exactly or by wildcard, else the first", async () => {
  const wild = authority.issue({ commonName: "wild", hosts: ["*.b.example"] });
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server), inline(wild)] } });
  const shown = async (servername: string): Promise<string | undefined> => {
    const { socket } = await bench.open({ servername });
    const subject = socket.getPeerX509Certificate()?.subject;
    return subject?.split("\n").at(-1);
  };
  assert.equal(await shown("a.example"), "CN=server");
  assert.equal(await shown("x.b.example"), "CN=wild");
  assert.equal(await shown("y.x.b.example"), "CN=server");
  assert.equal(await shown("other"), "CN=server");
});

test("a server may have a certificate of each key type for one name", async () => {
  const rsa = authority.issue({ commonName: "rsa", hosts: ["a.example"] }, "rsa");
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server), inline(rsa)] } });
  const shown = async (ciphers: string): Promise<string | undefined> => {
    const { socket } = await bench.open({ servername: "a.example", maxVersion: "TLSv1.2", ciphers });
    return socket.getPeerX509Certificate()?.subject.split("\n").at(-1);
  };
  assert.equal(await shown("ECDHE-RSA-AES128-GCM-SHA256"), "CN=rsa");
  assert.equal(await shown("ECDHE-ECDSA-AES128-GCM-SHA256"), "CN=server");
});

test("a required client certificate must be there, from the authority, with a name that matches", async () => {
  const validationContext = { ...trusted, matchSubjectAltNames: [{ prefix: "spiffe://cluster.local/ns/default/" }] };
  const bench = new Bench({ requireClientCertificate: true, commonTlsContext: { tlsCertificates: [inline(server)], validationContext } });
  const shown = { cert: client.certificate, key: client.key };
  const who = "spiffe://cluster.local/ns/default/sa/client CN=client,O=Mizzen\\, tests true";
  assert.equal(await bench.ask(shown), `-  ${who}`);
  assert.equal(await bench.ask(), "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
  const foreign = authority.issue({ uris: ["spiffe://cluster.local/ns/other/sa/client"] });
  assert.match(await bench.ask({ cert: foreign.certificate, key: foreign.key }), /ECONNRESET|closed/);
  const stranger = new FakeAuthority("stranger").issue({ uris: ["spiffe://cluster.local/ns/default/sa/client"] });
  assert.match(await bench.ask({ cert: stranger.certificate, key: stranger.key }), /ECONNRESET|closed/);
  assert.equal(bench.stat("ssl.fail_verify_no_cert"), 1);
  assert.equal(bench.stat("ssl.fail_verify_san"), 1);
  assert.equal(bench.stat("ssl.fail_verify_error"), 1);
  assert.equal(bench.stat("ssl.connection_error"), 0, "each has a counter of its own");
  assert.equal(bench.stat("downstream_cx_total"), 4);
});

test("an optional client certificate may be missing, not wrong; pins hold without an authority", async () => {
  const optional = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)], validationContext: trusted } });
  const stranger = new FakeAuthority("stranger").issue({});
  assert.equal(await optional.ask(), "-  nobody");
  assert.match(await optional.ask({ cert: client.certificate, key: client.key }), / true$/);
  assert.match(await optional.ask({ cert: stranger.certificate, key: stranger.key }), /ECONNRESET|closed/);
  const { X509Certificate } = await import("node:crypto");
  const verifyCertificateHash = [new X509Certificate(client.certificate).fingerprint256];
  const pinned = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)], validationContext: { verifyCertificateHash } } });
  assert.match(await pinned.ask({ cert: client.certificate, key: client.key }), /CN=client/);
  assert.match(await pinned.ask({ cert: stranger.certificate, key: stranger.key }), /ECONNRESET|closed/);
  assert.equal(pinned.stat("ssl.fail_verify_cert_hash"), 1);
});

test("secrets serve new connections as they come and change, and cut none", async () => {
  const combinedValidationContext = {
    defaultValidationContext: { matchSubjectAltNames: [{ prefix: "spiffe://" }] },
    validationContextSdsSecretConfig: sds("ROOTCA"),
  };
  const commonTlsContext = { tlsCertificateSdsSecretConfigs: [sds("default")], combinedValidationContext };
  const bench = new Bench({ requireClientCertificate: true, commonTlsContext });
  const shown = { cert: client.certificate, key: client.key };
  assert.match(await bench.ask(shown), /ECONNRESET|closed/);
  assert.equal(bench.stat("server_ssl_socket_factory.downstream_context_secrets_not_ready"), 1);
  bench.secret("ROOTCA", { validationContext: trusted });
  bench.secret("default", { tlsCertificate: inline(server) });
  const before = await bench.open(shown);
  assert.match(before.line, /CN=client/);
  bench.secret("default", { tlsCertificate: inline(authority.issue({ commonName: "renewed" })) });
  const after = await bench.open(shown);
  assert.equal(after.socket.getPeerX509Certificate()?.subject.split("\n").at(-1), "CN=renewed");
  before.socket.write("still here");
  assert.equal(String((await once(before.socket, "data"))[0]), "still here");
  bench.secret("ROOTCA", { validationContext: { trustedCa: { inlineString: new FakeAuthority("next").root.certificate } } });
  assert.match(await bench.ask(shown), /ECONNRESET|closed/);
});

test("plain text on a TLS chain, silence and a listener that goes end the connection", async () => {
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)] } }, { transportSocketConnectTimeout: "0.02s" });
  const plain = connectTcp({ host: "127.0.0.1", port: bench.port });
  plain.on("error", () => {});
  plain.write("GET / HTTP/1.1\r\n\r\n");
  plain.resume();
  await new Promise((resolve) => plain.on("close", resolve));
  assert.equal(bench.stat("ssl.connection_error"), 1);
  const silent = connectTcp({ host: "127.0.0.1", port: bench.port });
  silent.resume();
  await new Promise((resolve) => silent.on("close", resolve));
  assert.equal(bench.stat("downstream_cx_transport_socket_connect_timeout"), 1);
});

test("a chain that drains waits for those that shake hands, and closes them, too, when its time is over", async () => {
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)] } });
  const { chains } = bench.listener.config;
  const released = mock.fn();
  Object.assign(chains[0]!.filter, { release: released });
  const socket = connectTcp({ host: "127.0.0.1", port: bench.port });
  const silent = connectTcp({ host: "127.0.0.1", port: bench.port });
  while (bench.stat("downstream_cx_active") < 2) await new Promise((resolve) => setImmediate(resolve));
  bench.listener.drain();
  assert.equal(released.mock.callCount(), 0);
  const secured = connect({ socket, ca: authority.root.certificate, checkServerIdentity: () => undefined });
  for (const one of [socket, silent, secured]) one.on("error", () => {}).resume();
  await new Promise<void>((resolve) => bench.listener.whenEnded(resolve));
  assert.equal(bench.stat("downstream_cx_active"), 0);
  assert.equal(released.mock.callCount(), 1);
});

test("a client that resets, in the handshake or after it, leaves nothing behind", async () => {
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)] } });
  const begun = connectTcp({ host: "127.0.0.1", port: bench.port });
  begun.on("error", () => {});
  const secured = connect({ socket: begun, ca: authority.root.certificate, checkServerIdentity: () => undefined });
  secured.on("error", () => {});
  await once(secured, "data");
  assert.equal(bench.stat("downstream_cx_active"), 1);
  begun.resetAndDestroy();
  while (bench.stat("downstream_cx_active") > 0) await new Promise((resolve) => setImmediate(resolve));
  const early = connectTcp({ host: "127.0.0.1", port: bench.port });
  early.on("error", () => {});
  const half = connect({ socket: early });
  half.on("error", () => {});
  early.once("connect", () => setImmediate(() => early.resetAndDestroy()));
  await new Promise((resolve) => early.on("close", resolve));
  assert.match(await bench.ask(), /nobody$/);
});

test("a session is resumed under the same configuration, with the client known as before", async () => {
  const bench = new Bench({
    requireClientCertificate: true,
    commonTlsContext: { tlsCertificates: [inline(server)], validationContext: trusted },
  });
  const shown = { cert: client.certificate, key: client.key };
  const first = await bench.open(shown);
  const second = await bench.open({ ...shown, session: await first.session });
  assert.equal(second.socket.isSessionReused(), true);
  assert.equal(second.line, first.line);
  assert.equal(bench.stat("ssl.session_reused"), 1);
});

test("what cannot be honoured is refused with its path, and key material is never said", () => {
  const other = authority.issue({});
  const bad = {
    requireSni: true,
    ocspStaplePolicy: "MUST_STAPLE",
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: "TLSv1_3",
        tlsMaximumProtocolVersion: "TLSv1_2",
        cipherSuites: ["NOT-A-SUITE"],
        ecdhCurves: ["X448"],
      },
      tlsCertificates: [{ ...inline(server), privateKey: { inlineString: other.key } }],
      tlsCertificateSdsSecretConfigs: [{ name: "x", sdsConfig: { self: {} } }],
      validationContext: {
        matchSubjectAltNames: [{ exact: "a" }],
        verifyCertificateSpki: ["short"],
        requireSignedCertificateTimestamp: true,
      },
    },
  };
  assert.throws(
    () => compileListener(wire(bad, {}, [], 1), [tell], undefined),
    (error: Error) => {
      const at = "filter_chains[0].transport_socket.typed_config";
      for (const field of [
        "ocsp_staple_policy",
        "common_tls_context.tls_params: no version",
        "common_tls_context.tls_params.cipher_suites",
        "common_tls_context.tls_params.ecdh_curves",
        "common_tls_context.tls_certificates[0]: the certificate and its private key cannot be used",
        "common_tls_context.tls_certificate_sds_secret_configs[0].sds_config",
        "common_tls_context.validation_context.require_signed_certificate_timestamp",
        "common_tls_context.validation_context.verify_certificate_spki[0]",
        "common_tls_context.validation_context: subject alternative names",
      ]) {
        assert.ok(error.message.includes(`${at}.${field}`), `${field} in ${error.message}`);
      }
      assert.ok(!error.message.includes("PRIVATE KEY") && !error.message.includes(other.key.split("\n")[1] ?? "?"));
      return true;
    },
  );
});

test("a client whose certificate is revoked is refused, and so is a list that cannot be read", async () => {
  const revoked = authority.issue({ commonName: "revoked" });
  const crl = { inlineString: authority.revoke(revoked) };
  const context = (validationContext: object): object => ({
    requireClientCertificate: true,
    commonTlsContext: { tlsCertificates: [inline(server)], validationContext },
  });
  const bench = new Bench(context({ ...trusted, crl }));
  assert.match(await bench.ask({ cert: client.certificate, key: client.key }), / true$/);
  assert.match(await bench.ask({ cert: revoked.certificate, key: revoked.key }), /ECONNRESET|closed/);
  assert.equal(bench.stat("ssl.fail_verify_error"), 1);
  for (const field of ["crl", "trustedCa"])
    assert.throws(() => new Bench(context({ ...trusted, [field]: { inlineString: "no PEM" } })), /is not PEM that OpenSSL takes/);
});

test("a chain that does not hold is accepted where trust_chain_verification says so", async () => {
  const stranger = new FakeAuthority("stranger").issue({ commonName: "stranger" });
  const validationContext = { ...trusted, trustChainVerification: "ACCEPT_UNTRUSTED" };
  const bench = new Bench({ requireClientCertificate: true, commonTlsContext: { tlsCertificates: [inline(server)], validationContext } });
  assert.match(await bench.ask({ cert: stranger.certificate, key: stranger.key }), /CN=stranger/);
});

test("no ticket is given where disableStatelessSessionResumption says so, and sessionTimeout is told with one", async () => {
  const sessionOf = async (more: object): Promise<Buffer> => {
    const bench = new Bench({
      commonTlsContext: { tlsParams: { tlsMaximumProtocolVersion: "TLSv1_2" }, tlsCertificates: [inline(server)] },
      ...more,
    });
    const { socket, session } = await bench.open();
    assert.match(socket.getProtocol() ?? "", /TLSv1\.2/);
    return session;
  };
  // The ticket's life time in a client's session, in DER.
  const lifetime = Buffer.from([0xa9, 3, 2, 1, 77]);
  assert.ok((await sessionOf({ sessionTimeout: "77s" })).includes(lifetime));
  assert.ok(!(await sessionOf({ sessionTimeout: "76s" })).includes(lifetime));
  assert.ok((await sessionOf({ disableStatelessSessionResumption: true })).length < (await sessionOf({})).length);
});

test("a session of one listener is resumed by another that has the same session_ticket_keys, fixed or from SDS", async () => {
  const keys = (fill: number): object => ({ keys: [{ inlineBytes: Buffer.alloc(80, fill).toString("base64") }] });
  const benchOf = (more: object): Bench => new Bench({ commonTlsContext: { tlsCertificates: [inline(server)] }, ...more });
  const resumes = async (bench: Bench, session: Buffer): Promise<boolean> => (await bench.open({ session })).socket.isSessionReused();
  const { session } = await benchOf({ sessionTicketKeys: keys(7) }).open();
  const first = await session;
  assert.equal(await resumes(benchOf({ sessionTicketKeys: keys(7) }), first), true);
  assert.equal(await resumes(benchOf({ sessionTicketKeys: keys(8) }), first), false);
  assert.equal(await resumes(benchOf({}), first), false);
  const fromSds = benchOf({ sessionTicketKeysSdsSecretConfig: sds("tickets") });
  assert.equal(await fromSds.ask(), "ECONNRESET", "nothing is served before they come");
  fromSds.secret("tickets", { sessionTicketKeys: keys(7) });
  assert.equal(await resumes(fromSds, first), true);
  fromSds.secret("tickets", { sessionTicketKeys: keys(9) });
  assert.equal(await resumes(fromSds, first), false);
});

test("a name that no certificate is for gets the first one, or any with fullScanCertsOnSniMismatch", async () => {
  const rsa = authority.issue({ commonName: "rsa", hosts: ["rsa.example"] }, "rsa");
  const ofRsa = (fullScanCertsOnSniMismatch: boolean): Promise<string> =>
    new Bench({ fullScanCertsOnSniMismatch, commonTlsContext: { tlsCertificates: [inline(rsa), inline(server)] } }).ask({
      servername: "other.example",
      sigalgs: "ECDSA+SHA256",
    });
  assert.match(await ofRsa(true), /nobody$/);
  assert.equal(await ofRsa(false), "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE");
});

test("enableJa3Fingerprinting names a client by what it offers", async () => {
  const typedConfig = { "@type": `type.googleapis.com/${TlsInspectorSchema.typeName}`, enableJa3Fingerprinting: true };
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)] } }, {}, [{ name: "tls", typedConfig }]);
  const ask = async (options: ConnectionOptions): Promise<string> => /^[0-9a-f]{32}/.exec(await bench.ask(options))?.[0] ?? "none";
  const one = await ask({ servername: "a.example" });
  assert.notEqual(one, "none");
  assert.equal(await ask({ servername: "b.example" }), one);
  assert.notEqual(await ask({ servername: "a.example", maxVersion: "TLSv1.2" }), one);
});

test("a handshake agrees on the signature algorithms that are allowed, and on no other", async () => {
  const only = (signatureAlgorithms: string): Bench =>
    new Bench({ commonTlsContext: { tlsParams: { signatureAlgorithms: [signatureAlgorithms] }, tlsCertificates: [inline(server)] } });
  assert.match(await only("ecdsa_secp256r1_sha256").ask(), /nobody$/);
  assert.notEqual(await only("rsa_pss_rsae_sha256").ask(), "-  nobody");
});

/** A ClientHello, which nothing follows. */
async function hello(): Promise<Buffer> {
  const bytes = Promise.withResolvers<Buffer>();
  const wire = new Duplex({ read() {}, write: (chunk: Buffer) => bytes.resolve(chunk) });
  connect({ socket: wire }).on("error", () => {});
  return bytes.promise;
}

test("a client that ends its half in the handshake is gone: nobody waits for a time that may not be set", async () => {
  const bench = new Bench({ commonTlsContext: { tlsCertificates: [inline(server)] } });
  const half = connectTcp({ host: "127.0.0.1", port: bench.port, allowHalfOpen: true });
  cleanups.push(() => half.destroy());
  half.write(await hello());
  await once(half, "data");
  assert.equal(bench.stat("downstream_cx_active"), 1);
  half.resume();
  half.end();
  await once(half, "end");
  assert.deepEqual([bench.stat("downstream_cx_active"), bench.stat("downstream_cx_destroy")], [0, 1]);
  assert.equal(bench.stat("ssl.connection_error"), 0);
});
