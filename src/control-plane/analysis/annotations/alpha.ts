// Annotations that may change or go. Not among what runs by itself, as in Istio: nearly all annotations are alpha.
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { AnalyzedObject, ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { annotationField } from "./annotations.ts";
import { ISTIO_ANNOTATIONS, isIstioAnnotation, OWN_ANNOTATIONS } from "./istio-annotations.ts";

/** Set by injection, where the CNI plugin captures traffic in place of an init container. */
const SET_WITH_CNI = new Set([
  "sidecar.istio.io/interceptionMode",
  "traffic.sidecar.istio.io/includeInboundPorts",
  "traffic.sidecar.istio.io/excludeInboundPorts",
  "traffic.sidecar.istio.io/includeOutboundIPRanges",
]);

export const alphaAnnotationsAnalyzer: Analyzer = {
  name: "annotations.AlphaAnalyzer",
  description: "Annotations that are alpha",
  inputs: ["Namespace", "Service", "Pod", "Deployment"],
  inAll: false,
  analyze: (context) => {
    for (const kind of ["Namespace", "Service", "Deployment"] as const) {
      for (const object of context.objects.list(kind)) checkAnnotations(context, object, false);
    }
    for (const pod of context.objects.list("Pod")) checkAnnotations(context, pod, isCapturedByCni(pod));
  },
};

function isCapturedByCni({ spec }: ObjectOf<"Pod">): boolean {
  return !(spec.initContainers ?? []).some((container) => container?.name === "istio-init");
}

function checkAnnotations({ report }: AnalysisContext, object: AnalyzedObject, withCni: boolean): void {
  for (const name of Object.keys(object.annotations)) {
    if (!isIstioAnnotation(name) || OWN_ANNOTATIONS.has(name) || (withCni && SET_WITH_CNI.has(name))) continue;
    if (ISTIO_ANNOTATIONS.get(name)?.status !== "alpha") continue;
    report(object, MESSAGES.AlphaAnnotation, [name], { field: annotationField(name) });
  }
}
