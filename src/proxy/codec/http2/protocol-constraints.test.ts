import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolConstraints } from "./protocol-constraints.ts";
import { DEFAULT_HTTP2_OPTIONS } from "./session-options.ts";

const constraints = (): ProtocolConstraints =>
  new ProtocolConstraints({
    ...DEFAULT_HTTP2_OPTIONS,
    role: "server",
    streamBufferBytes: 65_536,
    nowMs: () => 0,
    maxOutboundFrames: 10,
    maxOutboundControlFrames: 5,
  });

test("frames count as long as the transport holds them", () => {
  const held = constraints();
  for (let i = 0; i < 10; i++) held.headersSent();
  held.written(100, 0);
  held.headersSent();
  assert.equal(held.outboundFlood()?.counter, "outbound_flood");
  held.written(10, 0); // the hundred bytes have left
  held.headersSent();
  assert.equal(held.outboundFlood(), undefined);
});

test("written frames are forgotten a generation at a time, while something always waits", () => {
  const held = constraints();
  for (let i = 0; i < 100; i++) {
    held.headersSent();
    held.written(10, i === 0 ? 0 : 10);
    assert.equal(held.outboundFlood(), undefined);
  }
  // A transport that takes nothing: all of it counts.
  for (let i = 0; i < 10; i++) {
    held.headersSent();
    held.written(10, 20 + 10 * i);
  }
  assert.equal(held.outboundFlood()?.counter, "outbound_flood");
});

test("control frames have a limit of their own", () => {
  const held = constraints();
  for (let i = 0; i < 6; i++) held.controlSent();
  assert.equal(held.outboundFlood()?.counter, "outbound_control_flood");
  held.written(6, 0);
  held.transportDrained();
  assert.equal(held.outboundFlood(), undefined);
});
