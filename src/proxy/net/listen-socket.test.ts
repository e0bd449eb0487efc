import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, NetConnectOpts, Socket } from "node:net";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { platform } from "node:process";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import koffi from "koffi";
import { realClock } from "#runtime/clock";
import { Acceptor } from "./acceptor.ts";
import { bindListenSocket } from "./listen-socket.ts";
import type { BindResult, ListenSocket } from "./listen-socket.ts";
import { addressOption, int32, PLAIN_LISTEN_OPTIONS } from "./socket-option.ts";

function bind(address: string): ListenSocket {
  const bound = bindListenSocket({ address, port: 0 });
  assert.ok(bound.ok, bound.ok ? "" : bound.failure.message);
  return bound.socket;
}

async function ask(address: string, port: number): Promise<string> {
  const socket = connect({ host: address, port });
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString()));
  await once(socket, "close");
  return text;
}

const WORKER = `
const { createServer } = require("node:net");
const { parentPort, workerData } = require("node:worker_threads");
const server = createServer((socket) => socket.end(workerData.name));
server.listen({ fd: workerData.fd }, () => parentPort.postMessage("listening"));
`;

async function listenInWorker(socket: ListenSocket, name: string): Promise<Worker> {
  const worker = new Worker(WORKER, { eval: true, workerData: { fd: socket.duplicate(), name } });
  await once(worker, "message");
  return worker;
}

test("a listening socket lives on when its thread ends, and the next thread serves who came in between", async () => {
  const socket = bind("127.0.0.1");
  const first = await listenInWorker(socket, "first");
  assert.equal(await ask("127.0.0.1", socket.address.port), "first");
  await first.terminate();
  const waiting = ask("127.0.0.1", socket.address.port);
  const second = await listenInWorker(socket, "second");
  assert.equal(await waiting, "second");
  await second.terminate();
  socket.close();
  await assert.rejects(ask("127.0.0.1", socket.address.port), /ECONNREFUSED/);
});

test("an acceptor hands out connections and stops when closed", async () => {
  const socket = bind("127.0.0.1");
  const acceptor = new Acceptor({
    fd: socket.duplicate(),
    clock: realClock,
    poison: false,
    onSocket: (accepted) => {
      const connection = accepted.connection({ onConnectionClosed() {} });
      connection.handler = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };
      connection.write(`hello ${connection.local.port}`);
      connection.close("flush");
    },
    onError: (error) => assert.fail(error),
  });
  assert.equal(await ask("127.0.0.1", socket.address.port), `hello ${socket.address.port}`);
  acceptor.close();
  socket.close();
  await assert.rejects(ask("127.0.0.1", socket.address.port), /ECONNREFUSED/);
});

test("a taken port, a foreign address and a name are values that say what to do", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const taken = bindListenSocket({ address: "127.0.0.1", port });
  assert.ok(!taken.ok);
  assert.equal(taken.failure.code, "EADDRINUSE");
  assert.match(taken.failure.message, new RegExp(`cannot bind 127\\.0\\.0\\.1:${port}: Address already in use \\(.*another port\\)`));
  server.close();
  const foreign = bindListenSocket({ address: "192.0.2.1", port: 0 });
  assert.ok(!foreign.ok);
  assert.equal(foreign.failure.code, "EADDRNOTAVAIL");
  const name = bindListenSocket({ address: "localhost", port: 0 });
  assert.ok(!name.ok);
  assert.match(name.failure.message, /not an IP address/);
});

test("IPv6 works where the machine has it", async () => {
  const has = Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === "::1"));
  const bound = bindListenSocket({ address: "::1", port: 0 });
  assert.equal(bound.ok, has);
  if (bound.ok) assert.equal(await serveOnce(bound, { host: "::1", port: bound.socket.address.port }), "here");
});

