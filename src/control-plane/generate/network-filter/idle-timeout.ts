// Node metadata IDLE_TIMEOUT: after which time without bytes a proxy ends connections, in Go's form of durations.
import { parseDuration } from "#api/go-duration";
import type { ProxyNode } from "#control-plane/mesh/proxy";

export function idleTimeoutMs(node: Pick<ProxyNode, "metadata">): number | undefined {
  const value = node.metadata["IDLE_TIMEOUT"];
  return typeof value === "string" ? parseDuration(value) : undefined;
}
