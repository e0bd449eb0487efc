// The hosts of one egress listener of a Sidecar: `namespace/host`, with `.` for the own namespace and `*` for any; with `~` in front they
// are left out again (`~namespace/host`, `~/host` in any namespace; `~/*` is nothing at all).
import { hostsOverlap, isHostWithin } from "./host.ts";

const ANY_NAMESPACE = "*";

interface Scope {
  readonly exact: Set<string>;
  readonly patterns: string[];
}

export class EgressHosts {
  readonly #included = new Map<string, Scope>();
  readonly #excluded = new Map<string, Scope>();

  constructor(hosts: readonly string[], ownNamespace: string) {
    for (const written of hosts) {
      const excludes = written.startsWith("~");
      const entry = excludes ? written.slice(1) : written;
      const slash = entry.indexOf("/");
      // Validation has named what is of another form.
      if (slash < 0 || entry.includes("/", slash + 1)) continue;
      const scope = entry.slice(0, slash);
      const namespace = scope === "." ? ownNamespace : scope === "" ? ANY_NAMESPACE : scope;
      add(excludes ? this.#excluded : this.#included, namespace, entry.slice(slash + 1));
    }
  }

  hasService(hostname: string, namespace: string): boolean {
    return covers(this.#included, hostname, namespace) && !covers(this.#excluded, hostname, namespace);
  }

  /**
   * One of its hosts is enough, and an overlap with it: Istio compares VirtualServices less strictly than services. It is gone when all of
   * its hosts are left out.
   */
  hasVirtualService(hosts: readonly string[], namespace: string): boolean {
    const kept = this.#excluded.size === 0 ? hosts : hosts.filter((host) => !covers(this.#excluded, host, namespace));
    return scopesOf(this.#included, namespace).some((scope) =>
      kept.some((host) => scope.exact.has(host) || scope.patterns.some((pattern) => hostsOverlap(host, pattern))),
    );
  }
}

function add(scopes: Map<string, Scope>, namespace: string, host: string): void {
  let scope = scopes.get(namespace);
  if (scope === undefined) scopes.set(namespace, (scope = { exact: new Set(), patterns: [] }));
  // Exact hosts are patterns, too, because a wildcard VirtualService overlaps with them.
  scope.exact.add(host);
  scope.patterns.push(host);
}

function scopesOf(scopes: ReadonlyMap<string, Scope>, namespace: string): readonly Scope[] {
  return [scopes.get(namespace), scopes.get(ANY_NAMESPACE)].filter((scope) => scope !== undefined);
}

function covers(scopes: ReadonlyMap<string, Scope>, host: string, namespace: string): boolean {
  return scopesOf(scopes, namespace).some(
    (scope) => scope.exact.has(host) || scope.patterns.some((pattern) => pattern.startsWith("*") && isHostWithin(host, pattern)),
  );
}
