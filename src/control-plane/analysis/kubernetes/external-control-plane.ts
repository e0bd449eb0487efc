// Webhooks of a cluster whose control plane is elsewhere must have an address, and better a name than an IP address.
import { isIP } from "node:net";
import type { Analyzer, AnalysisContext } from "#control-plane/analysis/analyzer";
import type { AnalyzedObject } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import type { WebhookConfiguration } from "#control-plane/analysis/specs";

const isValidator = (name: string): boolean => name === "istiod-default-validator" || name.startsWith("istio-validator");
const isInjector = (name: string): boolean => name.startsWith("istio-sidecar-injector");

export const externalControlPlaneAnalyzer: Analyzer = {
  name: "externalcontrolplane.ExternalControlPlaneAnalyzer",
  description: "Webhooks of an external control plane have an address",
  inputs: ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"],
  analyze: (context) => {
    for (const object of context.objects.list("ValidatingWebhookConfiguration")) if (isValidator(object.key.name)) check(context, object);
    for (const object of context.objects.list("MutatingWebhookConfiguration")) if (isInjector(object.key.name)) check(context, object);
  },
};

/** The webhooks of a configuration share one control plane: what is wrong with the first of them is said, once. */
function check({ report }: AnalysisContext, object: AnalyzedObject<WebhookConfiguration>): void {
  for (const [index, webhook] of (object.spec.webhooks ?? []).entries()) {
    const { url, service } = webhook?.clientConfig ?? {};
    const name = webhook?.name ?? "";
    const near = `webhooks[${index}].clientConfig`;
    if (url === undefined) {
      if (service !== undefined) continue;
      report(object, MESSAGES.InvalidExternalControlPlaneConfig, ["", name, "is blank"], { near });
      return;
    }
    const host = hostOf(url);
    if (host === undefined) {
      report(object, MESSAGES.InvalidExternalControlPlaneConfig, [url, name, "is no URL"], { near });
      return;
    }
    if (isIP(host) !== 0) {
      report(object, MESSAGES.ExternalControlPlaneAddressIsNotAHostname, [url, name], { near });
      return;
    }
  }
}

/** undefined when it is no URL; "" when it has no host, which Istio lets pass. */
function hostOf(url: string): string | undefined {
  if (URL.canParse(url)) return new URL(url).hostname.replaceAll(/^\[|\]$/gu, "");
  return url.includes(":") || /[\s%]/u.test(url) ? undefined : "";
}
