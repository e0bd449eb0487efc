// Which Sidecar applies to a proxy: the oldest of its namespace that selects it, else the oldest of its namespace for all workloads, else
// that of the root namespace.
import type { ApiObject } from "#api/object";
import type { SidecarSpec } from "#api/sidecar";
import { selects, type Labels } from "#control-plane/registry/labels";

export type Sidecar = ApiObject<SidecarSpec>;

export class SidecarIndex {
  readonly #byNamespace = new Map<string, Sidecar[]>();
  readonly #forMesh: Sidecar | undefined;

  /** `sidecars` stand oldest first. */
  constructor(sidecars: readonly Sidecar[], rootNamespace: string) {
    for (const sidecar of sidecars) {
      const list = this.#byNamespace.get(sidecar.metadata.namespace);
      if (list === undefined) this.#byNamespace.set(sidecar.metadata.namespace, [sidecar]);
      else list.push(sidecar);
    }
    // As in Istio, one with a selector in the root namespace is for that namespace alone.
    this.#forMesh = (this.#byNamespace.get(rootNamespace) ?? []).find(isForAll);
  }

  find(namespace: string, labels: Labels): Sidecar | undefined {
    const own = this.#byNamespace.get(namespace) ?? [];
    return (
      own.find((sidecar) => !isForAll(sidecar) && selects(sidecar.spec.workloadSelector?.labels ?? {}, labels)) ??
      own.find(isForAll) ??
      this.#forMesh
    );
  }
}

function isForAll(sidecar: Sidecar): boolean {
  return sidecar.spec.workloadSelector === undefined;
}
