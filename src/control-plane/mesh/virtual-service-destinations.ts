// Where the routes of a VirtualService lead: hosts, and which of their ports.
import type { Destination } from "#api/virtual-service";
import type { ResolvedVirtualService } from "./mesh.ts";

export type DestinationPorts = "all" | ReadonlySet<number>;

/** `namespace`: routes that are for callers of other namespaces alone do not count. */
export function destinationsOf({ spec }: ResolvedVirtualService, namespace: string): ReadonlyMap<string, DestinationPorts> {
  const result = new Map<string, "all" | Set<number>>();
  const add = (destination: Destination | undefined): void => {
    if (destination === undefined) return;
    const { host, port } = destination;
    const known = result.get(host);
    if (port === undefined || known === "all") result.set(host, "all");
    else if (known === undefined) result.set(host, new Set([port.number ?? 0]));
    else known.add(port.number ?? 0);
  };
  for (const route of spec.http ?? []) {
    const sources = (route.match ?? []).map((match) => match.sourceNamespace ?? "").filter((source) => source !== "");
    if (sources.length > 0 && !sources.includes(namespace)) continue;
    for (const { destination } of route.route ?? []) add(destination);
    add(route.mirror);
    for (const { destination } of route.mirrors ?? []) add(destination);
  }
  for (const route of [...(spec.tls ?? []), ...(spec.tcp ?? [])]) for (const { destination } of route.route ?? []) add(destination);
  return result;
}
