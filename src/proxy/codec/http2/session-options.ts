// How a session behaves: Envoy's Http2ProtocolOptions by their names, and what comes from around it. Defaults are the caller's, who
// reads the configuration.

export interface Http2SessionOptions {
  readonly role: "server" | "client";
  /** SETTINGS_HEADER_TABLE_SIZE, and the bound of our encoder's table. */
  readonly hpackTableSize: number;
  /** Streams that the peer may open. */
  readonly maxConcurrentStreams: number;
  readonly initialStreamWindowSize: number;
  readonly initialConnectionWindowSize: number;
  /** Extended CONNECT (RFC 8441): a server offers it. */
  readonly allowConnect: boolean;
  readonly maxOutboundFrames: number;
  readonly maxOutboundControlFrames: number;
  readonly maxConsecutiveInboundFramesWithEmptyPayload: number;
  readonly maxInboundPriorityFramesPerStream: number;
  readonly maxInboundWindowUpdateFramesPerDataFrameSent: number;
  /** False, Envoy's default: a malformed message ends the connection; true: its stream alone, which is enough by RFC 9113 8.1.1. */
  readonly streamErrorOnInvalidHttpMessaging: boolean;
  /** Sent as they are. */
  readonly customSettings: readonly { readonly identifier: number; readonly value: number }[];
  /** max_request_headers_kb or max_response_headers_kb, in bytes of names and values. */
  readonly maxHeadersBytes: number;
  readonly maxHeadersCount: number;
  /** `sendData` says false from this many bytes on that wait for windows. */
  readonly streamBufferBytes: number;
  /** Milliseconds, monotonic: how fast a peer resets streams. */
  nowMs(): number;
}

/** Envoy's defaults (1.40). */
export const DEFAULT_HTTP2_OPTIONS = {
  hpackTableSize: 4096,
  maxConcurrentStreams: 1024,
  initialStreamWindowSize: 16 * 1024 * 1024,
  initialConnectionWindowSize: 24 * 1024 * 1024,
  allowConnect: false,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1000,
  maxConsecutiveInboundFramesWithEmptyPayload: 1,
  maxInboundPriorityFramesPerStream: 100,
  maxInboundWindowUpdateFramesPerDataFrameSent: 10,
  streamErrorOnInvalidHttpMessaging: false,
  customSettings: [],
  maxHeadersBytes: 60 * 1024,
  maxHeadersCount: 100,
} as const satisfies Partial<Http2SessionOptions>;
