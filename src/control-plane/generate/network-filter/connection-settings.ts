// ProxyConfig.connectionSettings: limits and timeouts of the connections that callers open, over everything else that sets them.
import { create } from "@bufbuild/protobuf";
import {
  Http2ProtocolOptionsSchema,
  HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores,
  HttpProtocolOptionsSchema,
} from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  type HttpConnectionManager,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { ConnectionSettings } from "#api/mesh-config/connection-settings";
import { durationOf } from "#control-plane/generate/duration";
import type { FilterInputs } from "#control-plane/generate/filter-inputs";

const MINUTE_MS = 60_000;

/** Envoy's advice for proxies that face the internet. */
const EDGE: ConnectionSettings = {
  listenerPerConnectionBufferLimitBytes: 32_768,
  clusterPerConnectionBufferLimitBytes: 32_768,
  httpIdleTimeout: 60 * MINUTE_MS,
  httpStreamIdleTimeout: 5 * MINUTE_MS,
  httpRequestTimeout: 5 * MINUTE_MS,
  httpRequestHeadersTimeout: MINUTE_MS,
  httpMaxConcurrentStreams: 100,
  http2InitialStreamWindowSize: 65_536,
  http2InitialConnectionWindowSize: 1_048_576,
  httpHeadersWithUnderscoresAction: "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
  httpMergeSlashes: true,
  httpPathWithEscapedSlashesAction: "UNESCAPE_AND_REDIRECT",
};

/** The profile EDGE counts for gateways only, and what is written counts over it. */
export function connectionSettings({ proxyConfig, node }: FilterInputs): ConnectionSettings | undefined {
  const settings = proxyConfig.connectionSettings;
  if (settings?.profile !== "EDGE" || node.type !== "router") return settings;
  const written = Object.entries(settings).filter(
    ([, value]) =>
      value !== undefined && value !== "HEADERS_WITH_UNDERSCORES_UNSPECIFIED" && value !== "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
  );
  return { ...EDGE, ...Object.fromEntries(written) };
}

export function applyConnectionSettings(manager: HttpConnectionManager, settings: ConnectionSettings | undefined): void {
  if (settings === undefined) return;
  applyTimeouts(manager, settings);
  applyHttp2Options(manager, settings);
  const underscores = UNDERSCORES.get(settings.httpHeadersWithUnderscoresAction);
  if (underscores !== undefined) commonOptions(manager).headersWithUnderscoresAction = underscores;
  if (settings.httpMergeSlashes !== undefined) manager.mergeSlashes = settings.httpMergeSlashes;
  const slashes = ESCAPED_SLASHES.get(settings.httpPathWithEscapedSlashesAction);
  if (slashes !== undefined) manager.pathWithEscapedSlashesAction = slashes;
}

function applyTimeouts(manager: HttpConnectionManager, settings: ConnectionSettings): void {
  const { httpIdleTimeout, httpMaxConnectionDuration, httpMaxStreamDuration } = settings;
  if (httpIdleTimeout !== undefined) commonOptions(manager).idleTimeout = durationOf(httpIdleTimeout);
  if (httpMaxConnectionDuration !== undefined) commonOptions(manager).maxConnectionDuration = durationOf(httpMaxConnectionDuration);
  if (httpMaxStreamDuration !== undefined) commonOptions(manager).maxStreamDuration = durationOf(httpMaxStreamDuration);
  if (settings.httpStreamIdleTimeout !== undefined) manager.streamIdleTimeout = durationOf(settings.httpStreamIdleTimeout);
  if (settings.httpRequestTimeout !== undefined) manager.requestTimeout = durationOf(settings.httpRequestTimeout);
  if (settings.httpRequestHeadersTimeout !== undefined) manager.requestHeadersTimeout = durationOf(settings.httpRequestHeadersTimeout);
  if (settings.httpDrainTimeout !== undefined) manager.drainTimeout = durationOf(settings.httpDrainTimeout);
}

function applyHttp2Options(manager: HttpConnectionManager, settings: ConnectionSettings): void {
  const options = {
    maxConcurrentStreams: settings.httpMaxConcurrentStreams,
    initialStreamWindowSize: settings.http2InitialStreamWindowSize,
    initialConnectionWindowSize: settings.http2InitialConnectionWindowSize,
  };
  for (const [field, value] of Object.entries(options) as [keyof typeof options, number | undefined][]) {
    if (value === undefined) continue;
    manager.http2ProtocolOptions ??= create(Http2ProtocolOptionsSchema);
    // A negative number would become an enormous one on the wire.
    if (value >= 0) manager.http2ProtocolOptions[field] = value;
  }
}

function commonOptions(manager: HttpConnectionManager) {
  return (manager.commonHttpProtocolOptions ??= create(HttpProtocolOptionsSchema));
}

const UNDERSCORES: ReadonlyMap<ConnectionSettings["httpHeadersWithUnderscoresAction"], Underscores> = new Map([
  ["HEADERS_WITH_UNDERSCORES_ALLOW", Underscores.ALLOW],
  ["HEADERS_WITH_UNDERSCORES_REJECT_REQUEST", Underscores.REJECT_REQUEST],
  ["HEADERS_WITH_UNDERSCORES_DROP_HEADER", Underscores.DROP_HEADER],
]);

const ESCAPED_SLASHES: ReadonlyMap<ConnectionSettings["httpPathWithEscapedSlashesAction"], EscapedSlashes> = new Map([
  ["KEEP_UNCHANGED", EscapedSlashes.KEEP_UNCHANGED],
  ["REJECT_REQUEST", EscapedSlashes.REJECT_REQUEST],
  ["UNESCAPE_AND_REDIRECT", EscapedSlashes.UNESCAPE_AND_REDIRECT],
  ["UNESCAPE_AND_FORWARD", EscapedSlashes.UNESCAPE_AND_FORWARD],
]);
