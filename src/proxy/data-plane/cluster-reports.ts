// What the traffic threads of one proxy say of its clusters, as one picture.
import type { ClusterSummary, HostSummary } from "#proxy/admin/admin-source";
import type { OutlierSummary, SuccessRates } from "#proxy/cluster/outlier/outlier-detector";

/** Counters are summed over threads; weight, locality and what endpoints say are the same on all of them. Sorted by cluster, hosts in order. */
export function mergeReports(reports: readonly (readonly ClusterSummary[])[]): ClusterSummary[] {
  const clusters = new Map<string, { readonly outliers: OutlierSummary | undefined; readonly hosts: Map<string, HostSummary> }>();
  for (const { name, outliers, hosts } of reports.flat()) {
    const before = clusters.get(name);
    const known = { outliers: worstRates(before?.outliers, outliers), hosts: before?.hosts ?? new Map<string, HostSummary>() };
    clusters.set(name, known);
    for (const host of hosts) {
      const key = `${host.address} ${host.port}`;
      const one = known.hosts.get(key);
      known.hosts.set(key, one === undefined ? host : sum(one, host));
    }
  }
  return [...clusters]
    .map(([name, { outliers, hosts }]) => ({ name, outliers, hosts: [...hosts.values()] }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of the thread whose requests went worst. */
function worstRates(a: OutlierSummary | undefined, b: OutlierSummary | undefined): OutlierSummary | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const worse = (one: SuccessRates, other: SuccessRates): SuccessRates =>
    other.average >= 0 && (one.average < 0 || other.average < one.average) ? other : one;
  return { external: worse(a.external, b.external), localOrigin: worse(a.localOrigin, b.localOrigin) };
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
    rqPendingActive: a.rqPendingActive + b.rqPendingActive,
  };
}

function worst(a: number, b: number): number {
  return a < 0 ? b : b < 0 ? a : Math.min(a, b);
}
