// The cluster that a destination means.
import type { Destination } from "#api/virtual-service";
import type { Service } from "#control-plane/registry/service";
import { outboundClusterName } from "#control-plane/generate/cluster/cluster-name";

/**
 * The port: the one that is written, else the only one of the service, else the one that the caller addressed. A service that stands for
 * another leads to the clusters of that one. A service that nobody knows has a name all the same: its cluster may stand in the bootstrap.
 */
export function destinationCluster(destination: Destination, service: Service | undefined, callerPort: number): string {
  const ports = service?.ports ?? [];
  const port = destination.port?.number ?? (ports.length === 1 ? ports[0]?.number : undefined) ?? callerPort;
  return outboundClusterName(port, destination.subset ?? "", service?.alias ?? destination.host);
}
