// Istio's cluster names. Everything that names a cluster (routes, clusters, endpoints, operations) goes through here.

export const BLACK_HOLE_CLUSTER = "BlackHoleCluster";
export const PASSTHROUGH_CLUSTER = "PassthroughCluster";
export const INBOUND_PASSTHROUGH_CLUSTER = "InboundPassthroughCluster";
/** Where calls of unknown hosts go when they are looked up as they come (ALLOW_ANY_DYNAMIC_DNS). */
export const ALLOW_ANY_DYNAMIC_DNS_CLUSTER = "AllowAnyDynamicDNSCluster";

export function outboundClusterName(port: number, subset: string, hostname: string): string {
  return `outbound|${port}|${subset}|${hostname}`;
}

/** The form that can stand in SNI: the server name of mutual TLS, and the clusters of gateways that pass it through. */
export function outboundServerName(port: number, subset: string, hostname: string): string {
  return `outbound_.${port}_.${subset}_.${hostname}`;
}

export function inboundClusterName(targetPort: number): string {
  return `inbound|${targetPort}||`;
}

/** Host and port behind a cluster name of ours; undefined for names of another form. */
export function parseClusterName(name: string): { readonly hostname: string; readonly port: number } | undefined {
  const parts = name.split("|");
  if (parts.length !== 4) return undefined;
  return { hostname: parts[3] ?? "", port: Number(parts[1]) };
}
