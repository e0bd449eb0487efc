// What the analyzers say of a running mesh: the same rules as `mizzen analyze`, over the objects that its store holds.
import type { Finding } from "#api/finding";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ObjectSet } from "#control-plane/config/object-set";
import type { Labels } from "#control-plane/registry/labels";
import { analyze } from "./analyze.ts";
import { fromApiObject } from "./analyzed-object.ts";
import { DEFAULT_ANALYZERS } from "./analyzers.ts";
import { standInPod, workloadPods } from "./mesh-objects.ts";

/** Analyzers that would say what is not so, or what is said better elsewhere, in a mesh without a cluster. */
const LEFT_OUT = new Set([
  // Nothing is injected: an agent gives each workload its sidecar.
  "injection.Analyzer",
  "injection.ImageAnalyzer",
  "injection.ImageAutoAnalyzer",
  // The gateway listens at every port that a Gateway names, whether or not a Service leads there.
  "gateway.IngressGatewayPortAnalyzer",
  // service-findings.ts says that such a port is not served.
  "service.PortNameAnalyzer",
]);

const ANALYZERS = DEFAULT_ANALYZERS.filter(({ name }) => !LEFT_OUT.has(name));
const KINDS = new Set(ANALYZERS.flatMap(({ inputs }) => inputs));

export interface MeshFindingInputs {
  readonly objects: ObjectSet;
  readonly meshConfig: MeshConfigSpec;
  /** Labels of the gateway proxies that run or will: what a Gateway's selector may find. */
  readonly gatewayLabels: readonly Labels[];
  readonly wallMs: number;
}

export function meshFindings({ objects, meshConfig, gatewayLabels, wallMs }: MeshFindingInputs): readonly Finding[] {
  const written = [...KINDS, "WorkloadGroup"].flatMap((kind) => objects.list(kind).map(fromApiObject));
  const gateways = gatewayLabels.map((labels, index) => standInPod(meshConfig.rootNamespace ?? "istio-system", `gateway-${index}`, labels));
  return analyze({ objects: [...written, ...workloadPods(written), ...gateways], meshConfig, analyzers: ANALYZERS, wallMs }).findings;
}
