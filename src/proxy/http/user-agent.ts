// add_user_agent: a service behind this proxy says who it is, as the node of the proxy is called. Envoy's three headers.
import type { RequestHeaderMap } from "./header-map.ts";

export function addUserAgent(headers: RequestHeaderMap, service: string, node: string): void {
  headers.set("x-envoy-downstream-service-cluster", service);
  if ((headers.get("user-agent") ?? "") === "") headers.set("user-agent", service);
  if (node !== "") headers.set("x-envoy-downstream-service-node", node);
}
