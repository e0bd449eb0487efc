import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { UpstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { ClientTLSSettings } from "#api/destination-rule";
import { meshUpstreamTlsContext, upstreamTlsContext, type UpstreamTls } from "./upstream-tls-context.ts";

function client(tls: ClientTLSSettings, over: Partial<UpstreamTls> = {}): any {
  const context = upstreamTlsContext({ tls, subjectAltNames: [], http2: false, mesh: {}, fileReader: "agent", ...over });
  return context === undefined ? undefined : toJson(UpstreamTlsContextSchema, context);
}

test("within the mesh the server must bear one of the service accounts", () => {
  const context: any = toJson(
    UpstreamTlsContextSchema,
    meshUpstreamTlsContext({ sni: "outbound_.80_._.a", subjectAltNames: ["spiffe://td/ns/a/sa/b"], http2: true, metadataExchange: true }),
  );
  assert.equal(context.sni, "outbound_.80_._.a");
  assert.deepEqual(context.commonTlsContext.alpnProtocols, ["istio-peer-exchange", "istio", "h2"]);
  assert.deepEqual(context.commonTlsContext.combinedValidationContext.defaultValidationContext, {
    matchSubjectAltNames: [{ exact: "spiffe://td/ns/a/sa/b" }],
  });
});

test("SIMPLE without a file trusts the authorities of the operating system", () => {
  const context = client({ mode: "SIMPLE" });
  assert.equal(context.commonTlsContext.combinedValidationContext.validationContextSdsSecretConfig.name, "file-root:system");
  assert.equal(context.commonTlsContext.tlsCertificateSdsSecretConfigs, undefined);
});

test("names of the rule count before those of the service", () => {
  const names = (tls: ClientTLSSettings): unknown =>
    client(tls, { subjectAltNames: ["of-service"] }).commonTlsContext.combinedValidationContext.defaultValidationContext
      .matchSubjectAltNames;
  assert.deepEqual(names({ mode: "SIMPLE" }), [{ exact: "of-service" }]);
  assert.deepEqual(names({ mode: "SIMPLE", subjectAltNames: ["of-rule"] }), [{ exact: "of-rule" }]);
});

test("MUTUAL shows a certificate from files or from a credential, and is refused without one", () => {
  const certificates = (context: any): unknown => context.commonTlsContext.tlsCertificateSdsSecretConfigs.map((one: any) => one.name);
  assert.deepEqual(certificates(client({ mode: "MUTUAL", clientCertificate: "/c", privateKey: "/k" })), ["file-cert:/c~/k"]);
  const ofCredential = client({ mode: "MUTUAL", credentialName: "client" });
  assert.deepEqual(certificates(ofCredential), ["kubernetes://client"]);
  assert.equal(ofCredential.commonTlsContext.combinedValidationContext.validationContextSdsSecretConfig.name, "kubernetes://client-cacert");
  assert.equal(client({ mode: "MUTUAL", clientCertificate: "/c" }), undefined);
});

test("insecureSkipVerify leaves the server's certificate unchecked", () => {
  assert.deepEqual(client({ mode: "SIMPLE", insecureSkipVerify: true }).commonTlsContext.validationContext, {});
  assert.equal(
    client({ mode: "SIMPLE", credentialName: "c", insecureSkipVerify: true }).commonTlsContext.combinedValidationContext,
    undefined,
  );
});

test("a proxy without an agent reads files itself, those of the operating system, too", () => {
  const own = client({ mode: "MUTUAL", clientCertificate: "/c", privateKey: "/k", caCertificates: "/ca" }, { fileReader: "proxy" });
  assert.deepEqual(own.commonTlsContext.tlsCertificates, [{ certificateChain: { filename: "/c" }, privateKey: { filename: "/k" } }]);
  assert.deepEqual(own.commonTlsContext.validationContext, { trustedCa: { filename: "/ca" } });
  const system = client({ mode: "SIMPLE" }, { fileReader: "proxy" });
  assert.deepEqual(system.commonTlsContext.validationContext, { trustedCa: { filename: "/etc/ssl/certs/ca-certificates.crt" } });
  assert.deepEqual(client({ mode: "SIMPLE", insecureSkipVerify: true }, { fileReader: "proxy" }).commonTlsContext.validationContext, {});
});

test("an HTTP/2 cluster offers h2 only, and the mesh chooses ciphers", () => {
  const context = client({ mode: "SIMPLE" }, { http2: true, mesh: { tlsDefaults: { cipherSuites: ["A"] } } });
  assert.deepEqual(context.commonTlsContext.alpnProtocols, ["h2"]);
  assert.deepEqual(context.commonTlsContext.tlsParams.cipherSuites, ["A"]);
});
