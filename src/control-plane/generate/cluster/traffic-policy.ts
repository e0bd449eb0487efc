// Which settings of a DestinationRule count for one port and subset. A subset's blocks replace those of the host one by one;
// settings of a port replace all of them at once, also with nothing (so says the API).
import type { ClientTLSMode, TrafficPolicy } from "#api/destination-rule";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ResolvedDestinationRule } from "#control-plane/mesh/mesh";

export type EffectivePolicy = Pick<
  TrafficPolicy,
  "connectionPool" | "loadBalancer" | "outlierDetection" | "tls" | "proxyProtocol" | "retryBudget"
>;

/** `subset`: its name, "" for the host as a whole. What nobody says in a rule the mesh says. */
export function effectivePolicy(
  rule: ResolvedDestinationRule | undefined,
  subset: string,
  port: number,
  mesh: MeshConfigSpec,
): EffectivePolicy {
  const policy = policyOfRule(rule, subset, port);
  const defaults = mesh.defaultTrafficPolicy;
  if (defaults === undefined) return policy;
  const connectionPool = policy.connectionPool ?? defaults.connectionPool;
  const outlierDetection = policy.outlierDetection ?? defaults.outlierDetection;
  return {
    ...policy,
    ...(connectionPool === undefined ? {} : { connectionPool }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
  };
}

/** Only what the rule itself says: what the application's own sidecar takes over from it. */
export function policyOfRule(rule: ResolvedDestinationRule | undefined, subset: string, port: number): EffectivePolicy {
  return overlay(overlay({}, rule?.spec.trafficPolicy, port), subsetPolicy(rule, subset), port);
}

/**
 * The TLS mode that endpoints of the subset are filtered by. Unlike the blocks above a subset does not inherit the host's, and a port
 * without tls leaves the policy's: so istiod decides it.
 */
export function endpointTlsMode(rule: ResolvedDestinationRule | undefined, subset: string, port: number): ClientTLSMode | undefined {
  const policy = subset === "" ? rule?.spec.trafficPolicy : subsetPolicy(rule, subset);
  const ofPort = policy?.portLevelSettings?.find((settings) => settings.port?.number === port && settings.tls !== undefined);
  const tls = ofPort?.tls ?? policy?.tls;
  return tls === undefined ? undefined : (tls.mode ?? "DISABLE");
}

/** Whether connections are to go where the caller was going, as the policy of host or subset says at its top. */
export function asksForOriginalDestination(rule: ResolvedDestinationRule | undefined, subset: string): boolean {
  const policy = subset === "" ? rule?.spec.trafficPolicy : subsetPolicy(rule, subset);
  return policy?.loadBalancer?.simple === "PASSTHROUGH";
}

/**
 * True when the policy asks for a certificate that nobody issues in this mesh. Its cluster gets no endpoints: a request fails with 503
 * rather than go out in the clear.
 */
export function needsMissingCertificate(policy: EffectivePolicy, hasCertificateAuthority: boolean): boolean {
  return !hasCertificateAuthority && policy.tls?.mode === "ISTIO_MUTUAL";
}

function subsetPolicy(rule: ResolvedDestinationRule | undefined, subset: string): TrafficPolicy | undefined {
  return subset === "" ? undefined : rule?.spec.subsets?.find(({ name }) => name === subset)?.trafficPolicy;
}

/** Blocks that settings of a port can hold. */
const PORT_BLOCKS = ["connectionPool", "loadBalancer", "outlierDetection", "tls"] as const;
const BLOCKS = [...PORT_BLOCKS, "proxyProtocol", "retryBudget"] as const;

function overlay(base: EffectivePolicy, policy: TrafficPolicy | undefined, port: number): EffectivePolicy {
  if (policy === undefined) return base;
  const ofPort = policy.portLevelSettings?.find((settings) => settings.port?.number === port);
  if (ofPort === undefined) return { ...base, ...written(BLOCKS, policy) };
  const { proxyProtocol, retryBudget } = base;
  return { ...written(["proxyProtocol", "retryBudget"], { proxyProtocol, retryBudget }), ...written(PORT_BLOCKS, ofPort) };
}

type Writable = { readonly [Block in keyof EffectivePolicy]?: EffectivePolicy[Block] | undefined };

function written(blocks: readonly (keyof EffectivePolicy)[], policy: Writable): EffectivePolicy {
  return Object.fromEntries(blocks.filter((block) => policy[block] !== undefined).map((block) => [block, policy[block]]));
}
