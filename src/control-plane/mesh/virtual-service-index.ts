// Which VirtualServices a namespace sees at a gateway (or at `mesh`), in the order in which they count.
import { isWildcard } from "./host.ts";
import type { ResolvedVirtualService } from "./mesh.ts";
import { visibilityOf } from "./visibility.ts";

interface Lists {
  /** Seen by their own namespace, by other namespaces that they name, by everybody. */
  readonly own: Map<string, ResolvedVirtualService[]>;
  readonly exported: Map<string, ResolvedVirtualService[]>;
  readonly everybody: ResolvedVirtualService[];
}

const NONE: readonly ResolvedVirtualService[] = [];

export class VirtualServiceIndex {
  #byGateway = new Map<string, Lists>();

  /** `virtualServices` stand oldest first. */
  constructor(virtualServices: readonly ResolvedVirtualService[], defaultExportTo: readonly string[] | undefined) {
    for (const virtualService of virtualServices) {
      const { namespace } = virtualService.object.metadata;
      const visibility = visibilityOf(virtualService.spec.exportTo, namespace, defaultExportTo);
      if (visibility.kind === "none") continue;
      for (const gateway of new Set(virtualService.gateways)) {
        let lists = this.#byGateway.get(gateway);
        if (lists === undefined) this.#byGateway.set(gateway, (lists = { own: new Map(), exported: new Map(), everybody: [] }));
        if (visibility.kind === "public") {
          lists.everybody.push(virtualService);
          continue;
        }
        for (const target of visibility.namespaces) add(target === namespace ? lists.own : lists.exported, target, virtualService);
      }
    }
  }

  /** As in Istio: those of the namespace alone, then those exported to it by name, then public ones; each oldest first. */
  forGateway(gateway: string, namespace: string): readonly ResolvedVirtualService[] {
    const lists = this.#byGateway.get(gateway);
    if (lists === undefined) return NONE;
    const own = lists.own.get(namespace) ?? NONE;
    const exported = lists.exported.get(namespace) ?? NONE;
    return own.length === 0 && exported.length === 0 ? lists.everybody : [...own, ...exported, ...lists.everybody];
  }

  /** For sidecars: an exact host beats a wildcard whatever their ages. */
  forMesh(namespace: string): readonly ResolvedVirtualService[] {
    const all = this.forGateway("mesh", namespace);
    const onlyWildcards = (virtualService: ResolvedVirtualService): boolean => virtualService.hosts.every(isWildcard);
    if (!all.some(onlyWildcards)) return all;
    return [...all.filter((virtualService) => !onlyWildcards(virtualService)), ...all.filter(onlyWildcards)];
  }
}

function add(lists: Map<string, ResolvedVirtualService[]>, namespace: string, virtualService: ResolvedVirtualService): void {
  const list = lists.get(namespace);
  if (list === undefined) lists.set(namespace, [virtualService]);
  else list.push(virtualService);
}
