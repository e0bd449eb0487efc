// Istio's annotations on Kubernetes objects: known, not deprecated, on the right kind, with values that injection can read.
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { AnalyzedObject } from "#control-plane/analysis/analyzed-object";
import { INJECT_LABEL } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import { ANNOTATION_VALUES } from "./annotation-values.ts";
import { ISTIO_ANNOTATIONS, isIstioAnnotation, OWN_ANNOTATIONS } from "./istio-annotations.ts";
import { proxyConfigFault } from "./proxy-config-annotation.ts";

const KINDS = ["Namespace", "Service", "Pod", "Deployment"] as const;
const PROXY_CONFIG = "proxy.istio.io/config";

export const annotationsAnalyzer: Analyzer = {
  name: "annotations.K8sAnalyzer",
  description: "Istio's annotations are known, on the right kind, and have values that can be read",
  inputs: KINDS,
  analyze: (context) => {
    for (const kind of KINDS) for (const object of context.objects.list(kind)) checkAnnotations(context, object);
  },
};

function checkAnnotations({ report }: AnalysisContext, object: AnalyzedObject): void {
  for (const [name, value] of Object.entries(object.annotations)) {
    if (!isIstioAnnotation(name) || OWN_ANNOTATIONS.has(name)) continue;
    const known = ISTIO_ANNOTATIONS.get(name);
    const field = annotationField(name);
    if (known === undefined) {
      report(object, MESSAGES.UnknownAnnotation, [name], { field });
      continue;
    }
    // Beside the label of the same name the annotation is for old versions, which is fine.
    if (known.isDeprecated && !(name === INJECT_LABEL && object.labels[INJECT_LABEL] !== undefined)) {
      const instead = name === INJECT_LABEL ? `: the label ${INJECT_LABEL} replaces it` : "";
      report(object, MESSAGES.DeprecatedAnnotation, [name, instead], { field });
    }
    if (known.kinds.includes("Any")) continue;
    if (!known.kinds.includes(object.key.kind)) {
      report(object, MESSAGES.MisplacedAnnotation, [name, known.kinds.join(", ")], { field });
      continue;
    }
    const fault = name === PROXY_CONFIG ? proxyConfigFault(value) : ANNOTATION_VALUES.get(name)?.(value);
    if (fault !== undefined) report(object, MESSAGES.InvalidAnnotation, [name, fault], { field });
  }
}

export function annotationField(name: string): string {
  return `metadata.annotations[${JSON.stringify(name)}]`;
}
