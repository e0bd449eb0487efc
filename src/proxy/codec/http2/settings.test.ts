import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "./error-code.ts";
import { settings as settingsFrame } from "./frames.fake.ts";
import { applySettings, defaultPeerSettings } from "./settings.ts";

function apply(
  pairs: [id: number, value: number][],
  fromServer = false,
): { code: number | undefined; settings: ReturnType<typeof defaultPeerSettings> } {
  const settings = defaultPeerSettings();
  const frame = settingsFrame(...pairs);
  return { code: applySettings(settings, frame, 9, frame.length, fromServer)?.code, settings };
}

test("applies all settings in order, the last of a kind counts, unknown ones are passed over", () => {
  const { code, settings } = apply([
    [1, 7],
    [2, 0],
    [3, 8],
    [4, 1],
    [4, 9],
    [5, 20_000],
    [6, 10],
    [8, 1],
    [0xf00, 3],
  ]);
  assert.equal(code, undefined);
  assert.deepEqual(settings, {
    headerTableSize: 7,
    maxConcurrentStreams: 8,
    initialWindowSize: 9,
    maxFrameSize: 20_000,
    maxHeaderListSize: 10,
    enableConnectProtocol: true,
  });
});

test("refuses values that RFC 9113 6.5.2 and RFC 8441 3 forbid", () => {
  for (const [pairs, code] of [
    [[[2, 2]], ErrorCode.PROTOCOL_ERROR],
    [[[4, 0x8000_0000]], ErrorCode.FLOW_CONTROL_ERROR],
    [[[5, 16_383]], ErrorCode.PROTOCOL_ERROR],
    [[[5, 0x100_0000]], ErrorCode.PROTOCOL_ERROR],
    [[[8, 2]], ErrorCode.PROTOCOL_ERROR],
    [
      [
        [8, 1],
        [8, 0],
      ],
      ErrorCode.PROTOCOL_ERROR,
    ],
  ] as [[number, number][], number][]) {
    assert.equal(apply(pairs).code, code);
  }
  assert.equal(apply([[2, 1]]).code, undefined);
  assert.equal(apply([[2, 1]], true).code, ErrorCode.PROTOCOL_ERROR);
});
