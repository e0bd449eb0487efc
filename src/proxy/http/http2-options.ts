// envoy.config.core.v3.Http2ProtocolOptions -> what an HTTP/2 connection of either side is held to.
import type { Http2ProtocolOptions } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import { durationMs } from "#envoy/duration";
import { DEFAULT_HTTP2_OPTIONS } from "#proxy/codec/http2/session-options";
import type { Http2SessionOptions } from "#proxy/codec/http2/session-options";

export interface Http2Keepalive {
  /** Between two pings; 0: none at intervals. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Up to so many per cent are added to each interval. */
  readonly jitterPercent: number;
  /** After so long without a frame a ping goes before a new stream; 0: never. */
  readonly connectionIdleIntervalMs: number;
}

/** What the configuration says of a session; the rest comes from around it. */
export interface Http2Options extends Omit<
  Http2SessionOptions,
  "role" | "maxHeadersBytes" | "maxHeadersCount" | "streamBufferBytes" | "nowMs"
> {
  /** undefined: no pings. */
  readonly keepalive: Http2Keepalive | undefined;
}

type Refuse = (path: string, message: string) => void;

const MAX_31_BITS = 2_147_483_647;
const MIN_WINDOW = 65_535;
const DEFAULT_JITTER_PERCENT = 15;
/** HEADER_TABLE_SIZE, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE: each has a field of its own. */
const NAMED_SETTINGS: ReadonlySet<number> = new Set([1, 3, 4]);
const ENABLE_PUSH = 2;
const ENABLE_CONNECT_PROTOCOL = 8;

/** `overrideStreamError`: the connection manager's stream_error_on_invalid_http_message, which wins over the field of that name here. */
export function readHttp2Options(
  wire: Http2ProtocolOptions | undefined,
  path: string,
  refuse: Refuse,
  overrideStreamError?: boolean,
): Http2Options {
  const defaults = DEFAULT_HTTP2_OPTIONS;
  const within = (value: number | undefined, fallback: number, min: number, max: number, field: string): number => {
    if (value !== undefined && (value < min || value > max)) refuse(`${path}.${field}`, `must be from ${min} to ${max}`);
    return value ?? fallback;
  };
  return Object.freeze({
    hpackTableSize: wire?.hpackTableSize ?? defaults.hpackTableSize,
    maxConcurrentStreams: within(wire?.maxConcurrentStreams, defaults.maxConcurrentStreams, 1, MAX_31_BITS, "max_concurrent_streams"),
    initialStreamWindowSize: within(
      wire?.initialStreamWindowSize,
      defaults.initialStreamWindowSize,
      MIN_WINDOW,
      MAX_31_BITS,
      "initial_stream_window_size",
    ),
    initialConnectionWindowSize: within(
      wire?.initialConnectionWindowSize,
      defaults.initialConnectionWindowSize,
      MIN_WINDOW,
      MAX_31_BITS,
      "initial_connection_window_size",
    ),
    allowConnect: wire?.allowConnect ?? defaults.allowConnect,
    maxOutboundFrames: within(wire?.maxOutboundFrames, defaults.maxOutboundFrames, 1, 0xffff_ffff, "max_outbound_frames"),
    maxOutboundControlFrames: within(
      wire?.maxOutboundControlFrames,
      defaults.maxOutboundControlFrames,
      1,
      0xffff_ffff,
      "max_outbound_control_frames",
    ),
    maxConsecutiveInboundFramesWithEmptyPayload:
      wire?.maxConsecutiveInboundFramesWithEmptyPayload ?? defaults.maxConsecutiveInboundFramesWithEmptyPayload,
    maxInboundPriorityFramesPerStream: wire?.maxInboundPriorityFramesPerStream ?? defaults.maxInboundPriorityFramesPerStream,
    maxInboundWindowUpdateFramesPerDataFrameSent: within(
      wire?.maxInboundWindowUpdateFramesPerDataFrameSent,
      defaults.maxInboundWindowUpdateFramesPerDataFrameSent,
      1,
      0xffff_ffff,
      "max_inbound_window_update_frames_per_data_frame_sent",
    ),
    streamErrorOnInvalidHttpMessaging:
      wire?.overrideStreamErrorOnInvalidHttpMessage ??
      overrideStreamError ??
      wire?.streamErrorOnInvalidHttpMessaging ??
      defaults.streamErrorOnInvalidHttpMessaging,
    customSettings: readCustomSettings(wire?.customSettingsParameters ?? [], `${path}.custom_settings_parameters`, refuse),
    keepalive: readKeepalive(wire?.connectionKeepalive, `${path}.connection_keepalive`, refuse),
  });
}

function readCustomSettings(
  wire: Http2ProtocolOptions["customSettingsParameters"],
  path: string,
  refuse: Refuse,
): Http2Options["customSettings"] {
  const values = new Map<number, number>();
  for (const [at, { identifier, value }] of wire.entries()) {
    if (identifier === undefined || value === undefined) refuse(`${path}[${at}]`, "identifier and value must be set");
    else if (identifier > 0xffff) refuse(`${path}[${at}].identifier`, "must be from 0 to 65535");
    else if (NAMED_SETTINGS.has(identifier)) refuse(`${path}[${at}]`, `setting ${identifier} has a field of its own`);
    else if (identifier === ENABLE_CONNECT_PROTOCOL) refuse(`${path}[${at}]`, "is what allow_connect is for");
    else if (identifier === ENABLE_PUSH && value !== 0) refuse(`${path}[${at}]`, "server push is not served");
    else if ((values.get(identifier) ?? value) !== value) refuse(`${path}[${at}]`, `setting ${identifier} has two values`);
    // Push is switched off in any case.
    else if (identifier !== ENABLE_PUSH) values.set(identifier, value);
  }
  return [...values].map(([identifier, value]) => ({ identifier, value }));
}

function readKeepalive(wire: Http2ProtocolOptions["connectionKeepalive"], path: string, refuse: Refuse): Http2Keepalive | undefined {
  if (wire === undefined) return undefined;
  const atLeast1 = (ms: number | undefined, field: string): number => {
    if (ms !== undefined && ms < 1) refuse(`${path}.${field}`, "must be at least 0.001s");
    return ms ?? 0;
  };
  if (wire.timeout === undefined) refuse(`${path}.timeout`, "must be set");
  const jitterPercent = wire.intervalJitter?.value ?? DEFAULT_JITTER_PERCENT;
  if (!(jitterPercent >= 0 && jitterPercent <= 100)) refuse(`${path}.interval_jitter`, "must be from 0 to 100");
  return {
    intervalMs: atLeast1(durationMs(wire.interval), "interval"),
    timeoutMs: atLeast1(durationMs(wire.timeout), "timeout"),
    jitterPercent,
    connectionIdleIntervalMs: atLeast1(durationMs(wire.connectionIdleInterval), "connection_idle_interval"),
  };
}
