// What a workload's ports ask of their callers: the PeerAuthentication for the port, else the one for the workload, its namespace, the
// mesh. What is UNSET is asked of the wider one; where nobody says anything both are taken.
import type { PeerAuthenticationSpec } from "#api/peer-authentication";
import type { ApiObject } from "#api/object";
import { selects, type Labels } from "#control-plane/registry/labels";
import type { MutualTlsMode } from "./mesh.ts";

type Policy = ApiObject<PeerAuthenticationSpec>;

export class MutualTlsModes {
  #byNamespace = new Map<string, Policy[]>();
  #rootNamespace: string;

  /** `policies` stand oldest first. */
  constructor(policies: readonly Policy[], rootNamespace: string) {
    this.#rootNamespace = rootNamespace;
    for (const policy of policies) {
      const { namespace } = policy.metadata;
      const list = this.#byNamespace.get(namespace);
      if (list === undefined) this.#byNamespace.set(namespace, [policy]);
      else list.push(policy);
    }
  }

  /** Ports of the workload that have a mode of their own. */
  ports(namespace: string, labels: Labels): readonly number[] {
    if (namespace === this.#rootNamespace) return [];
    const policy = (this.#byNamespace.get(namespace) ?? []).find((candidate) => isForWorkload(candidate, labels));
    return Object.keys(policy?.spec.portLevelMtls ?? {})
      .map(Number)
      .sort((a, b) => a - b);
  }

  mode(namespace: string, labels: Labels, port: number): MutualTlsMode {
    const own = this.#byNamespace.get(namespace) ?? [];
    // Of several policies of one width the oldest counts.
    // As in Istio, a policy of the root namespace that selects workloads counts nowhere, not even there.
    const inRoot = namespace === this.#rootNamespace;
    const forWorkload = inRoot ? undefined : own.find((policy) => isForWorkload(policy, labels));
    const forNamespace = inRoot ? undefined : own.find((policy) => selectorOf(policy) === undefined);
    const forMesh = (this.#byNamespace.get(this.#rootNamespace) ?? []).find((policy) => selectorOf(policy) === undefined);
    const written = [
      forWorkload?.spec.portLevelMtls?.[String(port)]?.mode,
      ...[forWorkload, forNamespace, forMesh].map((policy) => policy?.spec.mtls?.mode),
    ].find((mode) => mode !== undefined && mode !== "UNSET");
    return written === "DISABLE" || written === "STRICT" ? written : "PERMISSIVE";
  }
}

/** An empty selector selects the whole namespace. */
function selectorOf(policy: Policy): Labels | undefined {
  const labels = policy.spec.selector?.matchLabels;
  return labels === undefined || Object.keys(labels).length === 0 ? undefined : labels;
}

function isForWorkload(policy: Policy, labels: Labels): boolean {
  const selector = selectorOf(policy);
  return selector !== undefined && selects(selector, labels);
}
