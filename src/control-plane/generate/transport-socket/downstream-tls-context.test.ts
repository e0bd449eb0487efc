import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { DownstreamTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { ServerTLSSettings } from "#api/gateway";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { FileReader } from "./file-secrets.ts";
import { downstreamTlsContext, meshDownstreamTlsContext } from "./downstream-tls-context.ts";

function server(tls: ServerTLSSettings, mesh: MeshConfigSpec = {}, fileReader: FileReader = "agent"): any {
  const context = downstreamTlsContext(tls, { mesh, transport: "http", metadataExchange: false, fileReader });
  return context === undefined ? undefined : toJson(DownstreamTlsContextSchema, context);
}

function secretNames(context: any): unknown {
  return {
    certificates: context.commonTlsContext.tlsCertificateSdsSecretConfigs?.map((one: any) => one.name),
    authorities: context.commonTlsContext.combinedValidationContext?.validationContextSdsSecretConfig.name,
  };
}

test("a sidecar takes callers of its trust domains with the workload's certificate", () => {
  const mesh: MeshConfigSpec = { trustDomain: "td1", trustDomainAliases: ["td2", "td1"], meshMTLS: { minProtocolVersion: "TLSV1_3" } };
  const context: any = toJson(DownstreamTlsContextSchema, meshDownstreamTlsContext({ mesh, transport: "tcp", metadataExchange: true }));
  assert.equal(context.requireClientCertificate, true);
  assert.deepEqual(context.commonTlsContext.alpnProtocols, ["istio-peer-exchange", "h2", "http/1.1"]);
  assert.equal(context.commonTlsContext.tlsParams.tlsMinimumProtocolVersion, "TLSv1_3");
  assert.equal(context.commonTlsContext.tlsParams.cipherSuites.length, 6);
  assert.deepEqual(context.commonTlsContext.combinedValidationContext.defaultValidationContext.matchSubjectAltNames, [
    { prefix: "spiffe://td1/" },
    { prefix: "spiffe://td2/" },
  ]);
  assert.deepEqual(secretNames(context), { certificates: ["default"], authorities: "ROOTCA" });
  const { sdsConfig } = context.commonTlsContext.tlsCertificateSdsSecretConfigs[0];
  assert.equal(sdsConfig.initialFetchTimeout, "0s");
  assert.equal(sdsConfig.apiConfigSource.grpcServices[0].envoyGrpc.clusterName, "sds-grpc");
});

test("a proxy without Istio's metadata exchange filter does not offer its protocol", () => {
  const context: any = toJson(
    DownstreamTlsContextSchema,
    meshDownstreamTlsContext({ mesh: {}, transport: "tcp", metadataExchange: false }),
  );
  assert.deepEqual(context.commonTlsContext.alpnProtocols, ["h2", "http/1.1"]);
});

test("SIMPLE with a credential asks the control plane for its Secret and no client for a certificate", () => {
  const context = server({ mode: "SIMPLE", credentialName: "httpbin-credential" });
  assert.equal(context.requireClientCertificate, false);
  assert.deepEqual(context.commonTlsContext, {
    alpnProtocols: ["h2", "http/1.1"],
    tlsCertificateSdsSecretConfigs: [{ name: "kubernetes://httpbin-credential", sdsConfig: { ads: {}, resourceApiVersion: "V3" } }],
  });
});

test("MUTUAL takes the authorities from the credential's -cacert", () => {
  const context = server({ mode: "MUTUAL", credentialName: "kubernetes-gateway://ns/cert", subjectAltNames: ["a.com"] });
  assert.equal(context.requireClientCertificate, true);
  assert.deepEqual(secretNames(context), {
    certificates: ["kubernetes-gateway://ns/cert"],
    authorities: "kubernetes-gateway://ns/cert-cacert",
  });
  assert.deepEqual(context.commonTlsContext.combinedValidationContext.defaultValidationContext.matchSubjectAltNames, [{ exact: "a.com" }]);
});

test("OPTIONAL_MUTUAL checks a certificate that a client shows, and asks for none", () => {
  const context = server({ mode: "OPTIONAL_MUTUAL", credentialNames: ["rsa", "ecdsa"] });
  assert.equal(context.requireClientCertificate, false);
  assert.deepEqual(secretNames(context), {
    certificates: ["kubernetes://rsa", "kubernetes://ecdsa"],
    authorities: "kubernetes://rsa-cacert",
  });
});

test("files are served by the agent under Istio's names", () => {
  const context = server({
    mode: "MUTUAL",
    serverCertificate: "/c.pem",
    privateKey: "/k.pem",
    caCertificates: "/ca.pem",
    caCrl: "/crl.pem",
  });
  assert.deepEqual(secretNames(context), { certificates: ["file-cert:/c.pem~/k.pem"], authorities: "file-root:/ca.pem" });
  assert.deepEqual(context.commonTlsContext.combinedValidationContext.defaultValidationContext.crl, { filename: "/crl.pem" });
  const { sdsConfig } = context.commonTlsContext.tlsCertificateSdsSecretConfigs[0];
  assert.equal(sdsConfig.initialFetchTimeout, undefined);
});

test("a proxy without an agent reads files itself", () => {
  const files = { serverCertificate: "/c.pem", privateKey: "/k.pem", caCertificates: "/ca.pem", subjectAltNames: ["a"] };
  const { commonTlsContext } = server({ mode: "MUTUAL", ...files }, {}, "proxy");
  assert.equal(commonTlsContext.tlsCertificateSdsSecretConfigs, undefined);
  assert.deepEqual(commonTlsContext.tlsCertificates, [{ certificateChain: { filename: "/c.pem" }, privateKey: { filename: "/k.pem" } }]);
  assert.deepEqual(commonTlsContext.validationContext, { trustedCa: { filename: "/ca.pem" }, matchSubjectAltNames: [{ exact: "a" }] });
});

test("what the server says of versions and ciphers counts before what the mesh says", () => {
  const mesh: MeshConfigSpec = { tlsDefaults: { minProtocolVersion: "TLSV1_2", cipherSuites: ["A"], ecdhCurves: ["P-256"] } };
  const context = server({ mode: "SIMPLE", credentialName: "c", minProtocolVersion: "TLSV1_3", cipherSuites: ["B"] }, mesh);
  assert.deepEqual(context.commonTlsContext.tlsParams, {
    tlsMinimumProtocolVersion: "TLSv1_3",
    cipherSuites: ["B"],
    ecdhCurves: ["P-256"],
  });
});

test("ISTIO_MUTUAL shows the workload's certificate and takes every caller of the mesh", () => {
  const context = server({ mode: "ISTIO_MUTUAL" }, { tlsDefaults: { cipherSuites: ["A"] } });
  assert.deepEqual(secretNames(context), { certificates: ["default"], authorities: "ROOTCA" });
  assert.equal(context.commonTlsContext.tlsParams, undefined);
  assert.equal(context.requireClientCertificate, true);
});

test("what passes through needs no context", () => {
  assert.equal(server({ mode: "PASSTHROUGH" }), undefined);
  assert.equal(server({ mode: "AUTO_PASSTHROUGH" }), undefined);
  assert.equal(server({}), undefined);
});
