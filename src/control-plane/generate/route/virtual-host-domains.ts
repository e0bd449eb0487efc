// The names by which callers reach a service: its full name, the short forms that hold where the caller is, its addresses.
import type { Service } from "#control-plane/registry/service";

/** What names depend on, beside the service. */
export interface ServiceNames {
  readonly service: Service;
  /** Hosts of the services that stand for this one. */
  readonly aliases: readonly string[];
  readonly addresses: readonly string[];
  /** `default.svc.cluster.local` */
  readonly callerDomain: string;
}

export interface Domains {
  /** Without ports, in istiod's order. */
  readonly names: readonly string[];
  /** Those of them that are short forms: they give way to a service that really has the name. */
  readonly shortForms: ReadonlySet<string>;
}

export function serviceDomains({ service, aliases, addresses, callerDomain }: ServiceNames): Domains {
  const names: string[] = [];
  const shortForms = new Set<string>();
  for (const host of [service.hostname, ...aliases]) {
    const short = shortNames(host, callerDomain);
    for (const name of short) shortForms.add(name);
    // With the dot behind it DNS takes a name as complete, and some clients send it so.
    names.push(bracketed(host), `${host}.`, ...short);
  }
  // Instances of a headless service have names of their own below it.
  if (service.headless) names.push(...names.map((name) => `*.${name}`));
  names.push(...addresses.map(bracketed));
  return { names, shortForms };
}

/** Short forms that a caller's resolver completes, in istiod's order. `reviews.default.svc.cluster.local` called in `default`: reviews, reviews.default.svc, reviews.default. */
export function shortNames(hostname: string, callerDomain: string): readonly string[] {
  const marker = callerDomain.indexOf(".svc.");
  if (marker < 0) return namesBySharedSuffix(hostname, callerDomain);
  // Names that are not of this cluster's services have no short form here: it could be another service's name.
  const end = hostname.indexOf(".svc.");
  if (end <= 0 || hostname.slice(end) !== callerDomain.slice(marker)) return [];
  const nameAndNamespace = hostname.slice(0, end);
  const dot = nameAndNamespace.indexOf(".");
  if (dot < 0 || dot === nameAndNamespace.length - 1) return [];
  const sameNamespace = nameAndNamespace.slice(dot + 1) === callerDomain.slice(0, marker);
  return sameNamespace
    ? [nameAndNamespace.slice(0, dot), `${nameAndNamespace}.svc`, nameAndNamespace]
    : [nameAndNamespace, `${nameAndNamespace}.svc`];
}

/** Outside Kubernetes: `foo.local.campus.net` called in `remote.campus.net` is foo.local, and foo.local.campus. */
function namesBySharedSuffix(hostname: string, callerDomain: string): readonly string[] {
  const host = hostname.split(".");
  const caller = callerDomain.split(".");
  let shared = 0;
  while (shared < Math.min(host.length, caller.length) && host.at(-1 - shared) === caller.at(-1 - shared)) shared++;
  if (shared === 0) return [];
  const own = host.slice(0, host.length - shared);
  const name = own.join(".");
  return own.length === 2 ? [name, `${name}.${host[own.length]}`] : [name];
}

/** `host:port`; IPv6 addresses are put in brackets. */
export function withPort(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** The domains of one route configuration: Envoy refuses one in which a domain stands twice, whatever its case. */
export class DomainTable {
  readonly #taken = new Set<string>();
  readonly #fullNames: ReadonlySet<string>;

  /** `fullNames`: names, with and without port, of the services that get a virtual host of their own. */
  constructor(fullNames: ReadonlySet<string>) {
    this.#fullNames = fullNames;
  }

  /** Takes what no virtual host before has. A short form gives way to the service whose full name it is, even one that comes later. */
  take(domains: readonly string[], shortForms: ReadonlySet<string>): readonly string[] {
    return domains.filter((domain) => {
      const key = domain.toLowerCase();
      if (this.#taken.has(key) || (shortForms.has(domain) && this.#fullNames.has(domain))) return false;
      this.#taken.add(key);
      return true;
    });
  }
}
