// Credentials that Gateways name must exist in the namespace of the gateway's pods and hold a valid certificate.
import { X509Certificate } from "node:crypto";
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { gatewayPods, reportNoPods } from "./gateway-pods.ts";

export const secretAnalyzer: Analyzer = {
  name: "gateway.SecretAnalyzer",
  description: "Secrets that Gateways name exist and hold a valid certificate",
  inputs: ["Gateway", "Pod", "Secret"],
  needs: ["Pod", "Secret"],
  analyze: (context) => {
    for (const gateway of context.objects.list("Gateway")) checkGateway(context, gateway);
  },
};

function checkGateway(context: AnalysisContext, gateway: ObjectOf<"Gateway">): void {
  const namespace = gatewayPods(context, gateway)[0]?.key.namespace ?? "";
  if (namespace === "") {
    reportNoPods(context, gateway);
    return;
  }
  for (const [index, server] of (gateway.spec.servers ?? []).entries()) {
    const name = server?.tls?.credentialName ?? "";
    if (name === "") continue;
    const field = `spec.servers[${index}].tls.credentialName`;
    const [secretNamespace, secretName] = name.includes("/") ? (name.split("/", 2) as [string, string]) : [namespace, name];
    const secret = context.objects.find("Secret", secretNamespace, secretName);
    if (secret === undefined) {
      const hint = `add a Secret of that name to namespace ${secretNamespace}`;
      context.report(gateway, MESSAGES.ReferencedResourceNotFound, ["credentialName", name], { field, hint });
      continue;
    }
    const fault = certificateFault(secret, context.wallMs);
    if (fault === undefined) continue;
    context.report(gateway, MESSAGES.InvalidGatewayCredential, [gateway.key.name, namespace], { field, hint: fault });
  }
}

const KEY_PAIRS = [
  ["cert", "key"],
  ["tls.crt", "tls.key"],
] as const;

/** Never quotes the Secret. */
function certificateFault({ spec }: ObjectOf<"Secret">, wallMs: number): string | undefined {
  const pair = KEY_PAIRS.find(([certificate, key]) => valueOf(spec, certificate) !== "" && valueOf(spec, key) !== "");
  if (pair === undefined) return "the Secret needs tls.crt and tls.key";
  // Only the first certificate counts, as in Istio.
  const pem = /-----BEGIN ([^-]+)-----[^-]*-----END \1-----/u.exec(valueOf(spec, pair[0]))?.[0];
  if (pem === undefined) return `${pair[0]} holds no certificate`;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    // Why exactly would be in OpenSSL's words; that it is none is what matters.
    return `${pair[0]} holds no certificate that can be read`;
  }
  if (wallMs > certificate.validToDate.getTime()) return `the certificate has expired at ${certificate.validTo}`;
  if (wallMs < certificate.validFromDate.getTime()) return `the certificate is not valid before ${certificate.validFrom}`;
  return undefined;
}

function valueOf(spec: ObjectOf<"Secret">["spec"], key: string): string {
  const plain: unknown = spec.stringData?.[key];
  if (typeof plain === "string") return plain;
  const encoded: unknown = spec.data?.[key];
  return typeof encoded === "string" ? Buffer.from(encoded, "base64").toString("utf8") : "";
}
