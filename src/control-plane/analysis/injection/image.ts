// Pods whose sidecar is of another image than injection gives now: they were not started again after an upgrade.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { INJECTION_LABEL, PROXY_CONTAINER, REVISION_LABEL } from "#control-plane/analysis/in-mesh";
import { MESSAGES } from "#control-plane/analysis/messages";
import type { ObjectTable } from "#control-plane/analysis/object-table";
import { INJECTOR_CONFIG, injectorConfigName, parseValues } from "./injector-values.ts";
import { ImageTypes } from "./image-types.ts";

const IMAGE_ANNOTATION = "sidecar.istio.io/proxyImage";

export const imageAnalyzer: Analyzer = {
  name: "injection.ImageAnalyzer",
  description: "Sidecars of pods have the image that injection gives",
  inputs: ["Namespace", "Pod", "ConfigMap", "MeshConfig", "ProxyConfig"],
  analyze: ({ objects, meshConfig, report }) => {
    const images = injectedImages(objects);
    if (images.size === 0) return;
    const types = new ImageTypes(objects, meshConfig);
    const mismatched = new Map<string, string[]>();
    for (const pod of objects.list("Pod")) {
      const labels = objects.find("Namespace", "", pod.key.namespace)?.labels ?? {};
      const revision = labels[REVISION_LABEL] ?? (labels[INJECTION_LABEL] === "enabled" ? "default" : undefined);
      if (revision === undefined || (pod.annotations[IMAGE_ANNOTATION] ?? "") !== "") continue;
      const image = images.get(injectorConfigName(revision));
      if (image === undefined) continue;
      const withType = `${image}-${types.of(pod)}`;
      for (const container of [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]) {
        if (container?.name !== PROXY_CONTAINER || container.image === image || container.image === withType) continue;
        const list = mismatched.get(pod.key.namespace) ?? [];
        list.push(pod.key.name);
        mismatched.set(pod.key.namespace, list);
      }
    }
    for (const [name, pods] of mismatched) {
      const namespace = objects.find("Namespace", "", name);
      if (namespace === undefined) continue;
      report(namespace, MESSAGES.PodsIstioProxyImageMismatchInNamespace, [pods.toSorted()], { hint: "start the pods again" });
    }
  },
};

/** By the name of the injector's ConfigMap. */
function injectedImages(objects: ObjectTable): ReadonlyMap<string, string> {
  const images = new Map<string, string>();
  for (const { key, spec } of objects.list("ConfigMap")) {
    if (!key.name.startsWith(INJECTOR_CONFIG)) continue;
    const { hub = "", tag = "", proxy } = parseValues(spec.data?.["values"])?.global ?? {};
    const image = proxy?.image ?? "";
    images.set(key.name, image.includes("/") ? image : `${hub}/${image}:${tag}`);
  }
  return images;
}
