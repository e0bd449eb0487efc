// Which settings of a DestinationRule count for one port and subset. A subset's blocks replace those of the host one by one;
// settings of a port replace all of them at once, also with nothing (so says the API).
import type { ConnectionPoolSettings, ClientTLSSettings, LoadBalancerSettings, TrafficPolicy } from "#api/destination-rule";

export interface EffectivePolicy {
  readonly connectionPool: ConnectionPoolSettings | undefined;
  readonly loadBalancer: LoadBalancerSettings | undefined;
  readonly tls: ClientTLSSettings | undefined;
}

const NOTHING: EffectivePolicy = { connectionPool: undefined, loadBalancer: undefined, tls: undefined };

export function effectivePolicy(host: TrafficPolicy | undefined, subset: TrafficPolicy | undefined, port: number): EffectivePolicy {
  return overlay(overlay(NOTHING, host, port), subset, port);
}

function overlay(base: EffectivePolicy, policy: TrafficPolicy | undefined, port: number): EffectivePolicy {
  if (policy === undefined) return base;
  const ofPort = policy.portLevelSettings?.find((settings) => settings.port?.number === port);
  if (ofPort !== undefined) return { connectionPool: ofPort.connectionPool, loadBalancer: ofPort.loadBalancer, tls: ofPort.tls };
  return {
    connectionPool: policy.connectionPool ?? base.connectionPool,
    loadBalancer: policy.loadBalancer ?? base.loadBalancer,
    tls: policy.tls ?? base.tls,
  };
}

/**
 * True when the policy asks for encryption that nobody can provide yet. Its cluster gets no endpoints: a request fails with 503
 * rather than go out in the clear.
 */
export function needsMissingEncryption(policy: EffectivePolicy): boolean {
  return policy.tls !== undefined && (policy.tls.mode ?? "DISABLE") !== "DISABLE";
}
