// envoy.filters.network.set_filter_state: leaves computed texts in the filter state of a new connection.
import { ConfigSchema } from "#envoy/gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb";
import { FilterState } from "#proxy/http/filter-state";
import { compileFilterStateValues, TCP_PROXY_CLUSTER_KEY } from "#proxy/http/filter-state-values";
import type { SetFilterState } from "#proxy/http/filter-state-values";
import { StreamRecord } from "#proxy/http/stream-record";
import type { NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { unpackConfig } from "#proxy/unpack-config";

export const networkSetFilterStateCompiler: NetworkFilterCompiler = {
  configTypes: [ConfigSchema.typeName],
  compile(_name, any, path, thread) {
    let set: SetFilterState = () => {};
    unpackConfig(any, ConfigSchema, path, (wire, refuse) => {
      set = compileFilterStateValues(wire.onNewConnection, "on_new_connection", refuse);
    });
    return {
      onNewConnection(context) {
        if (thread === undefined) return "continue";
        const { clock } = thread;
        const state = (context.info.filterState ??= new FilterState());
        set(state, new StreamRecord(clock.wallMs(), clock.monotonicMs(), context.info));
        context.tcpProxyCluster = state.get(TCP_PROXY_CLUSTER_KEY) ?? context.tcpProxyCluster;
        return "continue";
      },
    };
  },
};
