// One running host. Its identity is its address: while the address stays in the cluster, so do its pool, its counters and its streams.
import type { SocketAddress } from "#proxy/net/connection";
import type { TransportLabels } from "#proxy/transport-socket/transport-sockets";
import type { Host, HostHealth, HostStats, HttpConnectionPool } from "./cluster.ts";
import type { EndpointConfig } from "./load-assignment.ts";

export class UpstreamHost implements Host {
  readonly address: SocketAddress;
  readonly key: string;
  hostname: string;
  weight: number;
  locality: string;
  health: HostHealth;
  /** Chooses the transport socket. */
  labels: TransportLabels | undefined;
  activeRequests = 0;
  readonly stats: HostStats = {
    cxActive: 0,
    cxTotal: 0,
    cxConnectFail: 0,
    rqActive: 0,
    rqTotal: 0,
    rqSuccess: 0,
    rqError: 0,
    rqTimeout: 0,
  };
  /** Made with the first request. */
  pool: HttpConnectionPool | undefined;

  constructor(endpoint: EndpointConfig) {
    this.address = endpoint.address;
    this.key = hostKey(endpoint.address);
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.health = endpoint.health;
    this.labels = endpoint.labels;
  }

  /** Takes over what may change while the host stays the same. */
  update(endpoint: EndpointConfig): void {
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.locality = endpoint.locality;
    this.health = endpoint.health;
    this.labels = endpoint.labels;
  }
}

export function hostKey(address: SocketAddress): string {
  return `${address.address}|${address.port}`;
}
