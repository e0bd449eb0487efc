// HttpConnectionManager -> frozen HcmConfig. The only place that knows its defaults. What cannot be honoured is a violation that
// names the field; the table of honoured fields catches what is not looked at here.
import { readAccessLogOptions } from "./access-log-options.ts";
import type { AccessLogOptions } from "./access-log-options.ts";
import { isPipe } from "#proxy/net/socket-address";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  HttpConnectionManager_CodecType as CodecType,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type {
  HttpConnectionManager,
  HttpFilter as WireFilter,
  LocalReplyConfig,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { readResourceSource } from "#proxy/resource-source";
import { UuidRequestIdConfigSchema } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import type { UuidRequestIdConfig } from "#envoy/gen/envoy/extensions/request_id/uuid/v3/uuid_pb";
import type { AccessLog } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { nameOf, unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import { ConfigError } from "#proxy/config-error";
import type { ConfigViolation } from "#proxy/config-error";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import type { Runtime } from "#proxy/runtime/runtime";
import type { ThreadContext } from "#proxy/thread-context";
import type { HeaderMutation, RouteTable } from "#proxy/route/route";
import type { HttpFilterCompiler, HttpFilterFactory } from "./filter.ts";
import { compileForwardClientCert } from "./forward-client-cert.ts";
import { checkHeaderKeyFormat } from "./header-key-format.ts";
import { readHttp2Options } from "./http2-options.ts";
import type { Http2Options } from "./http2-options.ts";
import type { LocalReplyMap } from "./local-reply.ts";
import { compileIpDetection, detectByForwardedFor } from "./original-ip-detection.ts";
import type { DetectClient } from "./original-ip-detection.ts";
import type { PathOptions } from "./path-normalization.ts";
import type { RequestMutationOptions } from "./request-mutation.ts";
import type { StreamInfo } from "./stream-info.ts";
import { switchedByRoute } from "./switched-filter.ts";
import { isTerminal } from "./terminal-filter.ts";
import type { TerminalFilterFactory } from "./terminal-filter.ts";
import { compileTraceDecision } from "./trace-reason.ts";
import type { TraceDecision } from "./trace-reason.ts";

export interface AccessLogger {
  log(info: StreamInfo): void;
}

export interface CompiledAccessLog {
  open(thread: Pick<ThreadContext, "accessLogs" | "runtime" | "random">): AccessLogger;
}

/** What stands in other rooms and is needed to compile a connection manager. */
export interface HcmDependencies {
  readonly filters: readonly HttpFilterCompiler[];
  compileRouteTable(config: RouteConfiguration): RouteTable;
  compileEarlyMutation(extensions: readonly TypedExtensionConfig[], path: string): HeaderMutation | undefined;
  compileLocalReplyMap(wire: LocalReplyConfig | undefined, path: string): LocalReplyMap | undefined;
  compileAccessLog(configs: readonly AccessLog[], path: string): CompiledAccessLog;
  /** internal_address_config.cidr_ranges */
  compileAddressRanges(
    ranges: readonly { readonly addressPrefix: string; readonly prefixLen?: number | undefined }[],
    path: string,
  ): (address: string) => boolean;
}

export type RouteSource = { readonly kind: "rds"; readonly name: string } | { readonly kind: "inline"; readonly table: RouteTable };

export type ServerHeaderMode = "overwrite" | "append-if-absent" | "pass-through";

export interface HcmConfig {
  readonly statPrefix: string;
  /** "auto": as ALPN or the client's first bytes say. */
  readonly codec: "auto" | "http1" | "http2";
  readonly http2: Http2Options;
  readonly routes: RouteSource;
  readonly filters: readonly HttpFilterFactory[];
  readonly terminal: TerminalFilterFactory;
  readonly mutation: RequestMutationOptions;
  readonly path: PathOptions;
  readonly serverName: string;
  readonly serverHeader: ServerHeaderMode;
  readonly alwaysSetRequestIdInResponse: boolean;
  /** 0: none, for all of these. */
  readonly streamIdleTimeoutMs: number;
  /** From the first byte of a request to the last of its response; 0: none. */
  readonly maxStreamDurationMs: number;
  readonly requestTimeoutMs: number;
  readonly requestHeadersTimeoutMs: number;
  readonly connectionIdleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  readonly maxRequestsPerConnection: number;
  readonly drainTimeoutMs: number;
  readonly delayedCloseTimeoutMs: number;
  readonly maxHeadersCount: number;
  readonly maxRequestHeadersBytes: number;
  readonly allowAbsoluteUrl: boolean;
  /** HTTP/1: a request that is answered with 400 before any filter sees it does not cost the connection. */
  readonly http1StreamErrorOnInvalidHttpMessage: boolean;
  readonly acceptHttp10: boolean;
  readonly defaultHostForHttp10: string;
  readonly proxy100Continue: boolean;
  readonly stripTrailingHostDot: boolean;
  /** What becomes of request headers with "_" in their name. */
  readonly underscores: "allow" | "reject" | "drop";
  /** Before anything else looks at a request. */
  readonly earlyMutation: HeaderMutation | undefined;
  readonly localReplies: LocalReplyMap | undefined;
  /** Requests say which service they come from. */
  readonly addsUserAgent: boolean;
  readonly stripPort: "none" | "matching" | "any";
  /** Lower-case upgrade types and whether they are on where the route does not say. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  /** Set: it is decided which requests would be traced, and names of operations travel in headers. */
  readonly tracing: TraceDecision | undefined;
  readonly accessLog: CompiledAccessLog | undefined;
  readonly accessLogOptions: AccessLogOptions | undefined;
}

const ESCAPED_SLASHES_KEY = "http_connection_manager.path_with_escaped_slashes_action";

type Refuse = (path: string, message: string) => void;

/** @throws ConfigError with all violations, paths behind `path` */
export function parseHcm(
  wire: HttpConnectionManager,
  path: string,
  dependencies: HcmDependencies,
  runtime: Runtime = NO_RUNTIME,
): HcmConfig {
  const violations: ConfigViolation[] = [];
  const at = (field: string): string => (path === "" ? field : `${path}.${field}`);
  const refuse: Refuse = (field, message) => void violations.push({ path: at(field), message });
  /** Runs another room's compile step; its violations join ours. */
  const gather = <T>(field: string, compile: () => T): T | undefined => {
    try {
      return compile();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const violation of error.violations) {
        const inside =
          violation.path === "" || violation.path.startsWith(path === "" ? field : path)
            ? violation.path
            : `${at(field)}.${violation.path}`;
        violations.push({ path: inside === "" ? at(field) : inside, message: violation.message });
      }
      return undefined;
    }
  };

  checkValues(wire, refuse);
  if (wire.statPrefix === "") refuse("stat_prefix", "must not be empty");
  const routes = readRoutes(wire, refuse, gather, dependencies);
  const { filters, terminal } = readFilters(wire.httpFilters, at, refuse, gather, dependencies);
  const upgrades = new Map<string, boolean>();
  for (const [index, upgrade] of wire.upgradeConfigs.entries()) {
    const name = upgrade.upgradeType.toLowerCase();
    if (upgrades.has(name)) refuse(`upgrade_configs[${index}].upgrade_type`, `"${name}" is there twice`);
    upgrades.set(name, upgrade.enabled ?? true);
  }
  const streamError = wire.streamErrorOnInvalidHttpMessage;
  const http2 = readHttp2Options(wire.http2ProtocolOptions, "http2_protocol_options", refuse, streamError);
  const requestId = readRequestId(wire, refuse);
  const detectClient = readIpDetection(wire, refuse);
  const earlyMutation = gather("early_header_mutation_extensions", () =>
    dependencies.compileEarlyMutation(wire.earlyHeaderMutationExtensions, at("early_header_mutation_extensions")),
  );
  const isInternalAddress = readInternalAddresses(wire, at, gather, dependencies);
  const accessLog =
    wire.accessLog.length === 0 ? undefined : gather("access_log", () => dependencies.compileAccessLog(wire.accessLog, at("access_log")));
  const accessLogOptions = readAccessLogOptions(wire, refuse);
  const localReplies = gather("local_reply_config", () =>
    dependencies.compileLocalReplyMap(wire.localReplyConfig, at("local_reply_config")),
  );
  if (violations.length > 0 || routes === undefined || terminal === undefined) {
    throw new ConfigError("http connection manager", violations);
  }

  const common = wire.commonHttpProtocolOptions;
  const http1 = wire.httpProtocolOptions;
  return Object.freeze({
    // Istio ends its stat prefixes with ";" for its tag rules; the statistics are named without it.
    statPrefix: wire.statPrefix.replace(/;$/, ""),
    codec: codec(wire.codecType),
    http2,
    routes,
    filters,
    terminal,
    mutation: Object.freeze({
      useRemoteAddress: wire.useRemoteAddress ?? false,
      xffNumTrustedHops: wire.xffNumTrustedHops,
      detectClient,
      schemeToOverwrite: schemeToOverwrite(wire),
      skipXffAppend: wire.skipXffAppend,
      appendXForwardedPort: wire.appendXForwardedPort,
      generateRequestId: wire.generateRequestId ?? true,
      preserveExternalRequestId: wire.preserveExternalRequestId,
      packsTraceReason: requestId?.packTraceReason ?? true,
      forwardClientCert: compileForwardClientCert(wire),
      via: wire.via,
      isInternalAddress,
    }),
    path: Object.freeze({
      normalize: wire.normalizePath ?? runtime.integer("http_connection_manager.normalize_path", 0) > 0,
      mergeSlashes: wire.mergeSlashes,
      escapedSlashes: escapedSlashes(wire.pathWithEscapedSlashesAction, runtime),
    }),
    serverName: wire.serverName === "" ? "envoy" : wire.serverName,
    serverHeader: serverHeader(wire.serverHeaderTransformation),
    alwaysSetRequestIdInResponse: wire.alwaysSetRequestIdInResponse,
    maxStreamDurationMs: durationMs(wire.commonHttpProtocolOptions?.maxStreamDuration) ?? 0,
    streamIdleTimeoutMs: durationMs(wire.streamIdleTimeout) ?? 300_000,
    requestTimeoutMs: durationMs(wire.requestTimeout) ?? 0,
    requestHeadersTimeoutMs: durationMs(wire.requestHeadersTimeout) ?? 0,
    connectionIdleTimeoutMs: durationMs(common?.idleTimeout) ?? 3_600_000,
    maxConnectionDurationMs: durationMs(common?.maxConnectionDuration) ?? 0,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    drainTimeoutMs: durationMs(wire.drainTimeout) ?? 5_000,
    delayedCloseTimeoutMs: durationMs(wire.delayedCloseTimeout) ?? 1_000,
    maxHeadersCount: common?.maxHeadersCount ?? 100,
    maxRequestHeadersBytes: (wire.maxRequestHeadersKb ?? 60) * 1024,
    allowAbsoluteUrl: http1?.allowAbsoluteUrl ?? true,
    http1StreamErrorOnInvalidHttpMessage: http1?.overrideStreamErrorOnInvalidHttpMessage ?? streamError ?? false,
    acceptHttp10: http1?.acceptHttp10 ?? false,
    defaultHostForHttp10: http1?.defaultHostForHttp10 ?? "",
    proxy100Continue: wire.proxy100Continue,
    stripTrailingHostDot: wire.stripTrailingHostDot,
    underscores: underscores(common?.headersWithUnderscoresAction),
    earlyMutation,
    localReplies,
    addsUserAgent: wire.addUserAgent ?? false,
    stripPort:
      wire.stripPortMode.case === "stripAnyHostPort" && wire.stripPortMode.value ? "any" : wire.stripMatchingHostPort ? "matching" : "none",
    upgrades,
    tracing: compileTraceDecision(wire.tracing, requestId),
    accessLog,
    accessLogOptions: accessLog === undefined ? undefined : accessLogOptions,
  });
}

function checkValues(wire: HttpConnectionManager, refuse: Refuse): void {
  if (wire.codecType === CodecType.HTTP3 || CodecType[wire.codecType] === undefined) {
    refuse("codec_type", `${CodecType[wire.codecType] ?? String(wire.codecType)} is not served, only AUTO, HTTP1 and HTTP2`);
  }
  checkHeaderKeyFormat(wire.httpProtocolOptions, "http_protocol_options", refuse);
  const kb = wire.maxRequestHeadersKb;
  if (kb !== undefined && (kb < 1 || kb > 8192)) refuse("max_request_headers_kb", "must be from 1 to 8192");
}

function readInternalAddresses(
  wire: HttpConnectionManager,
  at: (field: string) => string,
  gather: Gather,
  dependencies: HcmDependencies,
): ((address: string) => boolean) | undefined {
  const { cidrRanges = [], unixSockets = false } = wire.internalAddressConfig ?? {};
  const field = "internal_address_config.cidr_ranges";
  const inRanges = cidrRanges.length === 0 ? undefined : gather(field, () => dependencies.compileAddressRanges(cidrRanges, at(field)));
  return unixSockets ? (address) => isPipe({ address, port: 0 }) || inRanges?.(address) === true : inRanges;
}

type Gather = <T>(field: string, compile: () => T) => T | undefined;

function readRoutes(wire: HttpConnectionManager, refuse: Refuse, gather: Gather, dependencies: HcmDependencies): RouteSource | undefined {
  const source = wire.routeSpecifier;
  switch (source.case) {
    case "rds": {
      readResourceSource(source.value.configSource, "rds.config_source", refuse);
      if (source.value.routeConfigName === "") refuse("rds.route_config_name", "must not be empty");
      return { kind: "rds", name: source.value.routeConfigName };
    }
    case "routeConfig": {
      const table = gather("route_config", () => dependencies.compileRouteTable(source.value));
      return table === undefined ? undefined : { kind: "inline", table };
    }
    case "scopedRoutes":
      refuse("scoped_routes", "not served yet");
      return undefined;
    case undefined:
      refuse("route_specifier", "rds or route_config must be set");
      return undefined;
  }
}

function readFilters(
  wire: readonly WireFilter[],
  at: (field: string) => string,
  refuse: Refuse,
  gather: Gather,
  dependencies: HcmDependencies,
): { filters: readonly HttpFilterFactory[]; terminal: TerminalFilterFactory | undefined } {
  const filters: HttpFilterFactory[] = [];
  let terminal: TerminalFilterFactory | undefined;
  /** What the last entry became; undefined when it was refused already. */
  let last: HttpFilterFactory | undefined;
  for (const [index, filter] of wire.entries()) {
    const field = `http_filters[${index}]`;
    last = undefined;
    const config: Any | undefined = filter.configType.case === "typedConfig" ? filter.configType.value : undefined;
    if (filter.configType.case === "configDiscovery") {
      refuse(`${field}.config_discovery`, "not served yet");
      continue;
    }
    if (config === undefined) {
      refuse(`${field}.typed_config`, `filter "${filter.name}" needs a typed_config`);
      continue;
    }
    const type = nameOf(config.typeUrl);
    const compiler = dependencies.filters.find(({ configTypes }) => configTypes.includes(type));
    if (compiler === undefined) {
      if (!filter.isOptional) refuse(`${field}.typed_config`, `http filter ${type} ("${filter.name}") is not known to this proxy`);
      continue;
    }
    const factory = gather(`${field}.typed_config`, () => compiler.compile(filter.name, config, at(`${field}.typed_config`)));
    if (factory === undefined) continue;
    last = factory;
    if (!isTerminal(factory)) filters.push(switchedByRoute(factory, !filter.disabled));
    else if (filter.disabled) refuse(`${field}.disabled`, `the terminal filter "${filter.name}" cannot be switched off`);
    else if (index === wire.length - 1) terminal = factory;
    else refuse(field, `terminal filter "${filter.name}" must be the last one`);
  }
  if (wire.length === 0) refuse("http_filters", "must hold at least the router filter");
  else if (terminal === undefined && (last !== undefined || wire.at(-1)!.isOptional)) {
    refuse(`http_filters[${wire.length - 1}]`, `the last filter must be a terminal one such as the router, "${wire.at(-1)!.name}" is not`);
  }
  return { filters, terminal };
}

/** Of the only kind of ids there is. */
function readRequestId(wire: HttpConnectionManager, refuse: Refuse): UuidRequestIdConfig | undefined {
  const any = wire.requestIdExtension?.typedConfig;
  if (any === undefined) return undefined;
  const field = "request_id_extension.typed_config";
  try {
    const config = unpack(any, UuidRequestIdConfigSchema);
    if (config === undefined) refuse(field, `${nameOf(any.typeUrl)} is not served, only UuidRequestIdConfig`);
    return config;
  } catch (error) {
    refuse(field, String(error));
    return undefined;
  }
}

function readIpDetection(wire: HttpConnectionManager, refuse: Refuse): DetectClient {
  const extensions = wire.originalIpDetectionExtensions;
  if (extensions.length === 0) return detectByForwardedFor(wire.xffNumTrustedHops);
  if (wire.useRemoteAddress === true) refuse("original_ip_detection_extensions", "may not be mixed with use_remote_address");
  if (wire.xffNumTrustedHops > 0) refuse("original_ip_detection_extensions", "may not be mixed with xff_num_trusted_hops");
  return compileIpDetection(extensions, refuse);
}

function codec(type: CodecType): HcmConfig["codec"] {
  if (type === CodecType.HTTP1) return "http1";
  return type === CodecType.HTTP2 ? "http2" : "auto";
}

function schemeToOverwrite({ schemeHeaderTransformation }: HttpConnectionManager): "http" | "https" | undefined {
  const transformation = schemeHeaderTransformation?.transformation;
  if (transformation?.case !== "schemeToOverwrite") return undefined;
  return transformation.value === "https" ? "https" : "http";
}

function underscores(action: Underscores | undefined): HcmConfig["underscores"] {
  if (action === Underscores.REJECT_REQUEST) return "reject";
  return action === Underscores.DROP_HEADER ? "drop" : "allow";
}

/** As in Envoy, runtime layers are asked once for each configuration, not for each request. */
function escapedSlashes(configured: EscapedSlashesAction, runtime: Runtime): PathOptions["escapedSlashes"] {
  if (runtime.share(`${ESCAPED_SLASHES_KEY}_enabled`, 1) === 0) return "keep";
  const isDefault = configured === EscapedSlashesAction.IMPLEMENTATION_SPECIFIC_DEFAULT;
  const action: EscapedSlashesAction = isDefault ? runtime.integer(ESCAPED_SLASHES_KEY, configured) : configured;
  switch (action) {
    case EscapedSlashesAction.REJECT_REQUEST:
      return "reject";
    case EscapedSlashesAction.UNESCAPE_AND_REDIRECT:
      return "redirect";
    case EscapedSlashesAction.UNESCAPE_AND_FORWARD:
      return "unescape";
    default:
      return "keep";
  }
}

function serverHeader(transformation: ServerHeader): ServerHeaderMode {
  switch (transformation) {
    case ServerHeader.APPEND_IF_ABSENT:
      return "append-if-absent";
    case ServerHeader.PASS_THROUGH:
      return "pass-through";
    default:
      return "overwrite";
  }
}
