import assert from "node:assert/strict";
import { test } from "node:test";
import { int32, PLAIN_LISTEN_OPTIONS } from "#proxy/net/socket-option";
import { ListenerSockets } from "./listener-sockets.ts";

const ADDRESS = { address: "127.0.0.1", port: 0 };
// SO_KEEPALIVE
const KEEPALIVE = { level: 1, name: 9, value: int32(1), prebind: true, description: "probes" };

test("a socket that is listened on keeps its options, and whoever wants others is told", () => {
  const sockets = new ListenerSockets();
  try {
    const options = { ...PLAIN_LISTEN_OPTIONS, options: [KEEPALIVE] };
    sockets.reserve("l", [{ address: ADDRESS, options }], new Set());
    assert.equal(sockets.commit("l"), true);
    sockets.reserve("l", [{ address: ADDRESS, options: { ...options, options: [{ ...KEEPALIVE }] } }], new Set());
    assert.equal(sockets.commit("l"), false);
    assert.throws(
      () => sockets.reserve("l", [{ address: ADDRESS, options: PLAIN_LISTEN_OPTIONS }], new Set()),
      /listener "l": the socket options of 127\.0\.0\.1:0 cannot change while it is listened on/,
    );
  } finally {
    sockets.close();
  }
});
