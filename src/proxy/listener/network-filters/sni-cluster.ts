// envoy.filters.network.sni_cluster: the server name is the cluster's name (Istio's AUTO_PASSTHROUGH gateways).
import { SniClusterSchema } from "#envoy/gen/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb";
import type { NetworkFilterCompiler } from "#proxy/listener/network-filter";

export const sniClusterCompiler: NetworkFilterCompiler = {
  configTypes: [SniClusterSchema.typeName],
  compile: () => ({
    onNewConnection(context) {
      const { requestedServerName } = context.info;
      if (requestedServerName !== undefined) context.tcpProxyCluster = requestedServerName;
      return "continue";
    },
  }),
};
