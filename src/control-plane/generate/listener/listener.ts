// The frame of listeners: addresses, direction, limits. What goes through them is decided by their filters.
import { create } from "@bufbuild/protobuf";
import { TrafficDirection as Direction } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ListenerSchema, type Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { socketAddress } from "#control-plane/generate/address";
import { durationOf } from "#control-plane/generate/duration";

const TLS_HANDSHAKE_TIMEOUT_MS = 15_000;

/** The first address is the listener's, the others are additional ones. */
export function listenerAddresses([first = "0.0.0.0", ...others]: readonly string[], port: number) {
  return {
    address: socketAddress(first, port),
    additionalAddresses: others.map((address) => ({ address: socketAddress(address, port) })),
  };
}

export interface ListenerSettings {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly filters: readonly Filter[];
}

export function listener(settings: ListenerSettings): Listener {
  return create(ListenerSchema, {
    name: settings.name,
    ...listenerAddresses(settings.addresses, settings.port),
    // Istio calls the listeners of gateways outbound, too.
    trafficDirection: Direction.OUTBOUND,
    filterChains: [{ filters: [...settings.filters], transportSocketConnectTimeout: durationOf(TLS_HANDSHAKE_TIMEOUT_MS) }],
    maxConnectionsToAcceptPerSocketEvent: 1,
  });
}

/** A statistics prefix ends with ";" so that Istio's tag extraction sees where it ends, also when it holds dots. */
export function statPrefix(direction: "inbound" | "outbound", address: string, port: number): string {
  return `${direction}_${address}_${port};`;
}
