import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock, realClock } from "#runtime/clock";
import type { Connection, TransportFailure } from "./connection.ts";
import type { ConnectSource } from "./connector.ts";
import { bindListenSocket } from "./listen-socket.ts";
import { SocketConnector } from "./socket-connector.ts";
import { hasLinuxOptions, int32 } from "./socket-option.ts";

function outcome(connector: SocketConnector, port: number, timeoutMs = 0, address = "127.0.0.1"): Promise<Connection | TransportFailure> {
  return new Promise((resolve) => {
    connector.connect({ address, port }, timeoutMs, {
      onConnected: (connection) => {
        connection.handler = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };
        resolve(connection);
      },
      onConnectFailed: resolve,
    });
  });
}

test("a connect tells both addresses", async () => {
  const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const result = await outcome(new SocketConnector(clock, false), port, 5000);
  assert.ok("remote" in result);
  assert.deepEqual(result.remote, { address: "127.0.0.1", port });
  assert.equal(result.local.address, "127.0.0.1");
  assert.equal(clock.pending, 0, "the connect timer is gone");
  result.close("now");
  server.close();
});

test("a unix socket is reached by its path, an abstract one by its name, and a file that is not there is told", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-pipe-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "app.sock");
  const abstract = `@${path}`;
  const connector = new SocketConnector(new ManualClock(), false);
  for (const [address, listenPath] of process.platform === "linux"
    ? ([
        [path, path],
        [abstract, `\0${path}`],
      ] as const)
    : ([[path, path]] as const)) {
    const server = createServer((socket) => socket.resume()).listen(listenPath);
    await once(server, "listening");
    const result = await outcome(connector, 0, 5000, address);
    assert.ok("remote" in result, JSON.stringify(result));
    assert.deepEqual(result.local, { address: "", port: 0 });
    // A unix socket knows no RST.
    result.close("reset");
    server.close();
    await once(server, "close");
  }
  const missing = await outcome(connector, 0, 5000, join(folder, "none.sock"));
  assert.deepEqual(missing, { kind: "connect-failed", detail: "delayed connect error: No such file or directory" });
});

test("nobody listening is connect-refused in Envoy's words", async () => {
  const bound = bindListenSocket({ address: "127.0.0.1", port: 0 });
  assert.ok(bound.ok);
  const result = await outcome(new SocketConnector(realClock, false), bound.socket.address.port);
  assert.deepEqual(result, { kind: "connect-refused", detail: "delayed connect error: Connection refused" });
  bound.socket.close();
});

test("a connect that takes too long fails once, and a cancelled one never calls back", async () => {
  const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const connector = new SocketConnector(clock, false);
  const late = outcome(connector, port, 10);
  clock.advance(10);
  assert.deepEqual(await late, { kind: "connect-timeout", detail: "no answer within 10 ms" });
  const calls: string[] = [];
  connector
    .connect({ address: "127.0.0.1", port }, 10, {
      onConnected: () => calls.push("connected"),
      onConnectFailed: () => calls.push("failed"),
    })
    .cancel();
  const last = await outcome(connector, port);
  assert.ok("close" in last);
  last.close("now");
  assert.deepEqual(calls, []);
  assert.equal(clock.pending, 0);
  server.close();
});

test("a connection is probed after the idle time that was asked for", async (t) => {
  const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const keepalive = { idleMs: 30_000, intervalMs: 5000, probes: 4 };
  const connection = await new Promise<Connection>((resolve, reject) => {
    new SocketConnector(new ManualClock(), false).connect(
      { address: "127.0.0.1", port },
      0,
      {
        onConnected: (opened) => {
          opened.handler = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };
          resolve(opened);
        },
        onConnectFailed: reject,
      },
      { keepalive },
    );
  });
  t.after(() => connection.close("now"));
  if (process.platform === "linux") {
    // The kernel's table: timer 2 is the one of the probes, with the time until it fires in hundredths of a second.
    const hex = (of: number): string => of.toString(16).toUpperCase().padStart(4, "0");
    const line =
      readFileSync("/proc/net/tcp", "utf8")
        .split("\n")
        // The local address stands first. A local port may serve connections to several remote ones.
        .find((entry) => entry.includes(`: 0100007F:${hex(connection.local.port)} 0100007F:${hex(port)} `)) ?? "";
    const [, hundredths = ""] = / 02:([0-9A-F]{8}) /u.exec(line) ?? [];
    assert.ok(Math.abs(Number.parseInt(hundredths, 16) - 3000) < 500, line);
  }
});

test("a connection begins at the address that it is told, with the options of its socket, or says why it cannot", async (t) => {
  const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const from = (source: ConnectSource): Promise<Connection | TransportFailure> =>
    new Promise((resolve) => {
      const callbacks = { onConnected: (connection: Connection) => resolve(connection), onConnectFailed: resolve };
      new SocketConnector(new ManualClock(), false).connect({ address: "127.0.0.1", port }, 0, callbacks, { source });
    });
  const plain = await from({ address: "127.0.0.7", options: [] });
  assert.ok("local" in plain);
  assert.equal(plain.local.address, "127.0.0.7");
  plain.close("now");
  assert.deepEqual(await from({ address: "192.0.2.77", options: [] }), {
    kind: "local",
    detail: "failed to bind to 192.0.2.77:0: Cannot assign requested address",
  });
  assert.deepEqual(await from({ address: "::1", options: [] }), {
    kind: "local",
    detail: "failed to bind to [::1]:0: Address family not supported by protocol",
  });
  if (!hasLinuxOptions) return;
  const MAX_SEGMENT = { level: 6, name: 2, value: int32(600), prebind: true, description: "TCP_MAXSEG" };
  const optioned = await from({ address: "127.0.0.7", options: [MAX_SEGMENT] });
  assert.ok("local" in optioned);
  assert.equal(optioned.local.address, "127.0.0.7");
  optioned.close("now");
  const unknown = { ...MAX_SEGMENT, name: 9999, description: "unknown" };
  assert.deepEqual(await from({ address: undefined, options: [unknown] }), {
    kind: "local",
    detail: "socket option unknown: Protocol not available",
  });
});