/** What a client is told at this place. */
async function serveOnce(bound: BindResult, place: NetConnectOpts): Promise<string> {
  assert.ok(bound.ok, bound.ok ? "" : bound.failure.message);
  const acceptor = new Acceptor({
    fd: bound.socket.duplicate(),
    clock: realClock,
    poison: false,
    onSocket: (accepted) => {
      const connection = accepted.connection({ onConnectionClosed() {} });
      connection.handler = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };
      connection.write("here");
      connection.close("flush");
    },
    onError: (error) => assert.fail(error),
  });
  const socket = connect(place);
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString()));
  await once(socket, "close");
  acceptor.close();
  bound.socket.close();
  return text;
}

test("a pipe is a file with its mode, in the place of a socket that was left there, but not of anything else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-pipe-"));
  const path = join(folder, "s");
  const address = { address: path, port: 0 };
  try {
    for (const mode of [0o600, 0o660]) {
      const bound = bindListenSocket(address, { ...PLAIN_LISTEN_OPTIONS, mode });
      assert.equal(statSync(path).mode & 0o777, mode);
      assert.equal(await serveOnce(bound, { path }), "here");
    }
    const file = join(folder, "file");
    writeFileSync(file, "");
    const taken = bindListenSocket({ address: file, port: 0 });
    assert.equal(taken.ok ? "" : taken.failure.code, "EADDRINUSE");
    const nowhere = bindListenSocket({ address: join(folder, "none", "s"), port: 0 });
    assert.match(nowhere.ok ? "" : nowhere.failure.message, /its folder is not there/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a pipe's name that begins with @ is no file, on Linux", async () => {
  if (platform !== "linux") return;
  const name = `mizzen-test-${process.pid}`;
  assert.equal(await serveOnce(bindListenSocket({ address: `@${name}`, port: 0 }), { path: `\0${name}` }), "here");
});

test("options are set before bind or behind it, and one that cannot be is named", () => {
  const option = { level: 250, name: 1, value: int32(1), description: "nonsense" };
  for (const prebind of [true, false]) {
    const bound = bindListenSocket({ address: "127.0.0.1", port: 0 }, { ...PLAIN_LISTEN_OPTIONS, options: [{ ...option, prebind }] });
    assert.match(bound.ok ? "" : bound.failure.message, /^cannot bind 127\.0\.0\.1:0: socket option nonsense: /);
  }
  if (platform !== "linux") return;
  // An address that is not this machine's.
  const free = bindListenSocket(
    { address: "192.0.2.1", port: 0 },
    { ...PLAIN_LISTEN_OPTIONS, options: [addressOption("freebind", false)] },
  );
  assert.ok(free.ok, free.ok ? "" : free.failure.message);
  free.socket.close();
});

test("an IPv6 socket takes IPv4 only where it is told to", async () => {
  const has = Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === "::1"));
  if (!has) return;
  const bound = bindListenSocket({ address: "::", port: 0 }, { ...PLAIN_LISTEN_OPTIONS, ipv4Compat: true });
  assert.ok(bound.ok);
  assert.equal(await serveOnce(bound, { host: "127.0.0.1", port: bound.socket.address.port }), "here");
});

test("accepted connections send small writes at once: they have TCP_NODELAY from the listening socket", async () => {
  const socket = bind("127.0.0.1");
  const server = createServer({ noDelay: false }).listen({ fd: socket.duplicate() });
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket & { readonly _handle: { readonly fd: number } }]>;
  const peer = connect({ host: "127.0.0.1", port: socket.address.port });
  const [connection] = await accepted;
  const library = koffi.load(platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6");
  const getsockopt = library.func("int getsockopt(int, int, int, _Out_ void *, _Inout_ void *)") as (...args: unknown[]) => number;
  const value = new Int32Array(1);
  const [tcp, noDelay] = [6, 1];
  assert.equal(getsockopt(connection._handle.fd, tcp, noDelay, value, Int32Array.of(4)), 0);
  assert.notEqual(value[0], 0);
  peer.destroy();
  connection.destroy();
  server.close();
  socket.close();
});
