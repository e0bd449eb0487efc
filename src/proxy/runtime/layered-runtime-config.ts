// LayeredRuntime of a bootstrap -> its layers, the last one has the last word.
import type { LayeredRuntime, RuntimeLayer } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { fetchTimeoutMs, readResourceSource } from "#proxy/resource-source";
import type { ResourceSource } from "#proxy/resource-source";
import type { RuntimeValue } from "./runtime-value.ts";
import { flattenStruct } from "./struct-layer.ts";

export interface DiskLayerConfig {
  readonly kind: "disk";
  readonly name: string;
  readonly symlinkRoot: string;
  readonly subdirectory: string;
  readonly appendServiceCluster: boolean;
}

export interface RtdsLayerConfig {
  readonly kind: "rtds";
  readonly name: string;
  /** The Runtime that it is. */
  readonly resource: string;
  readonly source: ResourceSource;
  /** How long the proxy waits for it before it serves; 0: without an end. */
  readonly initialFetchTimeoutMs: number;
}

export type RuntimeLayerConfig =
  | { readonly kind: "static"; readonly name: string; readonly values: ReadonlyMap<string, RuntimeValue> }
  | { readonly kind: "admin"; readonly name: string }
  | DiskLayerConfig
  | RtdsLayerConfig;

/** `checkSource`: whether the bootstrap has who is to serve a layer. */
export function readLayeredRuntime(
  wire: LayeredRuntime | undefined,
  report: ReportViolation,
  checkSource: (source: ResourceSource, path: string) => void,
): readonly RuntimeLayerConfig[] {
  const layers: RuntimeLayerConfig[] = [];
  for (const [at, layer] of (wire?.layers ?? []).entries()) {
    const path = `layered_runtime.layers[${at}]`;
    const read = readLayer(layer, path, report);
    if (layer.name === "") report(`${path}.name`, "must not be empty");
    else if (layers.some(({ name }) => name === layer.name)) report(`${path}.name`, `another layer is called "${layer.name}", too`);
    if (read?.kind === "admin" && layers.some(({ kind }) => kind === "admin")) report(`${path}.admin_layer`, "there is one already");
    if (read?.kind === "rtds") checkSource(read.source, `${path}.rtds_layer.rtds_config`);
    if (read !== undefined) layers.push(read);
  }
  return layers;
}

function readLayer(
  { name, layerSpecifier: specifier }: RuntimeLayer,
  path: string,
  report: ReportViolation,
): RuntimeLayerConfig | undefined {
  switch (specifier.case) {
    case "staticLayer":
      return {
        kind: "static",
        name,
        values: flattenStruct(specifier.value, (key, message) => report(`${path}.static_layer["${key}"]`, message)),
      };
    case "adminLayer":
      return { kind: "admin", name };
    case "diskLayer": {
      const { symlinkRoot, subdirectory, appendServiceCluster } = specifier.value;
      if (symlinkRoot === "") report(`${path}.disk_layer.symlink_root`, "must not be empty");
      return { kind: "disk", name, symlinkRoot, subdirectory, appendServiceCluster };
    }
    case "rtdsLayer": {
      const { name: resource, rtdsConfig } = specifier.value;
      const source = readResourceSource(rtdsConfig, `${path}.rtds_layer.rtds_config`, report);
      return source === undefined ? undefined : { kind: "rtds", name, resource, source, initialFetchTimeoutMs: fetchTimeoutMs(rtdsConfig) };
    }
    case undefined:
      report(path, "needs one of static_layer, disk_layer, admin_layer, rtds_layer");
      return undefined;
    default:
      return specifier satisfies never;
  }
}
