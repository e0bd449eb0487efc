// Filters that every Envoy has. fault and cors do nothing by themselves: routes that use them bring their configuration.
import { create } from "@bufbuild/protobuf";
import { BoolValueSchema } from "@bufbuild/protobuf/wkt";
import { CorsSchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { FilterConfigSchema as GrpcStatsSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { GrpcWebSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import { httpFilter, type HttpFilterBuilder } from "./http-filter.ts";

/** HTTP listeners of one port share a connection manager, so the port's first service decides, as in istiod. */
export const grpcWeb: HttpFilterBuilder = ({ protocol }) =>
  protocol === "GRPC-WEB" ? [httpFilter("envoy.filters.http.grpc_web", GrpcWebSchema, {})] : [];

const GRPC_STATS = httpFilter("envoy.filters.http.grpc_stats", GrpcStatsSchema, {
  emitFilterState: true,
  perMethodStatSpecifier: { case: "statsForAllMethods", value: create(BoolValueSchema, { value: false }) },
});

export const grpcStats: HttpFilterBuilder = () => [GRPC_STATS];

const FAULT = httpFilter("envoy.filters.http.fault", HTTPFaultSchema, {});

export const fault: HttpFilterBuilder = () => [FAULT];

const CORS = httpFilter("envoy.filters.http.cors", CorsSchema, {});

export const cors: HttpFilterBuilder = () => [CORS];

export const router: HttpFilterBuilder = ({ inputs }) => {
  const withoutDebugHeaders = inputs.proxyConfig.proxyHeaders?.envoyDebugHeaders?.disabled === true;
  return [httpFilter("envoy.filters.http.router", RouterSchema, withoutDebugHeaders ? { suppressEnvoyHeaders: true } : {})];
};
