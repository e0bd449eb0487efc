// Which proxies get the same clusters and endpoints: those that see the same services and rules, and that are in the same place as far
// as anybody asks where they are.
import { topologyKey } from "#control-plane/generate/endpoint/port-load-assignment";
import { topologyOf, type Topology } from "#control-plane/generate/endpoint/topology";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { outboundPorts } from "./cluster/outbound-port.ts";
import type { ResourceCache } from "./resource-cache.ts";

export function callerClass(view: ProxyView, cache: ResourceCache): string {
  const { namespace, type, labels } = view.node;
  const scope = JSON.stringify([type, namespace, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
  const asked = cache.get(`topology ${scope}`, [view.mesh.destinations, view.services], () => topologyReads(view));
  return `${scope} ${asked.map((read) => read(topologyOf(view))).join(" ")}`;
}

type Read = (place: Topology) => string;

const FIELDS = ["locality", "network", "clusterId", "nodeName"] as const;

/** What of a caller's place decides about any of its endpoints: found out by watching what is read. */
function topologyReads(view: ProxyView): readonly Read[] {
  const fields = new Set<(typeof FIELDS)[number]>();
  const labels = new Set<string>();
  const watched: Topology = Object.defineProperties(
    {
      labels: new Proxy<Record<string, string>>(
        {},
        {
          get: (_, name) => {
            labels.add(String(name));
            return undefined;
          },
        },
      ),
    },
    Object.fromEntries(
      FIELDS.map((field) => [
        field,
        {
          get: () => {
            fields.add(field);
            return "";
          },
        },
      ]),
    ),
  ) as Topology;
  for (const outbound of outboundPorts(view)) topologyKey(outbound, view.mesh, watched);
  return [
    ...[...fields].sort().map(
      (field): Read =>
        (place) =>
          place[field],
    ),
    ...[...labels].sort().map(
      (label): Read =>
        (place) =>
          `${label}=${place.labels[label] ?? ""}`,
    ),
  ];
}
