// Every traffic policy that a DestinationRule writes, with its place: of the host, of its ports, of subsets and of their ports.
import type { DestinationRuleSpec, PortTrafficPolicy, TrafficPolicy } from "#api/destination-rule";

export interface WrittenPolicy {
  readonly policy: TrafficPolicy | PortTrafficPolicy;
  readonly field: string;
}

export function* writtenPolicies({ trafficPolicy, subsets = [] }: DestinationRuleSpec): Iterable<WrittenPolicy> {
  yield* withPorts(trafficPolicy, "spec.trafficPolicy");
  for (const [index, subset] of subsets.entries()) yield* withPorts(subset.trafficPolicy, `spec.subsets[${index}].trafficPolicy`);
}

function* withPorts(policy: TrafficPolicy | undefined, field: string): Iterable<WrittenPolicy> {
  if (policy === undefined) return;
  yield { policy, field };
  for (const [index, port] of (policy.portLevelSettings ?? []).entries()) {
    yield { policy: port, field: `${field}.portLevelSettings[${index}]` };
  }
}
