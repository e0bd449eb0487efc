// Host names as Istio compares them: exact ones, `*` and `*suffix`; short names are completed with the namespace of whoever wrote
// them. The one place for these rules.

export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}

/** `reviews` in namespace default -> `reviews.default.svc.cluster.local`. A name with a dot, a wildcard and an address stay. */
export function fullHost(host: string, namespace: string, domain: string): string {
  if (host === "" || host.includes(".") || host.includes(":") || isWildcard(host)) return host;
  return namespace === "" ? `${host}.svc.${domain}` : `${host}.${namespace}.svc.${domain}`;
}

/** True when some name is meant by both. */
export function hostsOverlap(a: string, b: string): boolean {
  if (isWildcard(a)) {
    if (!isWildcard(b)) return b.endsWith(a.slice(1));
    return a.length < b.length ? b.endsWith(a.slice(1)) : a.endsWith(b.slice(1));
  }
  return isWildcard(b) ? a.endsWith(b.slice(1)) : a === b;
}

/** True when every name that `a` means is meant by `b`. */
export function isHostWithin(a: string, b: string): boolean {
  if (!isWildcard(b)) return a === b;
  if (isWildcard(a) && a.length < b.length) return false;
  return a.endsWith(b.slice(1));
}

/** What both lists cover, by the narrower name of each pair, in lower case. */
export function commonHosts(hosts: readonly string[], others: readonly string[]): readonly string[] {
  const common = new Set<string>();
  const lowerOthers = others.map((written) => written.toLowerCase());
  for (const host of hosts.map((written) => written.toLowerCase())) {
    for (const other of lowerOthers) {
      if (isHostWithin(host, other)) common.add(host);
      else if (isHostWithin(other, host)) common.add(other);
    }
  }
  return [...common];
}

/** The order of Istio: names before wildcards, longer ones first, else by letters. */
export function bySpecificity(a: string, b: string): number {
  return Number(isWildcard(a)) - Number(isWildcard(b)) || b.length - a.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** Values by host; a lookup finds the exact host, else the longest wildcard. */
export class HostTable<T> {
  #exact = new Map<string, T>();
  /** Without the star. */
  #suffixes = new Map<string, T>();

  get(host: string): T | undefined {
    return isWildcard(host) ? this.#suffixes.get(host.slice(1)) : this.#exact.get(host);
  }

  set(host: string, value: T): void {
    if (isWildcard(host)) this.#suffixes.set(host.slice(1), value);
    else this.#exact.set(host, value);
  }

  /** The most specific value for a name, which may itself be a wildcard. */
  find(host: string): T | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined || this.#suffixes.size === 0) return exact;
    for (let start = isWildcard(host) ? 1 : 0; start <= host.length; start++) {
      const value = this.#suffixes.get(host.slice(start));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
