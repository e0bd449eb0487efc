// Which preference for near endpoints counts: the rule's, else the service's own, else the mesh's.
import type { LocalityLoadBalancerSetting } from "#api/destination-rule";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { EffectivePolicy } from "#control-plane/generate/cluster/traffic-policy";
import type { Service } from "#control-plane/registry/service";

export interface LocalityPreference {
  readonly setting: LocalityLoadBalancerSetting;
  /** Whether farther endpoints wait until nearer ones fail. Only where failing is noticed: with outlier detection, or by readiness. */
  readonly failover: boolean;
}

const NETWORK = "topology.istio.io/network";
const REGION = "topology.kubernetes.io/region";
const ZONE = "topology.kubernetes.io/zone";

/** What Kubernetes' trafficDistribution compares. PreferClose is the older name of PreferSameZone. */
const DISTRIBUTIONS: Readonly<Record<string, readonly string[]>> = {
  PreferClose: [NETWORK, REGION, ZONE],
  PreferSameZone: [NETWORK, REGION, ZONE],
  PreferSameNode: [NETWORK, REGION, ZONE, "topology.istio.io/subzone", "kubernetes.io/hostname"],
};

/** Istio prefers near endpoints unless the mesh says otherwise. */
const MESH_DEFAULT: LocalityLoadBalancerSetting = { enabled: true };

/** Undefined: all endpoints are alike. */
export function localityPreference(service: Service, policy: EffectivePolicy, mesh: MeshConfigSpec): LocalityPreference | undefined {
  const failover = policy.outlierDetection !== undefined;
  const ofRule = policy.loadBalancer?.localityLbSetting;
  if (ofRule !== undefined) return ofRule.enabled === false ? undefined : { setting: ofRule, failover };
  const failoverPriority = distributionOf(service);
  if (failoverPriority !== undefined) return { setting: { enabled: true, failoverPriority: [...failoverPriority] }, failover: true };
  const ofMesh = mesh.localityLbSetting ?? MESH_DEFAULT;
  return ofMesh.enabled === false ? undefined : { setting: ofMesh, failover };
}

/** With a distribution of its own a service's unready endpoints stand beside the ready ones, so that a caller sees how many are left. */
export function sendsUnhealthyEndpoints(service: Service): boolean {
  return distributionOf(service) !== undefined;
}

function distributionOf(service: Service): readonly string[] | undefined {
  return service.trafficDistribution === undefined ? undefined : DISTRIBUTIONS[service.trafficDistribution];
}

/** Whether the preference makes any difference to what a caller gets. */
export function isEffective({ setting, failover }: LocalityPreference): boolean {
  return (setting.distribute ?? []).length > 0 || failover;
}

/** Whether Envoy is to look at the weights of localities, not only at those of endpoints. */
export function weighsLocalities({ setting, failover }: LocalityPreference): boolean {
  const { distribute = [], failover: regions = [], failoverPriority = [] } = setting;
  return distribute.length > 0 || (failover && (regions.length > 0 || failoverPriority.length > 0));
}
