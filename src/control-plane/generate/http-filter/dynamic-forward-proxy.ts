// Looks hosts up as requests for them come, before the router asks for a cluster whose hosts are not known beforehand.
import { FilterConfigSchema } from "#envoy/gen/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb";
import { httpFilter, type HttpFilterBuilder } from "./http-filter.ts";

/** One for each cluster of the kind: a filter fills the cache of its own cluster only. */
export const dynamicForwardProxy: HttpFilterBuilder = ({ dnsCaches }) =>
  dnsCaches.map((cache) =>
    httpFilter("envoy.filters.http.dynamic_forward_proxy", FilterConfigSchema, {
      implementationSpecifier: { case: "dnsCacheConfig", value: cache },
    }),
  );
