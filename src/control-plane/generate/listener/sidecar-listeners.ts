// All listeners of a sidecar. Where nothing captures traffic (interception mode NONE) each has a socket of its own, and virtualInbound
// and virtualOutbound, which take what is captured, are missing.
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { httpProxyListener, httpProxyOf } from "./http-proxy-listener.ts";
import { inboundListeners } from "./inbound-listeners.ts";
import { outboundEntries } from "./outbound-entries.ts";
import { outboundListener } from "./outbound-listener.ts";
import { virtualOutboundListener } from "./virtual-outbound-listener.ts";

export function sidecarListeners(view: ProxyView): readonly Listener[] {
  // The mesh turns its listeners off by the port of captured calls, as in istiod.
  if ((view.mesh.config.proxyListenPort ?? 0) <= 0) return [];
  const proxy = httpProxyOf(view);
  return [
    ...outboundEntries(view).map((entry) => outboundListener(entry, view)),
    ...(proxy === undefined ? [] : [httpProxyListener(proxy, view)]),
    ...(view.interceptionMode === "NONE" ? [] : [virtualOutboundListener(view)]),
    ...inboundListeners(view),
  ];
}
