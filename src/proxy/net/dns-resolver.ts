// Names to addresses, as the rest of the proxy sees it.

/** Envoy's DnsLookupFamily: `auto` is IPv6 and only without any of it IPv4; `v4-preferred` the other way round. */
export type DnsLookupFamily = "v4" | "v6" | "auto" | "v4-preferred" | "all";

export interface DnsAddress {
  readonly address: string;
  /** How long it is good for; 0: nobody said. */
  readonly ttlMs: number;
}

export type DnsAnswer =
  /** A name that does not exist, or has no addresses of the family, is answered with none. */
  | { readonly ok: true; readonly addresses: readonly DnsAddress[] }
  /** Nobody answered, or not with an answer. */
  | { readonly ok: false; readonly detail: string };

export interface DnsResolver {
  /** Never rejects. */
  resolve(name: string, family: DnsLookupFamily): Promise<DnsAnswer>;
}
