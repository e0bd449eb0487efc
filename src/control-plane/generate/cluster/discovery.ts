// How a cluster finds its endpoints.
import { isHttp, type Service, type ServicePort } from "#control-plane/registry/service";
import type { Caller } from "./caller.ts";
import type { EffectivePolicy } from "./traffic-policy.ts";

export type Discovered =
  | { readonly kind: "eds" }
  /** `firstAnswer`: one connection pool for whatever the name means at the moment. */
  | { readonly kind: "dns"; readonly firstAnswer: boolean }
  | { readonly kind: "dynamic-dns" }
  /** `port`: where the endpoint listens, when it is not the port that the caller used. */
  | { readonly kind: "original-destination"; readonly port: number | undefined };

/** Undefined: there is no cluster. */
export function discoveryOf(service: Service, port: ServicePort, policy: EffectivePolicy, caller: Caller): Discovered | undefined {
  const declared = declaredDiscovery(service, port, caller);
  if (declared === undefined || declared.kind === "dynamic-dns") return declared;
  const passes = policy.loadBalancer?.simple === "PASSTHROUGH" && policy.loadBalancer.consistentHash === undefined;
  return passes && declared.kind !== "original-destination" ? { kind: "original-destination", port: undefined } : declared;
}

function declaredDiscovery(service: Service, port: ServicePort, caller: Caller): Discovered | undefined {
  switch (service.resolution) {
    case "EDS":
      return { kind: "eds" };
    case "DNS":
      return { kind: "dns", firstAnswer: false };
    case "DNS_ROUND_ROBIN":
      return { kind: "dns", firstAnswer: true };
    case "DYNAMIC_DNS":
      // The name to look up stands in the request or in SNI.
      return isHttp(port.protocol) || port.protocol === "TLS" ? { kind: "dynamic-dns" } : undefined;
    case "NONE": {
      // A gateway ends connections that were meant for itself; so does a sidecar that is called as an HTTP proxy.
      if (caller.type === "router" || !caller.knowsOriginalDestination) return { kind: "eds" };
      const target = typeof port.targetPort === "number" && port.targetPort !== port.number ? port.targetPort : undefined;
      return { kind: "original-destination", port: target };
    }
    case "ALIAS":
      return undefined;
  }
}
