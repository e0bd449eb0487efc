import assert from "node:assert/strict";
import { test } from "node:test";
import { int32, PLAIN_LISTEN_OPTIONS } from "#proxy/net/socket-option";
import { bindListenSocket } from "#proxy/net/listen-socket";
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

test("a port that somebody takes between bind and listen is a failure, and the listener keeps what it had", () => {
  const sockets = new ListenerSockets();
  const place = (port: number): Parameters<ListenerSockets["reserve"]>[1] => [
    { address: { ...ADDRESS, port }, options: PLAIN_LISTEN_OPTIONS },
  ];
  const free = bindListenSocket(ADDRESS);
  assert.ok(free.ok);
  const { port } = free.socket.address;
  try {
    sockets.reserve("l", place(0), new Set());
    assert.equal(sockets.listen("l"), undefined);
    sockets.commit("l");
    const [before] = sockets.addresses("l");
    sockets.reserve("l", place(port), new Set());
    assert.equal(free.socket.listen(), undefined);
    assert.match(
      sockets.listen("l") ?? "",
      new RegExp(`^listener "l": cannot listen on 127\\.0\\.0\\.1:${port}: Address already in use \\(.*another port\\)$`),
    );
    assert.equal(sockets.commit("l"), false);
    assert.deepEqual(sockets.addresses("l"), [before]);
    free.socket.close();
    sockets.reserve("l", place(port), new Set());
    assert.equal(sockets.listen("l"), undefined, "a later push succeeds");
    assert.equal(sockets.commit("l"), true);
    assert.deepEqual(sockets.addresses("l"), [{ address: "127.0.0.1", port }]);
  } finally {
    free.socket.close();
    sockets.close();
  }
});

test("each listener with port 0 gets a port of its own", () => {
  const sockets = new ListenerSockets();
  try {
    for (const name of ["a", "b"]) {
      sockets.reserve(name, [{ address: ADDRESS, options: PLAIN_LISTEN_OPTIONS }], new Set());
      sockets.commit(name);
    }
    const [a, b] = ["a", "b"].map((name) => sockets.addresses(name)[0]?.port);
    assert.notEqual(a, b);
    sockets.release("b");
    assert.deepEqual(sockets.addresses("a")[0]?.port, a);
  } finally {
    sockets.close();
  }
});
