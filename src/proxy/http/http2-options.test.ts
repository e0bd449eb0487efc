import { describe, it } from "node:test";
import assert from "node:assert/strict";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { Http2ProtocolOptionsSchema } from "#envoy/gen/envoy/config/core/v3/protocol_pb";
import { readHttp2Options } from "./http2-options.ts";
import type { Http2Options } from "./http2-options.ts";

function read(json: JsonValue, overrideStreamError?: boolean): { options: Http2Options; refused: string[] } {
  const refused: string[] = [];
  const wire = fromJson(Http2ProtocolOptionsSchema, json);
  const options = readHttp2Options(wire, "o", (path, message) => void refused.push(`${path}: ${message}`), overrideStreamError);
  return { options, refused };
}

describe("HTTP/2 protocol options", () => {
  it("are Envoy's defaults where nothing is set", () => {
    const { options, refused } = read({});
    assert.deepEqual(refused, []);
    assert.deepEqual(options, {
      hpackTableSize: 4096,
      maxConcurrentStreams: 1024,
      initialStreamWindowSize: 16_777_216,
      initialConnectionWindowSize: 25_165_824,
      allowConnect: false,
      maxOutboundFrames: 10_000,
      maxOutboundControlFrames: 1000,
      maxConsecutiveInboundFramesWithEmptyPayload: 1,
      maxInboundPriorityFramesPerStream: 100,
      maxInboundWindowUpdateFramesPerDataFrameSent: 10,
      streamErrorOnInvalidHttpMessaging: false,
      customSettings: [],
      keepalive: undefined,
    });
  });

  it("take the keep-alive pings over", () => {
    assert.deepEqual(read({ connectionKeepalive: { interval: "30s", timeout: "5s" } }).options.keepalive, {
      intervalMs: 30_000,
      timeoutMs: 5000,
      jitterPercent: 15,
      connectionIdleIntervalMs: 0,
    });
  });

  it("let the connection manager decide on malformed messages unless they override it themselves", () => {
    assert.equal(read({}, true).options.streamErrorOnInvalidHttpMessaging, true);
    assert.equal(read({ overrideStreamErrorOnInvalidHttpMessage: false }, true).options.streamErrorOnInvalidHttpMessaging, false);
    assert.equal(read({ streamErrorOnInvalidHttpMessaging: true }).options.streamErrorOnInvalidHttpMessaging, true);
  });

  it("name every value that is out of bounds", () => {
    assert.deepEqual(
      read({ maxConcurrentStreams: 0, initialStreamWindowSize: 1000, maxOutboundFrames: 0, connectionKeepalive: { interval: "0s" } })
        .refused,
      [
        "o.max_concurrent_streams: must be from 1 to 2147483647",
        "o.initial_stream_window_size: must be from 65535 to 2147483647",
        "o.max_outbound_frames: must be from 1 to 4294967295",
        "o.connection_keepalive.timeout: must be set",
        "o.connection_keepalive.interval: must be at least 0.001s",
      ],
    );
  });

  it("keep custom settings apart from those that have a name", () => {
    const settings = (...pairs: readonly (readonly [number, number])[]): JsonValue => ({
      customSettingsParameters: pairs.map(([identifier, value]) => ({ identifier, value })),
    });
    assert.deepEqual(read(settings([2, 0], [16, 5], [16, 5])).options.customSettings, [{ identifier: 16, value: 5 }]);
    assert.deepEqual(read(settings([1, 0], [8, 1], [2, 1], [16, 5], [16, 6])).refused, [
      "o.custom_settings_parameters[0]: setting 1 has a field of its own",
      "o.custom_settings_parameters[1]: is what allow_connect is for",
      "o.custom_settings_parameters[2]: server push is not served",
      "o.custom_settings_parameters[4]: setting 16 has two values",
    ]);
  });
});
