// A call as a client makes it, and what the proxy makes of it. The words are those of Istio's own simulation tables.

export interface Call {
  readonly address?: string;
  readonly port: number;
  readonly path?: string;
  /** What is spoken inside of TLS; absent: bytes that are no HTTP. */
  readonly protocol?: "http" | "http2" | "tcp";
  readonly tls?: "plaintext" | "tls" | "mtls";
  readonly alpn?: string;
  readonly hostHeader?: string;
  readonly sni?: string;
  /** How the connection gets to the proxy: redirected on its way out (15001) or in (15006), or by itself. */
  readonly callMode?: "gateway" | "outbound" | "inbound";
}

export type CallError =
  | "no listener matched"
  | "no filter chains matched"
  | "no virtual host matched"
  | "no route matched"
  | "tls required, sending 301"
  | "protocol error"
  | "invalid TLS"
  | "invalid mTLS";

/** How far the call came; "" where it did not come so far. */
export interface CallResult {
  readonly error: CallError | "";
  readonly listenerMatched: string;
  readonly filterChainMatched: string;
  readonly routeMatched: string;
  /** The name of a route configuration that is fetched; one that stands in the listener has none here. */
  readonly routeConfigMatched: string;
  readonly virtualHostMatched: string;
  readonly clusterMatched: string;
}
