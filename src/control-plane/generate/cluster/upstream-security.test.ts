import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { messageToJson } from "#envoy/any";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { ClientTLSSettings } from "#api/destination-rule";
import { callerWith, serviceOf } from "./testing.ts";
import { upstreamSecurity, type SecurityInputs } from "./upstream-security.ts";

function security(over: Partial<SecurityInputs> = {}) {
  const { sockets, ...names } = upstreamSecurity({
    policy: {},
    mesh: {},
    service: serviceOf(),
    caller: callerWith(),
    serverName: "outbound_.80_._.web",
    identities: ["spiffe://td/ns/default/sa/web"],
    autoMutualTls: false,
    http2: false,
    originalDestination: false,
    dynamicDns: false,
    forChosenCallers: false,
    ...over,
  });
  const cluster: any = messageToJson(configRegistry, ClusterSchema, create(ClusterSchema, sockets));
  return { cluster, ...names };
}

const withTls = (tls: ClientTLSSettings, over: Partial<SecurityInputs> = {}) => security({ policy: { tls }, ...over });
const FILES = { certificate: "/c", privateKey: "/k", authorities: "/ca" };

test("without a word from anybody connections are in the clear", () => {
  assert.deepEqual(security().cluster, {});
  assert.deepEqual(withTls({ mode: "DISABLE" }, { autoMutualTls: true }).cluster, {});
});

test("automatic mutual TLS is chosen endpoint by endpoint, and the rest is called in the clear", () => {
  const [mutual, plain] = security({ autoMutualTls: true }).cluster.transportSocketMatches;
  assert.equal(mutual.name, "tlsMode-istio");
  assert.deepEqual(mutual.match, { tlsMode: "istio" });
  assert.equal(mutual.transportSocket.typedConfig.sni, "outbound_.80_._.web");
  assert.equal(plain.name, "tlsMode-disabled");
  assert.deepEqual(plain.match, {});
  assert.equal(plain.transportSocket.name, "envoy.transport_sockets.raw_buffer");
});

test("where no endpoint can be looked at automatic mutual TLS is for all", () => {
  const { cluster } = security({ autoMutualTls: true, originalDestination: true });
  assert.equal(cluster.transportSocketMatches, undefined);
  assert.equal(cluster.transportSocket.typedConfig.sni, "outbound_.80_._.web");
});

test("ISTIO_MUTUAL takes server name and names from the service, unless the rule has its own", () => {
  const tls = (settings: ClientTLSSettings) => withTls(settings).cluster.transportSocket.typedConfig;
  const names = (context: any): unknown => context.commonTlsContext.combinedValidationContext.defaultValidationContext.matchSubjectAltNames;
  const own = tls({ mode: "ISTIO_MUTUAL", sni: "other", subjectAltNames: ["spiffe://x"] });
  assert.equal(own.sni, "other");
  assert.deepEqual(names(own), [{ exact: "spiffe://x" }]);
  assert.deepEqual(names(tls({ mode: "ISTIO_MUTUAL" })), [{ exact: "spiffe://td/ns/default/sa/web" }]);
});

test("SIMPLE takes the server's name from each request where the rule has none", () => {
  assert.deepEqual([withTls({ mode: "SIMPLE" }).autoSni, withTls({ mode: "SIMPLE" }).autoSanValidation], [true, true]);
  const named = withTls({ mode: "SIMPLE", sni: "a" });
  assert.deepEqual([named.autoSni, named.autoSanValidation], [false, false]);
  const listed = withTls({ mode: "SIMPLE", subjectAltNames: ["a"] });
  assert.deepEqual([listed.autoSni, listed.autoSanValidation], [true, false]);
  const unchecked = withTls({ mode: "SIMPLE", insecureSkipVerify: true });
  assert.deepEqual([unchecked.autoSni, unchecked.autoSanValidation], [true, false]);
});

test("a cluster that looks names up as they come always takes the server's name from the request, and checks it unless told not to", () => {
  const names = (tls: ClientTLSSettings | undefined): unknown => {
    const made = security({ dynamicDns: true, policy: tls === undefined ? {} : { tls } });
    return [made.autoSni, made.autoSanValidation];
  };
  assert.deepEqual(names(undefined), [true, true]);
  assert.deepEqual(names({ mode: "SIMPLE", sni: "a" }), [true, true]);
  assert.deepEqual(names({ mode: "ISTIO_MUTUAL" }), [true, true]);
  assert.deepEqual(names({ mode: "SIMPLE", insecureSkipVerify: true }), [true, false]);
});

test("names that a ServiceEntry declares are checked, accounts of a Kubernetes service are not", () => {
  const names = (service: SecurityInputs["service"]): unknown =>
    withTls({ mode: "SIMPLE" }, { service, identities: ["api.example.com"] }).cluster.transportSocket.typedConfig.commonTlsContext
      .combinedValidationContext.defaultValidationContext.matchSubjectAltNames;
  assert.deepEqual(names(serviceOf({ source: "ServiceEntry", external: true })), [{ exact: "api.example.com" }]);
  assert.equal(names(serviceOf()), undefined);
});

test("a credential is for gateways, and for sidecars that the rule names", () => {
  const tls: ClientTLSSettings = { mode: "SIMPLE", credentialName: "client" };
  assert.deepEqual(withTls(tls).cluster, {});
  assert.equal(withTls(tls).autoSni, false);
  assert.ok(withTls(tls, { forChosenCallers: true }).cluster.transportSocket);
  assert.ok(withTls(tls, { caller: callerWith({ type: "router" }) }).cluster.transportSocket);
  assert.ok(withTls({ mode: "SIMPLE", credentialName: "configmap://ns/ca" }).cluster.transportSocket);
});

test("an operator's own certificate stands in for the mesh's", () => {
  const caller = callerWith({ certificateFiles: FILES });
  const auto = security({ autoMutualTls: true, caller }).cluster.transportSocket.typedConfig;
  assert.equal(auto.commonTlsContext.tlsCertificateSdsSecretConfigs[0].name, "file-cert:/c~/k");
  assert.equal(auto.sni, "outbound_.80_._.web");
  const external = withTls(
    { mode: "MUTUAL", clientCertificate: "/own", privateKey: "/ownk" },
    { caller, service: serviceOf({ external: true }) },
  );
  const own = external.cluster.transportSocket.typedConfig;
  assert.equal(own.commonTlsContext.tlsCertificateSdsSecretConfigs[0].name, "file-cert:/own~/ownk");
});

test("PROXY protocol goes around every socket", () => {
  const policy = { proxyProtocol: { version: "V2" } } as const;
  const inner = (socket: any): string => {
    assert.equal(socket.name, "envoy.transport_sockets.upstream_proxy_protocol");
    return socket.typedConfig.transportSocket.name;
  };
  assert.equal(inner(security({ policy }).cluster.transportSocket), "envoy.transport_sockets.raw_buffer");
  const matches = security({ policy, autoMutualTls: true }).cluster.transportSocketMatches;
  assert.deepEqual(
    matches.map((match: any) => inner(match.transportSocket)),
    ["envoy.transport_sockets.tls", "envoy.transport_sockets.raw_buffer"],
  );
});
