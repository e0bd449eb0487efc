// MeshNetworks from a file of their own: networks at its top, and no object around them.
import { decode, type DecodeReport } from "#api/decode";
import { pathText } from "#api/field-path";
import type { Finding } from "#api/finding";
import { meshNetworks, type MeshNetworksSpec } from "#api/mesh-networks";
import { offsetIn } from "#api/source-lookup";
import { Check, type Violation } from "#api/validation/violations";
import { readYaml } from "#api/yaml-source";
import { validateMeshNetworks } from "./validate.ts";

/** The spec is absent when there is an error. */
export function readMeshNetworks(text: string, file: string): { readonly spec?: MeshNetworksSpec; readonly findings: readonly Finding[] } {
  const source = readYaml(text, file).find((document) => document.root !== undefined || document.findings.length > 0);
  const { root, findings: broken = [] } = source ?? {};
  if (source === undefined || broken.length > 0 || root === undefined)
    return broken.length > 0 ? { findings: broken } : { spec: {}, findings: [] };
  const findings: Finding[] = [];
  const say = ({ level, code, path, offset, message, hint }: Omit<DecodeReport, "code"> & { readonly code: string }): void => {
    const field = pathText(path);
    const place = source.place(offset);
    findings.push({ level, code, message, place, ...(field === "" ? {} : { field }), ...(hint === undefined ? {} : { hint }) });
  };
  const spec = decode(meshNetworks.shape, root, [], say) as MeshNetworksSpec | undefined;
  if (spec !== undefined && findings.every(({ level }) => level !== "error")) {
    const violations: Violation[] = [];
    validateMeshNetworks(spec, new Check({ name: "istio", namespace: "" }, [], violations));
    for (const violation of violations) say({ ...violation, offset: offsetIn(root, violation.path) });
  }
  return findings.some(({ level }) => level === "error") ? { findings } : { spec: spec ?? {}, findings };
}
