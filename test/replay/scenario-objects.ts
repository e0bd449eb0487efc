// What the harness itself has to know of a scenario's objects: who stands behind which address, and which credentials there are.
import { parseAllDocuments } from "yaml";
import type { Credential } from "./secrets.ts";

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly serviceAccount?: string;
    readonly address?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly selector?: Readonly<Record<string, string>>;
    readonly clusterIPs?: readonly string[];
  };
  readonly status?: { readonly podIP?: string; readonly podIPs?: readonly { readonly ip: string }[] };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

const TLS_MODE = "security.istio.io/tlsMode";

export interface ScenarioObjects {
  readonly trustDomain: string;
  /** SPIFFE identities of workloads that speak mutual TLS, by address. */
  readonly identities: Readonly<Record<string, string>>;
  readonly credentials: readonly Credential[];
}

export function spiffeId(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

export function readScenarioObjects(input: string, mesh: string): ScenarioObjects {
  const trustDomain = /^trustDomain: *(\S+)/m.exec(mesh)?.[1] ?? "cluster.local";
  const identities: Record<string, string> = {};
  const credentials: Credential[] = [];
  const all = parseAllDocuments(input, { merge: true }).map((document) => document.toJS() as KubernetesObject | null);
  const objects = all.filter((object) => object !== null);
  for (const object of objects) {
    const { kind, metadata, spec, status } = object;
    const namespace = metadata.namespace ?? "default";
    if (kind === "Pod" && metadata.labels?.[TLS_MODE] === "istio") {
      const addresses = new Set([status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)]);
      const identity = spiffeId(trustDomain, namespace, spec?.serviceAccountName ?? "default");
      for (const address of addresses) if (address !== undefined) identities[address] = identity;
    }
    if (kind === "WorkloadEntry" && spec?.address !== undefined && spec.labels?.[TLS_MODE] === "istio")
      identities[spec.address] = spiffeId(trustDomain, namespace, spec.serviceAccount ?? "default");
    // Behind the address of a service stands one of its pods.
    const selector = Object.entries(spec?.selector ?? {});
    const pod = objects.find(
      (each) =>
        each.kind === "Pod" &&
        each.metadata.namespace === metadata.namespace &&
        selector.every(([key, value]) => each.metadata.labels?.[key] === value),
    );
    if (kind === "Service" && selector.length > 0 && pod?.metadata.labels?.[TLS_MODE] === "istio")
      for (const address of spec?.clusterIPs ?? [])
        identities[address] = spiffeId(trustDomain, namespace, pod.spec?.serviceAccountName ?? "default");
    if (kind === "Secret" || kind === "ConfigMap") {
      const decode = (text: string): string => (kind === "Secret" ? Buffer.from(text, "base64").toString("utf8") : text);
      const data = Object.fromEntries(Object.entries(object.data ?? {}).map(([key, text]) => [key, decode(text)]));
      credentials.push({ kind, namespace, name: metadata.name, data: { ...data, ...object.stringData } });
    }
  }
  return { trustDomain, identities, credentials };
}
