// The DNS caches that clusters share with the filters before them: which of them the calls at a port may need.
import type { DnsCacheConfig } from "#envoy/gen/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import type { Service } from "#control-plane/registry/service";
import { callerOf } from "./caller.ts";
import { ALLOW_ANY_DYNAMIC_DNS_CLUSTER } from "./cluster-name.ts";
import { dnsCacheConfig } from "./dns.ts";

/** For hosts that nobody declared, where they are looked up as calls come. */
export function unknownHostCaches(view: ProxyView): readonly DnsCacheConfig[] {
  const { mode, egressProxy } = view.outboundTrafficPolicy;
  if (mode !== "ALLOW_ANY_DYNAMIC_DNS" || egressProxy !== undefined) return [];
  return [dnsCacheConfig(ALLOW_ANY_DYNAMIC_DNS_CLUSTER, callerOf(view))];
}

/** For services that stand for many hosts: `*.example.com`. */
export function serviceCaches(services: readonly Service[], view: ProxyView): readonly DnsCacheConfig[] {
  const dynamic = services.filter(({ resolution }) => resolution === "DYNAMIC_DNS");
  return dynamic.map(({ hostname }) => dnsCacheConfig(hostname, callerOf(view)));
}
