// A Service that exists in several clusters is one service of the mesh: its definitions must agree.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";

type Service = ObjectOf<"Service">;

export const multiClusterServiceAnalyzer: Analyzer = {
  name: "services.MultiClusterServiceAnalyzer",
  description: "Services of several clusters agree",
  inputs: ["Service"],
  analyze: ({ objects, report }) => {
    const named = objects.list("Service").filter(({ cluster }) => cluster !== undefined);
    const byName = Map.groupBy(named, ({ key }) => `${key.namespace}/${key.name}`);
    for (const [first, ...others] of byName.values()) {
      if (first === undefined || others.length === 0) continue;
      const faults = new Set<string>();
      const clusters = new Set<string>();
      for (const other of others) {
        const found = differences(first, other);
        if (found.length > 0) clusters.add(other.cluster ?? "");
        for (const fault of found) faults.add(fault);
      }
      if (faults.size === 0) continue;
      const names = [first.cluster ?? "", ...clusters].toSorted();
      const { name, namespace } = first.key;
      report(first, MESSAGES.MultiClusterInconsistentService, [name, namespace, names, [...faults].toSorted().join("; ")]);
    }
  },
};

function differences(a: Service, b: Service): readonly string[] {
  const found: string[] = [];
  if ((a.spec.clusterIP === "None") !== (b.spec.clusterIP === "None")) found.push("it is headless in one of them");
  if ((a.spec.type ?? "ClusterIP") !== (b.spec.type ?? "ClusterIP")) found.push("the types differ");
  if (portsText(a) !== portsText(b)) found.push("the ports differ");
  return found;
}

function portsText({ spec }: Service): string {
  const ports = (spec.ports ?? []).map((port) => {
    const { name = "", port: number = 0, protocol = "TCP", targetPort = number, appProtocol = "", nodePort = 0 } = port ?? {};
    return [name, number, protocol, targetPort, appProtocol, nodePort].join("|");
  });
  return ports.toSorted().join(",");
}
