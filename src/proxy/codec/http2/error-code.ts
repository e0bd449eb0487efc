// RFC 9113 7, and what this proxy says beside a code.

export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

/** What ends a session, or one stream of it. `details` are Envoy's response code details where it has one. */
export interface Http2Error {
  /** An ErrorCode, as it goes to the peer. */
  readonly code: number;
  readonly details: string;
  /** For logs, and the debug data of a GOAWAY. Holds no bytes of a message. */
  readonly message: string;
}

const error = (code: number, details: string, message: string): Http2Error => Object.freeze({ code, details, message });

export const protocolError = (message: string): Http2Error => error(ErrorCode.PROTOCOL_ERROR, "http2.protocol_error", message);
export const frameSizeError = (message: string): Http2Error => error(ErrorCode.FRAME_SIZE_ERROR, "http2.frame_size_error", message);
export const flowControlError = (message: string): Http2Error => error(ErrorCode.FLOW_CONTROL_ERROR, "http2.flow_control_error", message);
export const streamClosedError = (message: string): Http2Error => error(ErrorCode.STREAM_CLOSED, "http2.stream_closed", message);
export const compressionError = (message: string): Http2Error =>
  error(ErrorCode.COMPRESSION_ERROR, "http2.header_compression_error", message);
export const floodError = (details: string, message: string): Http2Error => error(ErrorCode.ENHANCE_YOUR_CALM, details, message);
/** A message that RFC 9113 8.1.1 calls malformed: rules about the whole. */
export const messagingError = (message: string): Http2Error =>
  error(ErrorCode.PROTOCOL_ERROR, "http2.violation.of.messaging.rule", message);
/** The same for one field. */
export const fieldError = (message: string): Http2Error => error(ErrorCode.PROTOCOL_ERROR, "http2.invalid.header.field", message);
/** Over a limit on headers: the one stream ends. */
export const overflowError = (details: string, message: string): Http2Error => error(ErrorCode.ENHANCE_YOUR_CALM, details, message);
export const refusedError = (message: string): Http2Error => error(ErrorCode.REFUSED_STREAM, "http2.remote_refuse", message);
