import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { realClock } from "#runtime/clock";
import { Acceptor } from "./acceptor.ts";
import { bindListenSocket } from "./listen-socket.ts";
import type { ListenSocket } from "./listen-socket.ts";

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
      const connection = accepted.connection(() => {});
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
  if (!bound.ok) return;
  const acceptor = new Acceptor({
    fd: bound.socket.duplicate(),
    clock: realClock,
    poison: false,
    onSocket: (accepted) => {
      const connection = accepted.connection(() => {});
      connection.handler = { onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClose: () => {} };
      connection.write("six");
      connection.close("flush");
    },
    onError: (error) => assert.fail(error),
  });
  assert.equal(await ask("::1", bound.socket.address.port), "six");
  acceptor.close();
  bound.socket.close();
});
