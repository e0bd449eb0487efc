// Limits of the connections to a destination.
import { bool, duration, durationOrZero, enumeration, field, int32, message, uint32, type Decoded } from "#api/declaration";

export const tcpKeepalive = message("TcpKeepalive", {
  probes: field(uint32, "Probes without an answer until the connection counts as dead"),
  time: field(duration, "Idle time until the first probe"),
  interval: field(duration, "Time between probes"),
});
export type TcpKeepalive = Decoded<typeof tcpKeepalive>;

const tcpSettings = message("TCPSettings", {
  maxConnections: field(int32, "Connections at the same time at most"),
  connectTimeout: field(duration, "Time to set up a connection"),
  tcpKeepalive: field(tcpKeepalive, "Keep-alive probes of the operating system"),
  maxConnectionDuration: field(duration, "The longest life of a connection"),
  idleTimeout: field(durationOrZero, "Idle time after which a TCP connection is closed"),
});
export type TCPSettings = Decoded<typeof tcpSettings>;

const http2KeepAlive = message("HTTP2KeepAlive", {
  interval: field(duration, "Time between PING frames"),
  timeout: field(duration, "Time until a PING without an answer ends the connection"),
});
export type HTTP2KeepAlive = Decoded<typeof http2KeepAlive>;

const httpSettings = message("HTTPSettings", {
  http1MaxPendingRequests: field(int32, "Requests that wait for a connection at most"),
  http2MaxRequests: field(int32, "Requests at the same time at most"),
  maxRequestsPerConnection: field(int32, "Requests of one connection at most; 1 turns keep-alive off"),
  maxRetries: field(int32, "Retries at the same time at most"),
  idleTimeout: field(duration, "Idle time after which a connection is closed"),
  h2UpgradePolicy: field(enumeration(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]), "Whether HTTP/1.1 goes on as HTTP/2"),
  useClientProtocol: field(bool, "Whether the caller's HTTP version is kept"),
  maxConcurrentStreams: field(int32, "HTTP/2 streams of one connection at most"),
  http2KeepAlive: field(http2KeepAlive, "PING frames on idle HTTP/2 connections"),
});
export type HTTPSettings = Decoded<typeof httpSettings>;

export const connectionPoolSettings = message("ConnectionPoolSettings", {
  tcp: field(tcpSettings, "Limits of all connections"),
  http: field(httpSettings, "Limits of HTTP connections"),
});
export type ConnectionPoolSettings = Decoded<typeof connectionPoolSettings>;
