// Objects that a mesh without a cluster needs and nobody wants to write. An object of the user's with the same name replaces one.
import { createHash } from "node:crypto";
import type { ServiceSpec } from "#api/service";
import type { DecodedObject, SourceDocument } from "./document.ts";
import type { Origin } from "./store.ts";

export const BUILTIN_ORIGIN: Origin = { path: "<builtin>", rank: "builtin", seenMs: 0 };

export const INGRESS_GATEWAY_LABELS = { app: "istio-ingressgateway", istio: "ingressgateway" };

/** The ports of Istio's own installation: 80 and 443 lead to ports that need no root. */
const ingressGateway: ServiceSpec = {
  type: "LoadBalancer",
  selector: INGRESS_GATEWAY_LABELS,
  ports: [
    { name: "status-port", port: 15021, targetPort: 15021, protocol: "TCP" },
    { name: "http", port: 80, targetPort: 8080, protocol: "TCP" },
    { name: "https", port: 443, targetPort: 8443, protocol: "TCP" },
  ],
};

/** A document for an object that no file holds. */
export function documentOf(object: DecodedObject): SourceDocument {
  const { kind, metadata } = object;
  return {
    key: { kind, namespace: metadata.namespace, name: metadata.name },
    object,
    findings: [],
    hash: createHash("sha256").update(JSON.stringify(object)).digest("base64"),
    startLine: 1,
  };
}

export function builtinDocuments(rootNamespace: string): readonly SourceDocument[] {
  return [
    documentOf({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "istio-ingressgateway", namespace: rootNamespace, labels: INGRESS_GATEWAY_LABELS, annotations: {} },
      spec: ingressGateway,
    }),
  ];
}
