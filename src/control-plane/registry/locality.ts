// Where an instance stands, as `region/zone/sub-zone`.
import type { Labels } from "./labels.ts";

/** Of a pod or WorkloadEntry. Its value cannot hold a slash in Kubernetes, so dots stand for them. */
const LOCALITY_LABEL = "istio-locality";
const REGION = "topology.kubernetes.io/region";
const ZONE = "topology.kubernetes.io/zone";
const OLD_REGION = "failure-domain.beta.kubernetes.io/region";
const OLD_ZONE = "failure-domain.beta.kubernetes.io/zone";
const SUB_ZONE = "topology.istio.io/subzone";

export function localityOfNode(labels: Labels): string {
  const region = labels[REGION] ?? labels[OLD_REGION] ?? "";
  const zone = labels[ZONE] ?? labels[OLD_ZONE] ?? "";
  const subZone = labels[SUB_ZONE] ?? "";
  return region === "" && zone === "" && subZone === "" ? "" : trimmed(`${region}/${zone}/${subZone}`);
}

/** "" when the label is not there. */
export function localityOfLabel(labels: Labels): string {
  const written = labels[LOCALITY_LABEL] ?? "";
  return written.includes("/") ? written : written.replaceAll(".", "/");
}

/** The labels by which localities and clusters are told apart (failover priorities, subsets), beside the instance's own. */
export function topologyLabels(where: {
  readonly locality: string;
  readonly network: string;
  readonly clusterId: string;
  readonly nodeName: string;
}): Record<string, string> {
  const [region = "", zone = "", subZone = ""] = where.locality.split("/");
  const labels: [string, string][] = [
    [REGION, region],
    [ZONE, zone],
    [SUB_ZONE, subZone],
    ["topology.istio.io/cluster", where.clusterId],
    ["topology.istio.io/network", where.network],
    ["kubernetes.io/hostname", where.nodeName],
  ];
  return Object.fromEntries(labels.filter(([, value]) => value !== ""));
}

function trimmed(locality: string): string {
  return locality.replace(/\/+$/u, "");
}
