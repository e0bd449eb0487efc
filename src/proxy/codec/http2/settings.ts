// SETTINGS (RFC 9113 6.5, RFC 8441 3): what a peer asked of us, and what of it is an error.
import type { Http2Error } from "./error-code.ts";
import { flowControlError, frameSizeError, protocolError } from "./error-code.ts";
import { DEFAULT_MAX_FRAME_SIZE, read32 } from "./frame.ts";

export const SettingId = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
  ENABLE_CONNECT_PROTOCOL: 0x8,
} as const;

export const DEFAULT_TABLE_SIZE = 4096;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 0x7fff_ffff;
const SETTING_BYTES = 6;
const MAX_FRAME_SIZE = 0xff_ffff;

export interface PeerSettings {
  headerTableSize: number;
  /** Infinity until it is said. */
  maxConcurrentStreams: number;
  initialWindowSize: number;
  maxFrameSize: number;
  /** Advisory; Infinity until it is said. */
  maxHeaderListSize: number;
  enableConnectProtocol: boolean;
}

export function defaultPeerSettings(): PeerSettings {
  return {
    headerTableSize: DEFAULT_TABLE_SIZE,
    maxConcurrentStreams: Infinity,
    initialWindowSize: DEFAULT_WINDOW,
    maxFrameSize: DEFAULT_MAX_FRAME_SIZE,
    maxHeaderListSize: Infinity,
    enableConnectProtocol: false,
  };
}

/** Applies the payload of one SETTINGS frame in order. `fromServer`: the peer is the server, which must not allow push. */
export function applySettings(
  settings: PeerSettings,
  bytes: Uint8Array,
  start: number,
  end: number,
  fromServer: boolean,
): Http2Error | undefined {
  if ((end - start) % SETTING_BYTES !== 0) return frameSizeError("a SETTINGS frame is no multiple of six bytes long");
  for (let at = start; at < end; at += SETTING_BYTES) {
    const error = applySetting(settings, (bytes[at]! << 8) | bytes[at + 1]!, read32(bytes, at + 2), fromServer);
    if (error !== undefined) return error;
  }
  return undefined;
}

function applySetting(settings: PeerSettings, id: number, value: number, fromServer: boolean): Http2Error | undefined {
  switch (id) {
    case SettingId.HEADER_TABLE_SIZE:
      settings.headerTableSize = value;
      return undefined;
    case SettingId.ENABLE_PUSH:
      if (value > (fromServer ? 0 : 1)) return protocolError("SETTINGS_ENABLE_PUSH is neither 0 nor a client's 1");
      return undefined;
    case SettingId.MAX_CONCURRENT_STREAMS:
      settings.maxConcurrentStreams = value;
      return undefined;
    case SettingId.INITIAL_WINDOW_SIZE:
      if (value > MAX_WINDOW) return flowControlError("SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1");
      settings.initialWindowSize = value;
      return undefined;
    case SettingId.MAX_FRAME_SIZE:
      if (value < DEFAULT_MAX_FRAME_SIZE || value > MAX_FRAME_SIZE)
        return protocolError("SETTINGS_MAX_FRAME_SIZE is not between 2^14 and 2^24-1");
      settings.maxFrameSize = value;
      return undefined;
    case SettingId.MAX_HEADER_LIST_SIZE:
      settings.maxHeaderListSize = value;
      return undefined;
    case SettingId.ENABLE_CONNECT_PROTOCOL:
      if (value > 1) return protocolError("SETTINGS_ENABLE_CONNECT_PROTOCOL is neither 0 nor 1");
      if (value === 0 && settings.enableConnectProtocol) return protocolError("SETTINGS_ENABLE_CONNECT_PROTOCOL went from 1 to 0");
      settings.enableConnectProtocol = value === 1;
      return undefined;
    default:
      return undefined; // unknown settings are ignored
  }
}
