// What happens when a second port comes to an address and port where a listener stands already. istiod's table: HTTP and TCP together
// make a listener that finds out which of them a connection is.
import type { Protocol } from "#control-plane/registry/service";
import { listenerProtocol } from "./listener-protocol.ts";

/**
 * `keep`: the newcomer adds nothing. `replace`: its chains stand instead. `merge`: its chains come on top, as far as nobody asks for the same
 * already; `detect`: the same, and the listener counts as one of unknown protocol from then on.
 */
export type Resolution = "keep" | "replace" | "merge" | "detect";

export function resolveConflict(incoming: Protocol, existing: Protocol): Resolution {
  const resolution = byKind(incoming, existing);
  // Detection waits for the client's first bytes, but with these the server speaks first.
  return resolution !== "keep" && incoming !== existing && (speaksFirst(incoming) || speaksFirst(existing)) ? "keep" : resolution;
}

function byKind(incoming: Protocol, existing: Protocol): Resolution {
  const there = listenerProtocol(existing);
  switch (listenerProtocol(incoming)) {
    case "HTTP":
      return there === "TCP" ? "detect" : "keep";
    case "TCP":
      return there === "HTTP" ? "detect" : "merge";
    case "AUTO":
      return there === "HTTP" ? "replace" : there === "TCP" ? "detect" : "keep";
    case undefined:
      return "keep";
  }
}

function speaksFirst(protocol: Protocol): boolean {
  return protocol === "MONGO" || protocol === "MYSQL";
}
