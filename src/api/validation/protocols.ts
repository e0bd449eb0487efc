// The protocols that ports may name, whatever their upper and lower case.

const http: ReadonlySet<string> = new Set(["http", "http2", "http_proxy", "grpc", "grpc-web"]);
const tls: ReadonlySet<string> = new Set(["https", "tls"]);
const tcp: ReadonlySet<string> = new Set(["tcp", "https", "tls", "mongo", "redis", "mysql"]);

export function isHttp(protocol: string | undefined): boolean {
  return http.has((protocol ?? "").toLowerCase());
}

export function isTls(protocol: string | undefined): boolean {
  return tls.has((protocol ?? "").toLowerCase());
}

/** Protocols that a proxy carries as bytes. */
export function isTcp(protocol: string | undefined): boolean {
  return tcp.has((protocol ?? "").toLowerCase());
}

/** Nothing is fine: the protocol is found out by looking. */
export function protocolFault(protocol: string | undefined): string | undefined {
  const name = (protocol ?? "").toLowerCase();
  if (name === "" || name === "udp" || http.has(name) || tcp.has(name)) return undefined;
  return `${JSON.stringify(protocol)} is no protocol: use HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP, MONGO, REDIS or MYSQL`;
}
