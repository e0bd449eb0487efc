// preconnect_policy: connections that are opened before there is a request for them. A pool has room for so many streams, and wants room for
// its streams times a ratio; the arithmetic is that of Envoy's connection pools.
import type { Cluster_PreconnectPolicy } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";

export interface PreconnectConfig {
  /** Of each host; 1: connections come with requests. */
  readonly perUpstream: number;
  /** Of the cluster: hosts that the next requests go to connect before those come. 1: they do not. */
  readonly predictive: number;
}

/** What connections are for, counted in streams. */
export interface Demand {
  /** They wait for a connection. */
  readonly pending: number;
  readonly active: number;
  /** That connections have room for, those included that are not there yet. */
  readonly unused: number;
}

/** A request opens at most so many connections besides its own. */
export const MAX_PRECONNECTS = 3;

/** `coming`: streams that are about to begin. */
export function wantsConnection({ pending, active, unused }: Demand, ratio: number, coming = 0): boolean {
  return (pending + active + coming) * ratio > unused + active;
}

/** A stream begins: the hosts of those that will follow connect. `demands`: of all hosts' pools. `next`: whom the next stream goes to. */
export function connectAhead<H>(
  ratio: number,
  demands: () => readonly Demand[],
  next: () => H | undefined,
  preconnect: (host: H) => boolean,
): void {
  for (let opened = 0; opened < MAX_PRECONNECTS && wantsConnection(sumOf(demands()), ratio, 1); opened++) {
    const host = next();
    if (host === undefined || !preconnect(host)) return;
  }
}

function sumOf(demands: readonly Demand[]): Demand {
  const sum = (of: (one: Demand) => number): number => demands.reduce((total, one) => total + of(one), 0);
  return { pending: sum(({ pending }) => pending), active: sum(({ active }) => active), unused: sum(({ unused }) => unused) };
}

export function readPreconnectPolicy(
  wire: Cluster_PreconnectPolicy | undefined,
  refuse: (path: string, message: string) => void,
): PreconnectConfig {
  const ratio = (value: number | undefined, field: string): number => {
    if (value !== undefined && !(value >= 1 && value <= 3)) refuse(`preconnect_policy.${field}`, "must be from 1 to 3");
    return value ?? 1;
  };
  return {
    perUpstream: ratio(wire?.perUpstreamPreconnectRatio, "per_upstream_preconnect_ratio"),
    predictive: ratio(wire?.predictivePreconnectRatio, "predictive_preconnect_ratio"),
  };
}
