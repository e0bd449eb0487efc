import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { makeSecrets, secretNames } from "./secrets.ts";

const authority = new FakeAuthority();
const identity = "spiffe://cluster.local/ns/istio-system/sa/gateway";
const credentials = [
  { kind: "Secret", namespace: "istio-system", name: "web", data: { "tls.crt": "CHAIN", "tls.key": "KEY", "ca.crt": "CA" } },
] as const;
const sources = { authority, identity, namespace: "istio-system", credentials };

test("names are found wherever an SDS configuration stands", () => {
  const names = secretNames({ a: [{ b: { name: "default", sdsConfig: {} } }, { name: "no secret" }] });
  assert.deepEqual([...names], ["default"]);
});

test("the identity of the proxy is its default secret", () => {
  const [secret] = makeSecrets(["default"], sources).map(({ value }) => fromBinary(SecretSchema, value));
  assert.equal(secret?.type.case, "tlsCertificate");
  const chain = secret.type.value.certificateChain?.specifier;
  assert.equal(chain?.case, "inlineString");
  assert.equal(new X509Certificate(chain.value).subjectAltName, `URI:${identity}`);
});

test("credentials of gateways come from Secrets of the proxy's namespace, their authorities apart", () => {
  const secrets = makeSecrets(
    ["kubernetes://web", "kubernetes://web-cacert", "kubernetes://none", "kubernetes-gateway://other/web"],
    sources,
  );
  assert.deepEqual(
    secrets.map(({ name }) => name),
    ["kubernetes://web", "kubernetes://web-cacert"],
  );
  assert.deepEqual(
    secrets.map(({ value }) => fromBinary(SecretSchema, value).type.case),
    ["tlsCertificate", "validationContext"],
  );
});
