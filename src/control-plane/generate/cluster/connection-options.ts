// Options of the sockets of a cluster.
import { create } from "@bufbuild/protobuf";
import { UpstreamConnectionOptionsSchema, type UpstreamConnectionOptions } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { TcpKeepalive } from "#api/destination-rule";

/** Keep-alive probes: field by field what the rule says, else what the mesh says. An empty block asks for the system's own values. */
export function connectionOptions(mesh: TcpKeepalive | undefined, rule: TcpKeepalive | undefined): UpstreamConnectionOptions | undefined {
  if (mesh === undefined && rule === undefined) return undefined;
  const probes = rule?.probes || mesh?.probes || 0;
  const timeMs = rule?.time ?? mesh?.time;
  const intervalMs = rule?.interval ?? mesh?.interval;
  return create(UpstreamConnectionOptionsSchema, {
    tcpKeepalive: {
      ...(probes > 0 ? { keepaliveProbes: probes } : {}),
      ...(timeMs === undefined ? {} : { keepaliveTime: Math.trunc(timeMs / 1000) }),
      ...(intervalMs === undefined ? {} : { keepaliveInterval: Math.trunc(intervalMs / 1000) }),
    },
  });
}
