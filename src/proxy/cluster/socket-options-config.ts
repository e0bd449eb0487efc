// What a Cluster says of the sockets of its connections: upstream_bind_config and upstream_connection_options.
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { TcpKeepalive } from "#proxy/net/connector";
import { readBind } from "./bind-config.ts";
import type { UpstreamSocketOptions } from "./host-connector.ts";

type Refuse = (path: string, message: string) => void;

export function readSocketOptions(wire: Cluster, refuse: Refuse): UpstreamSocketOptions {
  return { bind: readBind(wire, refuse), keepalive: readKeepalive(wire, refuse) };
}

/** What Linux does of its own accord stands for what is not set: libuv's values, which count otherwise, are far shorter. */
function readKeepalive({ upstreamConnectionOptions: options }: Cluster, refuse: Refuse): TcpKeepalive | undefined {
  const path = "upstream_connection_options";
  const wire = options?.tcpKeepalive;
  if (wire === undefined) return undefined;
  const { keepaliveTime = 7200, keepaliveInterval = 75, keepaliveProbes = 9 } = wire;
  for (const [field, value] of Object.entries({
    keepalive_time: keepaliveTime,
    keepalive_interval: keepaliveInterval,
    keepalive_probes: keepaliveProbes,
  })) {
    // Linux' own limits; a connection whose socket refuses the option would have no probes at all.
    const most = field === "keepalive_probes" ? 127 : 32_767;
    if (value < 1 || value > most) refuse(`${path}.tcp_keepalive.${field}`, `must be from 1 to ${most}`);
  }
  return { idleMs: keepaliveTime * 1000, intervalMs: keepaliveInterval * 1000, probes: keepaliveProbes };
}
