// Addresses and statistics prefixes of listeners.
import { socketAddress } from "#control-plane/generate/address";

/** The first address is the listener's, the others are additional ones. */
export function listenerAddresses([first = "0.0.0.0", ...others]: readonly string[], port: number) {
  return {
    address: socketAddress(first, port),
    additionalAddresses: others.map((address) => ({ address: socketAddress(address, port) })),
  };
}

/** A statistics prefix ends with ";" so that Istio's tag extraction sees where it ends, also when it holds dots. */
export function statPrefix(direction: "inbound" | "outbound", address: string, port: number): string {
  return `${direction}_${address}_${port};`;
}
