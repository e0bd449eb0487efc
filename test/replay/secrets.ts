// The secrets that a configuration asks for by name, as Istio's agent and istiod would serve them: identities from the authority of the
// tests, credentials of gateways from the Secrets of the scenario.
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { SECRET_TYPE } from "#envoy/type-urls";
import type { FakeAuthority } from "#proxy/net/certificates.fake";
import type { KeyPair } from "#runtime/x509";
import type { ReplayResource } from "./resource-table.ts";

/** A Secret or a ConfigMap: its data, decoded. */
export interface Credential {
  readonly kind: "Secret" | "ConfigMap";
  readonly namespace: string;
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

export interface SecretSources {
  readonly authority: FakeAuthority;
  /** SPIFFE identity of the proxy. */
  readonly identity: string;
  readonly namespace: string;
  readonly credentials: readonly Credential[];
}

/** What stands in `name` beside an `sdsConfig`, anywhere in these resources. */
export function secretNames(resources: JsonValue): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: JsonValue): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value) && "sdsConfig" in value && typeof value["name"] === "string") names.add(value["name"]);
    for (const inner of Object.values(value)) visit(inner as JsonValue);
  };
  visit(resources);
  return names;
}

/** Names that nothing stands behind are left out: a proxy waits for them, as it would in a mesh. */
export function makeSecrets(names: Iterable<string>, sources: SecretSources): ReplayResource[] {
  return [...names].flatMap((name) => {
    const json = secretJson(name, sources);
    return json === undefined
      ? []
      : [{ typeUrl: SECRET_TYPE, name, value: toBinary(SecretSchema, fromJson(SecretSchema, { name, ...json })) }];
  });
}

function secretJson(name: string, { authority, identity, namespace, credentials }: SecretSources): JsonObject | undefined {
  if (name === "default") return certificate(authority.issueIdentity(identity));
  if (name === "ROOTCA" || name.startsWith("file-root:")) return trusted(authority.root.certificate);
  if (name.startsWith("file-cert:")) return certificate(authority.issue({ commonName: "from a file", hosts: ["file.example.com"] }));
  const match = /^(kubernetes|kubernetes-gateway|configmap):\/\/(?:([^/]+)\/)?([^/]+?)(-cacert)?$/.exec(name);
  if (match === null) return undefined;
  const [, scheme = "", givenNamespace, object = "", caOnly] = match;
  const kind = scheme === "configmap" ? "ConfigMap" : "Secret";
  const find = (wanted: string): Credential | undefined =>
    credentials.find((each) => each.kind === kind && each.namespace === (givenNamespace ?? namespace) && each.name === wanted);
  if (caOnly !== undefined) {
    const ca = (find(object + caOnly) ?? find(object))?.data;
    const root = ca?.["ca.crt"] ?? ca?.["cacert"];
    return root === undefined ? undefined : trusted(root);
  }
  const data = find(object)?.data;
  const [chain, key] = [data?.["tls.crt"] ?? data?.["cert"], data?.["tls.key"] ?? data?.["key"]];
  return chain === undefined || key === undefined ? undefined : certificate({ certificate: chain, key });
}

function certificate(pair: KeyPair): JsonObject {
  return { tlsCertificate: { certificateChain: { inlineString: pair.certificate }, privateKey: { inlineString: pair.key } } };
}

function trusted(root: string): JsonObject {
  return { validationContext: { trustedCa: { inlineString: root } } };
}
