// envoy.filters.http.set_filter_state: leaves computed texts in the stream's filter state, for access logs and other filters.
import { ConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb";
import type { HttpFilterCompiler } from "#proxy/http/filter";
import { FilterState } from "#proxy/http/filter-state";
import { compileFilterStateValues } from "#proxy/http/filter-state-values";
import type { SetFilterState } from "#proxy/http/filter-state-values";
import { unpackConfig } from "#proxy/unpack-config";

export const setFilterStateFilterCompiler: HttpFilterCompiler = {
  configTypes: [ConfigSchema.typeName],
  compile(name, any, path) {
    let set: SetFilterState = () => {};
    unpackConfig(any, ConfigSchema, path, (wire, refuse) => {
      set = compileFilterStateValues(wire.onRequestHeaders, "on_request_headers", refuse);
    });
    return {
      name,
      create: (stream) => ({
        onRequestHeaders() {
          const { info, connection } = stream;
          // What is there may be the connection's, which its other streams share.
          if (info.filterState === undefined || info.filterState === connection.filterState)
            info.filterState = new FilterState(connection.filterState);
          set(info.filterState, info);
          return undefined;
        },
      }),
    };
  },
};
