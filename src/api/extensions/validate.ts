// Istio's rules for WasmPlugin and TrafficExtension.
import { checkPolicySelection } from "#api/validation/selector-rules";
import { isRequestAddress, parseAddress } from "#api/validation/urls";
import type { Check } from "#api/validation/violations";
import type { TrafficExtensionSpec } from "#api/traffic-extension";
import type { WasmPluginSpec } from "#api/wasm-plugin";
import type { VmConfig } from "./plugin.ts";

export function validateWasmPlugin(spec: WasmPluginSpec, check: Check): void {
  checkPolicySelection(spec, check);
  checkPlugin(spec, check);
}

export function validateTrafficExtension(spec: TrafficExtensionSpec, check: Check): void {
  const { wasm, lua } = spec;
  if ((wasm === undefined) === (lua === undefined)) check.error("needs either wasm or lua");
  checkPolicySelection(spec, check);
  if (wasm !== undefined) checkPlugin(wasm, check.at("wasm"));
}

function checkPlugin(plugin: { readonly url: string; readonly vmConfig?: VmConfig | undefined }, check: Check): void {
  check.at("url").refuse(pluginUrlFault(plugin.url));
  for (const [index, { value = "", valueFrom = "INLINE" }] of (plugin.vmConfig?.env ?? []).entries()) {
    const at = check.at("vmConfig", "env", index);
    if (valueFrom === "HOST" && value !== "") at.at("value").error("is taken from the host", "remove it, or set valueFrom: INLINE");
  }
}

const schemes: ReadonlySet<string> = new Set(["", "http", "https", "file", "oci"]);

/** Without a scheme an image is meant: `registry/name:tag`. */
function pluginUrlFault(text: string): string | undefined {
  const parsed = isRequestAddress(text) ? parseAddress(text) : parseAddress(`http://${text}`);
  if (parsed === undefined) return `${JSON.stringify(text)} is no URL`;
  if (schemes.has(parsed.scheme)) return undefined;
  return `${JSON.stringify(parsed.scheme)} is no way to fetch a plugin: use oci, https, http or file`;
}
