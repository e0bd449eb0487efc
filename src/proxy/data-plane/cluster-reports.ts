// What the traffic threads of one proxy say of its clusters, as one picture.
import type { ClusterSummary, HostSummary } from "#proxy/admin/admin-source";

/** Counters are summed over threads; weight, locality and what endpoints say are the same on all of them. Sorted by cluster, hosts in order. */
export function mergeReports(reports: readonly (readonly ClusterSummary[])[]): ClusterSummary[] {
  const clusters = new Map<string, Map<string, HostSummary>>();
  for (const { name, hosts } of reports.flat()) {
    let known = clusters.get(name);
    if (known === undefined) clusters.set(name, (known = new Map()));
    for (const host of hosts) {
      const key = `${host.address} ${host.port}`;
      const before = known.get(key);
      known.set(key, before === undefined ? host : sum(before, host));
    }
  }
  return [...clusters].map(([name, hosts]) => ({ name, hosts: [...hosts.values()] })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sum(a: HostSummary, b: HostSummary): HostSummary {
  return {
    ...a,
    ejected: a.ejected || b.ejected,
    // Each thread sees a part of the requests: the worst of what they say.
    successRate: worst(a.successRate, b.successRate),
    localOriginSuccessRate: worst(a.localOriginSuccessRate, b.localOriginSuccessRate),
    cxActive: a.cxActive + b.cxActive,
    cxTotal: a.cxTotal + b.cxTotal,
    cxConnectFail: a.cxConnectFail + b.cxConnectFail,
    rqActive: a.rqActive + b.rqActive,
    rqTotal: a.rqTotal + b.rqTotal,
    rqSuccess: a.rqSuccess + b.rqSuccess,
    rqError: a.rqError + b.rqError,
    rqTimeout: a.rqTimeout + b.rqTimeout,
  };
}

function worst(a: number, b: number): number {
  return a < 0 ? b : b < 0 ? a : Math.min(a, b);
}
