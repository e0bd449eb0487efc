// What a listener makes of a port's protocol: HTTP is routed, TCP goes through, AUTO is found out from the first bytes.
import { isHttp, type Protocol } from "#control-plane/registry/service";

export type ListenerProtocol = "HTTP" | "TCP" | "AUTO";

/** Undefined for UDP, which no listener takes. */
export function listenerProtocol(protocol: Protocol): ListenerProtocol | undefined {
  if (isHttp(protocol)) return "HTTP";
  if (protocol === "UDP") return undefined;
  return protocol === "AUTO" ? "AUTO" : "TCP";
}

export function isTls(protocol: Protocol): boolean {
  return protocol === "TLS" || protocol === "HTTPS";
}

// HTTP/1.0 is not among them: where it is not allowed it passes as TCP, rather than being refused.
export const PLAINTEXT_HTTP_ALPN: readonly string[] = ["http/1.1", "h2c"];
