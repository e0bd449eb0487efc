// Namespaces should say whether their pods get sidecars, in one way, and pods of those that do should have one.
import { fullName, type AnalysisContext, type Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import {
  AMBIENT_MODE,
  DATAPLANE_MODE_LABEL,
  INJECT_LABEL,
  INJECTION_LABEL,
  proxyImage,
  REVISION_LABEL,
} from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { injectorValues } from "./injector-values.ts";

const ROOT_NAMESPACE = "istio-system";

export const injectionAnalyzer: Analyzer = {
  name: "injection.Analyzer",
  description: "Namespaces say whether pods get sidecars, and pods have them",
  inputs: ["Namespace", "Pod", "ConfigMap"],
  analyze: (context) => {
    const injected = new Set<string>();
    for (const namespace of context.objects.list("Namespace")) {
      if (namespace.key.name !== ROOT_NAMESPACE && checkNamespace(context, namespace)) injected.add(namespace.key.name);
    }
    for (const pod of context.objects.list("Pod")) {
      if (!injected.has(pod.key.namespace) || pod.spec.hostNetwork === true) continue;
      const wanted = pod.labels[INJECT_LABEL] ?? pod.annotations[INJECT_LABEL] ?? "";
      if (wanted.toLowerCase() === "false") continue;
      if (proxyImage([...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]) !== undefined) continue;
      context.report(pod, MESSAGES.PodMissingProxy, [fullName(pod)], { hint: "start the pod again" });
    }
  },
};

/** True when pods of the namespace should have sidecars. */
function checkNamespace({ objects, report }: AnalysisContext, namespace: ObjectOf<"Namespace">): boolean {
  const { labels, key } = namespace;
  const written = labels[INJECTION_LABEL];
  const revision = labels[REVISION_LABEL];
  const labelled = written === undefined ? [] : [`${INJECTION_LABEL}=${written}`];
  if (written === undefined || written === "enabled") {
    for (const name of [REVISION_LABEL, DATAPLANE_MODE_LABEL]) if (labels[name] !== undefined) labelled.push(`${name}=${labels[name]}`);
  }
  if (labelled.length > 1) {
    report(namespace, MESSAGES.NamespaceMultipleInjectionLabels, [labelled], { near: "metadata.labels", hint: "keep one of the labels" });
  }
  if (labels[DATAPLANE_MODE_LABEL] === AMBIENT_MODE) return false;
  if ((written ?? "") === "" && revision === undefined) {
    if (injectorValues(objects, "")?.sidecarInjectorWebhook?.enableNamespacesByDefault === true) {
      report(namespace, MESSAGES.NamespaceInjectionEnabledByDefault, []);
    } else {
      const hint = "add the label istio-injection=enabled, or istio-injection=disabled to say that it needs none";
      report(namespace, MESSAGES.NamespaceNotInjected, [key.name], { hint });
    }
    return false;
  }
  return written === "enabled";
}
