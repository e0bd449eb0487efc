// The HTTP connection manager of each kind of listener: Istio's settings and its chain of HTTP filters. Only filters of plain Envoy
// are named: a proxy that does not know a filter refuses the whole listener.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BoolValueSchema } from "@bufbuild/protobuf/wkt";
import { FilterSchema, type Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { CorsSchema } from "#envoy/gen/envoy/extensions/filters/http/cors/v3/cors_pb";
import { HTTPFaultSchema } from "#envoy/gen/envoy/extensions/filters/http/fault/v3/fault_pb";
import { FilterConfigSchema as GrpcStatsSchema } from "#envoy/gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb";
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManagerSchema,
  HttpConnectionManager_UpgradeConfigSchema as UpgradeConfigSchema,
  HttpFilterSchema,
  RequestIDExtensionSchema,
  type HttpConnectionManager,
  type HttpFilter,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { UuidRequestIdConfigSchema } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import { ApiVersion } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { pack } from "#envoy/any";
import { accessLogs } from "./access-log.ts";
import { durationOf } from "#control-plane/generate/duration";

/** What istiod puts into the `server` header of everything but a sidecar's own callers. */
const SERVER_NAME = "istio-envoy";

type Settings = MessageInitShape<typeof HttpConnectionManagerSchema>;

export function gatewayConnectionManager(routeName: string, statPrefix: string, config: MeshConfigSpec): HttpConnectionManager {
  return connectionManager(config, {
    statPrefix,
    routeSpecifier: routesByAds(routeName),
    serverName: SERVER_NAME,
    // The caller is outside the mesh: its address is taken from the connection and its certificate header is not believed.
    useRemoteAddress: true,
    forwardClientCertDetails: ForwardClientCert.SANITIZE_SET,
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
    httpProtocolOptions: {},
  });
}

export function outboundConnectionManager(routeName: string, statPrefix: string, config: MeshConfigSpec): HttpConnectionManager {
  return connectionManager(config, { statPrefix, routeSpecifier: routesByAds(routeName), useRemoteAddress: false });
}

/** The same, for requests in absolute form: `GET http://reviews:9080/`. */
export function httpProxyConnectionManager(routeName: string, statPrefix: string, config: MeshConfigSpec): HttpConnectionManager {
  return connectionManager(config, {
    statPrefix,
    routeSpecifier: routesByAds(routeName),
    useRemoteAddress: false,
    httpProtocolOptions: { allowAbsoluteUrl: true },
  });
}

export function inboundConnectionManager(routes: RouteConfiguration, statPrefix: string, config: MeshConfigSpec): HttpConnectionManager {
  return connectionManager(config, {
    statPrefix,
    routeSpecifier: { case: "routeConfig", value: routes },
    serverName: SERVER_NAME,
    useRemoteAddress: false,
    forwardClientCertDetails: ForwardClientCert.APPEND_FORWARD,
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
  });
}

export function connectionManagerFilter(manager: HttpConnectionManager): Filter {
  return create(FilterSchema, {
    name: "envoy.filters.network.http_connection_manager",
    configType: { case: "typedConfig", value: pack(HttpConnectionManagerSchema, manager) },
  });
}

function connectionManager(config: MeshConfigSpec, settings: Settings): HttpConnectionManager {
  const manager = create(HttpConnectionManagerSchema, settings);
  manager.httpFilters = httpFilters();
  manager.accessLog = accessLogs(config);
  manager.normalizePath = true;
  manager.pathWithEscapedSlashesAction = EscapedSlashes.KEEP_UNCHANGED;
  manager.proxy100Continue = true;
  // Streams may be silent for as long as they like; Envoy's own default is 5 minutes.
  manager.streamIdleTimeout = durationOf(0);
  manager.requestIdExtension = create(RequestIDExtensionSchema, {
    typedConfig: pack(UuidRequestIdConfigSchema, create(UuidRequestIdConfigSchema, { useRequestIdForTraceSampling: true })),
  });
  manager.upgradeConfigs = [create(UpgradeConfigSchema, { upgradeType: "websocket" })];
  return manager;
}

function httpFilters(): HttpFilter[] {
  return [
    httpFilter(
      "envoy.filters.http.grpc_stats",
      pack(
        GrpcStatsSchema,
        create(GrpcStatsSchema, {
          emitFilterState: true,
          perMethodStatSpecifier: { case: "statsForAllMethods", value: create(BoolValueSchema, { value: false }) },
        }),
      ),
    ),
    httpFilter("envoy.filters.http.fault", pack(HTTPFaultSchema, create(HTTPFaultSchema))),
    httpFilter("envoy.filters.http.cors", pack(CorsSchema, create(CorsSchema))),
    httpFilter("envoy.filters.http.router", pack(RouterSchema, create(RouterSchema))),
  ];
}

function httpFilter(name: string, typedConfig: ReturnType<typeof pack>): HttpFilter {
  return create(HttpFilterSchema, { name, configType: { case: "typedConfig", value: typedConfig } });
}

function routesByAds(routeConfigName: string): NonNullable<Settings["routeSpecifier"]> {
  return {
    case: "rds",
    value: {
      routeConfigName,
      configSource: {
        configSourceSpecifier: { case: "ads", value: {} },
        // Wait for the routes however long it takes: a listener without them would answer 404.
        initialFetchTimeout: durationOf(0),
        resourceApiVersion: ApiVersion.V3,
      },
    },
  };
}
