// The type of a pod's proxy image (`distroless`): the most specific of what MeshConfig, ProxyConfigs and the pod itself say.
import type { MeshConfigSpec } from "#api/mesh-config";
import { parseFile } from "#api/parse-file";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import type { ObjectTable } from "#control-plane/analysis/object-table";
import { labelsOf, type Written } from "#control-plane/analysis/specs";
import { selects } from "#control-plane/registry/labels";

const PROXY_CONFIG_ANNOTATION = "proxy.istio.io/config";

export class ImageTypes {
  #objects: ObjectTable;
  #default: string;
  #rootNamespace: string;

  constructor(objects: ObjectTable, meshConfig: MeshConfigSpec) {
    this.#objects = objects;
    this.#default = meshConfig.defaultConfig?.image?.imageType ?? "";
    this.#rootNamespace = meshConfig.rootNamespace ?? "istio-system";
  }

  /** "" for the plain image. */
  of(pod: ObjectOf<"Pod">): string {
    let type = this.#default;
    const take = (candidate: string | undefined): void => {
      if (candidate !== undefined && candidate !== "") type = candidate;
    };
    const configs = this.#objects.list("ProxyConfig");
    const own = configs.filter(({ key }) => key.namespace === pod.key.namespace && key.namespace !== this.#rootNamespace);
    for (const { key, spec } of configs) if (key.namespace === this.#rootNamespace) take(spec.image?.imageType);
    for (const { spec } of own) if (spec.selector === undefined) take(spec.image?.imageType);
    for (const { spec } of own) {
      if (spec.selector !== undefined && selects(labelsOf(spec.selector.matchLabels), pod.labels)) take(spec.image?.imageType);
    }
    take(annotatedType(pod.annotations[PROXY_CONFIG_ANNOTATION]));
    return type === "default" ? "" : type;
  }
}

function annotatedType(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const value = parseFile(text, PROXY_CONFIG_ANNOTATION)[0]?.rawValue() as
    | Written<{ readonly image: { readonly imageType: string } }>
    | undefined;
  return value?.image?.imageType;
}
