// A proxy's own settings: MeshConfig's defaultConfig, or what its injection worked out of that and the pod's annotation; then ProxyConfig
// objects, the narrower over the wider.
import { messageOf } from "#api/declaration";
import { decode } from "#api/decode";
import { meshConfig, type ProxyConfig } from "#api/mesh-config";
import type { ApiObject } from "#api/object";
import type { ProxyConfigObjectSpec } from "#api/proxy-config";
import { readYaml } from "#api/yaml-source";
import { selects, type Labels } from "#control-plane/registry/labels";

type ProxyConfigObject = ApiObject<ProxyConfigObjectSpec>;

export interface ProxyConfigInputs {
  readonly defaults: ProxyConfig | undefined;
  /** Oldest first. */
  readonly objects: readonly ProxyConfigObject[];
  readonly rootNamespace: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** Of the node metadata. */
  readonly announced: ProxyConfig | undefined;
}

export function effectiveProxyConfig(inputs: ProxyConfigInputs): ProxyConfig {
  const { objects, rootNamespace, namespace, labels } = inputs;
  const inNamespace = objects.filter((object) => object.metadata.namespace === namespace);
  const candidates = [
    objects.find((object) => object.metadata.namespace === rootNamespace && selectorOf(object) === undefined),
    inNamespace.find((object) => selectorOf(object) === undefined),
    inNamespace.find((object) => {
      const selector = selectorOf(object);
      return selector !== undefined && selects(selector, labels);
    }),
  ];
  let result: ProxyConfig = inputs.announced ?? inputs.defaults ?? {};
  for (const object of candidates) if (object !== undefined) result = withObject(result, object.spec);
  return result;
}

function withObject(below: ProxyConfig, { concurrency, environmentVariables, image }: ProxyConfigObjectSpec): ProxyConfig {
  return {
    ...below,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(environmentVariables === undefined ? {} : { proxyMetadata: { ...below.proxyMetadata, ...environmentVariables } }),
    ...(image === undefined ? {} : { image }),
  };
}

function selectorOf(object: ProxyConfigObject): Labels | undefined {
  const labels = object.spec.selector?.matchLabels;
  return labels === undefined || Object.keys(labels).length === 0 ? undefined : labels;
}

const proxyConfigShape = messageOf(meshConfig).fields.get("defaultConfig")?.type.shape;

/** A ProxyConfig in JSON or YAML, as node metadata and annotations hold it. What is wrong in it does not count: who wrote it was told before. */
export function parseProxyConfig(text: string): ProxyConfig | undefined {
  const root = readYaml(text, "PROXY_CONFIG")[0]?.root;
  if (root === undefined || proxyConfigShape === undefined) return undefined;
  return decode(proxyConfigShape, root, [], () => undefined) as ProxyConfig | undefined;
}
