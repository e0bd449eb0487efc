// The HTTP connection manager of each kind of listener: Istio's settings around its chain of HTTP filters.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ApiVersion } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { Http1ProtocolOptionsSchema, HttpProtocolOptionsSchema } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { DnsCacheConfig } from "#envoy/gen/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManagerSchema,
  RequestIDExtensionSchema,
  HttpConnectionManager_UpgradeConfigSchema as UpgradeConfigSchema,
  type HttpConnectionManager,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { PreserveCaseFormatterConfigSchema } from "#envoy/gen/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb";
import { UuidRequestIdConfigSchema } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import { durationOf } from "#control-plane/generate/duration";
import type { FilterInputs, ListenerClass } from "#control-plane/generate/filter-inputs";
import { httpFilters } from "#control-plane/generate/http-filter/http-filters";
import type { Protocol } from "#control-plane/registry/service";
import { pack } from "#envoy/any";
import { accessLogs } from "./access-log.ts";
import { applyConnectionSettings, connectionSettings } from "./connection-settings.ts";
import { idleTimeoutMs } from "./idle-timeout.ts";
import { networkFilter } from "./network-filter.ts";
import { gatewayClientCertSettings, headerSettings, inboundClientCertSettings } from "./proxy-headers.ts";
import { tracing } from "./tracing.ts";

type Settings = Exclude<MessageInitShape<typeof HttpConnectionManagerSchema>, HttpConnectionManager>;

export const CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";

export interface HttpChain {
  /** Ends with ";" (`statPrefix`). */
  readonly statPrefix: string;
  /** The name of a route configuration that comes by RDS, or the routes themselves. */
  readonly routes: string | RouteConfiguration;
  readonly protocol: Protocol;
  /** Of clusters that look hosts up as requests come. */
  readonly dnsCaches?: readonly DnsCacheConfig[];
}

export function outboundConnectionManager(chain: HttpChain, inputs: FilterInputs): HttpConnectionManager {
  return connectionManager("sidecar-outbound", chain, inputs, { useRemoteAddress: false, ...http1Options(inputs) });
}

/** The same, for requests in absolute form: `GET http://reviews:9080/`. */
export function httpProxyConnectionManager(chain: HttpChain, inputs: FilterInputs): HttpConnectionManager {
  const { httpProtocolOptions } = http1Options(inputs);
  return connectionManager("sidecar-outbound", chain, inputs, {
    useRemoteAddress: false,
    httpProtocolOptions: { ...httpProtocolOptions, allowAbsoluteUrl: true },
  });
}

export function inboundConnectionManager(chain: HttpChain, inputs: FilterInputs): HttpConnectionManager {
  const speaksHttp2 = chain.protocol === "HTTP2" || chain.protocol === "GRPC" || chain.protocol === "GRPC-WEB";
  return connectionManager("sidecar-inbound", chain, inputs, {
    useRemoteAddress: false,
    ...inboundClientCertSettings(inputs.proxyConfig),
    ...http1Options(inputs),
    ...(speaksHttp2 ? { http2ProtocolOptions: {} } : {}),
  });
}

export function gatewayConnectionManager(chain: HttpChain, inputs: FilterInputs): HttpConnectionManager {
  const { httpProtocolOptions = {} } = http1Options(inputs);
  return connectionManager("gateway", chain, inputs, {
    // The caller is outside the mesh: its address is taken from the connection, or from as many proxies before it as are trusted.
    useRemoteAddress: true,
    xffNumTrustedHops: inputs.proxyConfig.gatewayTopology?.numTrustedProxies ?? 0,
    ...gatewayClientCertSettings(inputs.proxyConfig),
    httpProtocolOptions,
  });
}

export function connectionManagerFilter(manager: HttpConnectionManager): Filter {
  return networkFilter(CONNECTION_MANAGER, HttpConnectionManagerSchema, manager);
}

function connectionManager(
  listenerClass: ListenerClass,
  chain: HttpChain,
  inputs: FilterInputs,
  settings: Settings,
): HttpConnectionManager {
  const { config, proxyConfig, node } = inputs;
  const manager = create(HttpConnectionManagerSchema, {
    ...settings,
    ...headerSettings(listenerClass, proxyConfig),
    ...pathNormalization(config),
    statPrefix: chain.statPrefix,
    routeSpecifier: typeof chain.routes === "string" ? routesByAds(chain.routes) : { case: "routeConfig", value: chain.routes },
    httpFilters: httpFilters({ class: listenerClass, protocol: chain.protocol, dnsCaches: chain.dnsCaches ?? [], inputs }),
    accessLog: accessLogs(config),
    proxy100Continue: true,
    // Streams may be silent for as long as they like; Envoy's own default is 5 minutes.
    streamIdleTimeout: durationOf(0),
    requestIdExtension: REQUEST_ID_EXTENSION,
    upgradeConfigs: [WEBSOCKET],
  });
  const traced = tracing(inputs);
  if (traced !== undefined) manager.tracing = traced;
  const idleMs = idleTimeoutMs(node);
  if (idleMs !== undefined) manager.commonHttpProtocolOptions = create(HttpProtocolOptionsSchema, { idleTimeout: durationOf(idleMs) });
  if (proxyConfig.proxyHeaders?.preserveHttp1HeaderCase === true) preserveHeaderCase(manager);
  applyConnectionSettings(manager, connectionSettings(inputs));
  return manager;
}

const WEBSOCKET = create(UpgradeConfigSchema, { upgradeType: "websocket" });

const REQUEST_ID_EXTENSION = create(RequestIDExtensionSchema, {
  typedConfig: pack(UuidRequestIdConfigSchema, create(UuidRequestIdConfigSchema, { useRequestIdForTraceSampling: true })),
});

/** Node metadata HTTP10: the proxy's workload is called by clients that know nothing newer. */
function http1Options({ node }: FilterInputs): Pick<Settings, "httpProtocolOptions"> {
  return node.metadata["HTTP10"] === "1" ? { httpProtocolOptions: { acceptHttp10: true } } : {};
}

function pathNormalization(config: MeshConfigSpec): Settings {
  switch (config.pathNormalization?.normalization) {
    case "NONE":
      return { normalizePath: false, pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED };
    case "MERGE_SLASHES":
      return { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED };
    case "DECODE_AND_MERGE_SLASHES":
      return { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_FORWARD };
    case undefined:
    case "DEFAULT":
    case "BASE":
      return { normalizePath: true, pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED };
  }
}

/** Header names go on with the upper and lower case in which they came. */
function preserveHeaderCase(manager: HttpConnectionManager): void {
  manager.httpProtocolOptions ??= create(Http1ProtocolOptionsSchema);
  manager.httpProtocolOptions.headerKeyFormat = create(Http1ProtocolOptionsSchema, {
    headerKeyFormat: {
      headerFormat: {
        case: "statefulFormatter",
        value: {
          name: "envoy.http.stateful_header_formatters.preserve_case",
          typedConfig: pack(PreserveCaseFormatterConfigSchema, create(PreserveCaseFormatterConfigSchema)),
        },
      },
    },
  }).headerKeyFormat;
}

export function routesByAds(routeConfigName: string): NonNullable<Settings["routeSpecifier"]> {
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
