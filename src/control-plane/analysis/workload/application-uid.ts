// The user id of the sidecar is how captured traffic is told apart: an application that runs with it escapes the mesh.
import type { PodSpec } from "#api/kubernetes/pod";
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { isControlPlane, PROXY_CONTAINER } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import type { Written } from "#control-plane/analysis/specs";

const SIDECAR_UID = 1337;
const OWN_CONTAINERS = new Set([PROXY_CONTAINER, "istio-operator"]);

export const applicationUidAnalyzer: Analyzer = {
  name: "applicationUID.Analyzer",
  description: "No application runs with the user id of the sidecar",
  inputs: ["Pod", "Deployment"],
  analyze: ({ objects, report }) => {
    const hint = "run the application with another user id";
    for (const pod of objects.list("Pod")) {
      const near = isControlPlane(pod) ? undefined : uidField(pod.spec, "spec");
      if (near !== undefined) report(pod, MESSAGES.InvalidApplicationUID, [], { near, hint });
    }
    for (const deployment of objects.list("Deployment")) {
      const near = isControlPlane(deployment) ? undefined : uidField(deployment.spec.template?.spec ?? {}, "spec.template.spec");
      if (near !== undefined) report(deployment, MESSAGES.InvalidApplicationUID, [], { near, hint });
    }
  },
};

function uidField(spec: Written<PodSpec>, field: string): string | undefined {
  if (spec.securityContext?.runAsUser === SIDECAR_UID) return `${field}.securityContext.runAsUser`;
  const index = (spec.containers ?? []).findIndex(
    (container) => !OWN_CONTAINERS.has(container?.name ?? "") && container?.securityContext?.runAsUser === SIDECAR_UID,
  );
  return index === -1 ? undefined : `${field}.containers[${index}].securityContext.runAsUser`;
}
