import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import type { ApiObject } from "#api/object";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { meshOf, object, proxyNode } from "#control-plane/mesh/testing";
import { credentialFindings } from "./credential-findings.ts";
import { secretResources } from "./secret-resources.ts";

const testdata = join(import.meta.dirname, "..", "..", "mesh", "testdata");
const pem = (name: string): string => readFileSync(join(testdata, `${name}.pem`), "utf8");
const SYSTEM = { namespace: "istio-system" };

const GATEWAY_LABELS = { istio: "ingressgateway" };
const inSystem = proxyNode({ type: "router", namespace: "istio-system", labels: GATEWAY_LABELS });
const elsewhere = proxyNode({ type: "router", namespace: "other", labels: GATEWAY_LABELS });

function gateway(...tls: readonly object[]): ApiObject {
  const servers = tls.map((settings, index) => ({
    port: { number: 443, name: `https-${index}`, protocol: "HTTPS" },
    hosts: [`host-${index}.example.com`],
    tls: settings,
  }));
  return object("Gateway", "gw", { selector: GATEWAY_LABELS, servers });
}

function secret(name: string, stringData: Readonly<Record<string, string>>, options = SYSTEM): ApiObject {
  return object("Secret", name, { stringData }, options);
}

const web = secret("web", { "tls.crt": pem("server"), "tls.key": pem("server-key") });

function secretsOf(objects: readonly ApiObject[], node: ProxyNode) {
  return secretResources(meshOf(objects).mesh.view(node)).map(({ value }) => fromBinary(SecretSchema, value));
}

test("a gateway gets the certificate that its server names", () => {
  const [served, ...others] = secretsOf([web, gateway({ mode: "SIMPLE", credentialName: "web" })], inSystem);
  assert.equal(others.length, 0);
  assert.equal(served?.name, "kubernetes://web");
  assert.ok(served.type.case === "tlsCertificate");
  const chain = served.type.value.certificateChain?.specifier;
  assert.ok(chain?.case === "inlineBytes");
  assert.equal(Buffer.from(chain.value).toString(), pem("server"));
});

test("a gateway of another namespace gets nothing of it", () => {
  assert.deepEqual(secretsOf([web, gateway({ mode: "SIMPLE", credentialName: "web" })], elsewhere), []);
  assert.deepEqual(secretsOf([web, gateway({ mode: "SIMPLE", credentialName: "kubernetes://istio-system/web" })], elsewhere), []);
});

test("Secrets that nothing refers to stay where they are", () => {
  assert.deepEqual(secretsOf([web, gateway({ mode: "PASSTHROUGH" })], inSystem), []);
});

test("MUTUAL takes its authorities from a Secret of their own before the one with the certificate", () => {
  const mutual = gateway({ mode: "MUTUAL", credentialName: "web" });
  const both = secret("web", { "tls.crt": pem("server"), "tls.key": pem("server-key"), "ca.crt": pem("server") });
  const own = secret("web-cacert", { cacert: pem("authority") });
  const authorities = (objects: readonly ApiObject[]): string => {
    const found = secretsOf([...objects, mutual], inSystem).find(({ name }) => name === "kubernetes://web-cacert");
    assert.ok(found?.type.case === "validationContext");
    const data = found.type.value.trustedCa?.specifier;
    assert.ok(data?.case === "inlineBytes");
    return Buffer.from(data.value).toString();
  };
  assert.equal(authorities([both]), pem("server"));
  assert.equal(authorities([both, own]), pem("authority"));
});

test("a broken Secret costs its own host, and is named with its place", () => {
  const broken = secret("broken", { "tls.crt": pem("server"), "tls.key": pem("other-key") });
  const objects = [web, broken, gateway({ mode: "SIMPLE", credentialName: "broken" }, { mode: "SIMPLE", credentialName: "web" })];
  assert.deepEqual(
    secretsOf(objects, inSystem).map(({ name }) => name),
    ["kubernetes://web"],
  );
  const findings = credentialFindings([meshOf(objects).mesh.view(inSystem)]);
  assert.equal(findings.length, 1);
  assert.equal(findings[0]?.field, "spec.servers[0].tls");
  assert.match(findings[0]?.message ?? "", /^the Secret istio-system\/broken holds in tls\.key a private key of another certificate/u);
});

test("what a gateway may not have is told apart from what is not there", () => {
  const objects = [
    web,
    gateway({ mode: "SIMPLE", credentialName: "kubernetes://istio-system/web" }, { mode: "SIMPLE", credentialName: "gone" }),
  ];
  const messages = credentialFindings([meshOf(objects).mesh.view(elsewhere)]).map(({ message }) => message);
  assert.match(messages[0] ?? "", /^the Secret istio-system\/web is not for proxies of namespace other/u);
  assert.match(messages[1] ?? "", /^there is no Secret other\/gone/u);
});

test("a sidecar gets credentials of rules that name it, and of no others", () => {
  const client = secret("client", { cert: pem("server"), key: pem("server-key"), cacert: pem("authority") }, { namespace: "default" });
  const service = object("Service", "db", { selector: { app: "db" }, ports: [{ name: "tcp", port: 5432 }] });
  const rule = (selector: object): ApiObject =>
    object("DestinationRule", "db", { host: "db", trafficPolicy: { tls: { mode: "MUTUAL", credentialName: "client" } }, ...selector });
  const sidecar = proxyNode({ labels: { app: "a" } });
  const names = (selector: object): readonly string[] => secretsOf([client, service, rule(selector)], sidecar).map(({ name }) => name);
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ workloadSelector: { matchLabels: { app: "a" } } }), ["kubernetes://client", "kubernetes://client-cacert"]);
});
