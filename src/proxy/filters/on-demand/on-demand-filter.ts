// envoy.filters.http.on_demand asks for virtual hosts and clusters when a request needs them. All of them come before traffic does here
// (no VHDS), so the filter has nothing to ask for; asking for clusters (ODCDS) is refused.
import type { Any } from "@bufbuild/protobuf/wkt";
import { OnDemandSchema, PerRouteConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb";
import type { HttpFilterCompiler } from "#proxy/http/filter";
import { unpackConfig } from "#proxy/unpack-config";

const NO_CLUSTERS = "clusters on demand are not served by this proxy";

export const onDemandFilterCompiler: HttpFilterCompiler = {
  configTypes: [OnDemandSchema.typeName],
  routeConfigTypes: [PerRouteConfigSchema.typeName],
  compile(name, any, path) {
    unpackConfig(any, OnDemandSchema, path, ({ odcds }, refuse) => {
      if (odcds !== undefined) refuse("odcds", NO_CLUSTERS);
    });
    return { name, create: () => undefined };
  },
  compileRouteConfig(any: Any, path: string) {
    unpackConfig(any, PerRouteConfigSchema, path, ({ odcds }, refuse) => {
      if (odcds !== undefined) refuse("odcds", NO_CLUSTERS);
    });
    return {};
  },
};
