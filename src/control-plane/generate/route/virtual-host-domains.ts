// The names by which callers reach a service: its full name and the short forms that hold in the caller's namespace.

/**
 * Short forms of a Kubernetes service name, shortest last as istiod lists them; none for other names.
 * `reviews.default.svc.cluster.local` for a caller in `default.svc.cluster.local`: reviews, reviews.default.svc, reviews.default.
 */
function shortNames(hostname: string, callerDomain: string): readonly string[] {
  const marker = callerDomain.indexOf(".svc.");
  if (marker < 0) return [];
  const suffix = callerDomain.slice(marker);
  const end = hostname.indexOf(".svc.");
  if (end <= 0 || hostname.slice(end) !== suffix) return [];
  const nameAndNamespace = hostname.slice(0, end);
  const dot = nameAndNamespace.indexOf(".");
  if (dot <= 0 || dot === nameAndNamespace.length - 1) return [];
  const sameNamespace = nameAndNamespace.slice(dot + 1) === callerDomain.slice(0, marker);
  return sameNamespace
    ? [nameAndNamespace.slice(0, dot), `${nameAndNamespace}.svc`, nameAndNamespace]
    : [nameAndNamespace, `${nameAndNamespace}.svc`];
}

/** Every name without a port: full name, the same with its dot, short forms, virtual addresses. */
export function serviceDomains(hostname: string, addresses: readonly string[], callerDomain: string): readonly string[] {
  return [hostname, `${hostname}.`, ...shortNames(hostname, callerDomain), ...addresses.map(bracketed)];
}

/** `host:port`; IPv6 addresses are put in brackets. */
export function withPort(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Takes only the domains that no virtual host before has; Envoy refuses a table in which one stands twice, whatever its case. */
export function takeDomains(domains: readonly string[], taken: Set<string>): string[] {
  const mine: string[] = [];
  for (const domain of domains) {
    const key = domain.toLowerCase();
    if (taken.has(key)) continue;
    taken.add(key);
    mine.push(domain);
  }
  return mine;
}
