// The host of a DestinationRule must be known, and each of its subsets must select a workload.
import type { AnalysisContext, Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { ServiceHosts } from "#control-plane/analysis/service-hosts";
import { labelsOf } from "#control-plane/analysis/specs";
import { selects, type Labels } from "#control-plane/registry/labels";

const REGION = "topology.kubernetes.io/region";
const ZONE = "topology.kubernetes.io/zone";
const SUBZONE = "topology.istio.io/subzone";
const HOSTNAME = "kubernetes.io/hostname";

export const subsetSelectPodAnalyzer: Analyzer = {
  name: "destinationrule.SubsetSelectPodAnalyzer",
  description: "Hosts of DestinationRules are known, and subsets select workloads",
  inputs: ["DestinationRule", "Pod", "Service", "ServiceEntry", "Node"],
  needs: ["Pod", "Service"],
  analyze: (context) => {
    const hosts = new ServiceHosts(context.objects);
    const workloads = new WorkloadLabels(context);
    for (const rule of context.objects.list("DestinationRule")) {
      const { spec, key } = rule;
      const host = spec.host ?? "";
      const known = hosts.find(host, key.namespace, spec.exportTo ?? []);
      if (known === undefined) {
        // Istio names these as well, although the rule applies to each host below.
        if (hosts.isKnownWildcard(host)) continue;
        const hint = hosts.hint(host, key.namespace);
        context.report(rule, MESSAGES.UnknownDestinationRuleHost, [host], { near: "spec.host", hint });
        continue;
      }
      for (const [index, subset] of (spec.subsets ?? []).entries()) {
        const wanted = labelsOf(subset?.labels);
        if (workloads.anyBears({ ...known.workloadLabels, ...wanted })) continue;
        if (known.endpointLabels.some((labels) => selects(wanted, labels))) continue;
        const where = { near: `spec.subsets[${index}].labels` };
        context.report(rule, MESSAGES.DestinationRuleSubsetNotSelectPods, [subset?.name ?? ""], where);
      }
    }
  },
};

/** The labels that endpoints of pods bear: their own and those of their node's place. */
class WorkloadLabels {
  #byPair = new Map<string, Labels[]>();
  #anyPod: boolean;

  constructor({ objects }: AnalysisContext) {
    const nodes = new Map(objects.list("Node").map((node) => [node.key.name, node.labels]));
    const pods = objects.list("Pod");
    this.#anyPod = pods.length > 0;
    for (const pod of pods) {
      const labels = endpointLabels(pod, nodes);
      for (const [key, value] of Object.entries(labels)) {
        const pair = `${key}=${value}`;
        const list = this.#byPair.get(pair);
        if (list === undefined) this.#byPair.set(pair, [labels]);
        else list.push(labels);
      }
    }
  }

  anyBears(selector: Labels): boolean {
    const pair = Object.entries(selector)[0];
    if (pair === undefined) return this.#anyPod;
    return (this.#byPair.get(`${pair[0]}=${pair[1]}`) ?? []).some((labels) => selects(selector, labels));
  }
}

function endpointLabels({ labels, spec }: ObjectOf<"Pod">, nodes: ReadonlyMap<string, Labels>): Labels {
  const nodeName = spec.nodeName ?? "";
  const node = nodes.get(nodeName) ?? {};
  const added: Record<string, string> = {};
  const zone = node[ZONE] ?? "";
  if ((node[REGION] ?? "") !== "") added[REGION] = node[REGION] ?? "";
  if (zone !== "") added[ZONE] = zone;
  // Without a zone there is no subzone: a locality is a path.
  if (zone !== "" && (node[SUBZONE] ?? "") !== "") added[SUBZONE] = node[SUBZONE] ?? "";
  if (nodeName !== "") added[HOSTNAME] = nodeName;
  return { ...labels, ...added };
}
