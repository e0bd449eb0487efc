// The frame of listeners: addresses, direction, limits. What goes through them is decided by their filters.
import { create } from "@bufbuild/protobuf";
import { TrafficDirection as Direction } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { socketAddress } from "#control-plane/generate/address";
import { durationOf } from "#control-plane/generate/duration";

const TLS_HANDSHAKE_TIMEOUT_MS = 15_000;

export interface ListenerSettings {
  readonly name: string;
  /** The first is the listener's address, the others are additional ones. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly direction: "inbound" | "outbound" | "gateway";
  readonly filters: readonly Filter[];
  readonly chainName?: string;
}

export function listener(settings: ListenerSettings): Listener {
  const [first = "0.0.0.0", ...others] = settings.addresses;
  const isSidecar = settings.direction !== "gateway";
  return create(ListenerSchema, {
    name: settings.name,
    address: socketAddress(first, settings.port),
    additionalAddresses: others.map((address) => ({ address: socketAddress(address, settings.port) })),
    // Istio calls the listeners of gateways outbound, too.
    trafficDirection: settings.direction === "inbound" ? Direction.INBOUND : Direction.OUTBOUND,
    filterChains: [
      {
        name: settings.chainName ?? "",
        filters: [...settings.filters],
        transportSocketConnectTimeout: durationOf(TLS_HANDSHAKE_TIMEOUT_MS),
      },
    ],
    maxConnectionsToAcceptPerSocketEvent: 1,
    ...(isSidecar ? { continueOnListenerFiltersTimeout: true, listenerFiltersTimeout: durationOf(0) } : {}),
  });
}

/** A statistics prefix ends with ";" so that Istio's tag extraction sees where it ends, also when it holds dots. */
export function statPrefix(direction: "inbound" | "outbound", address: string, port: number): string {
  return `${direction}_${address}_${port};`;
}
