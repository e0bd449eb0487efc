import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";
import { ManualClock, realClock } from "#runtime/clock";
import type { Connection, ConnectionHandler, TransportFailure } from "./connection.ts";
import { AcceptedSocket } from "./accepted-socket.ts";
import { FakeAuthority } from "./certificates.fake.ts";
import { own } from "./read-buffer.ts";
import { detachHandle } from "./detached-handle.fake.ts";
import { HIGH_WATERMARK_BYTES, SocketConnection } from "./socket-connection.ts";
import type { SecureContext } from "./secure-context.ts";
import type { StreamHandle } from "./stream-handle.ts";
import { PlainTransport } from "./transport.ts";

interface Pair {
  readonly ours: SocketConnection;
  readonly peer: Socket;
  readonly close: () => void;
}

async function pair(clock = realClock, poison = false): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const peer = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  peer.on("error", () => {});
  const [socket] = await accepted;
  if (peer.connecting) await once(peer, "connect");
  const ours = new SocketConnection(new PlainTransport(detachHandle(socket)), { clock, poison });
  return { ours, peer, close: () => (peer.destroy(), ours.close("now"), server.close()) };
}

class Recorder implements ConnectionHandler {
  text = "";
  ends = 0;
  drains = 0;
  readonly closed: Promise<TransportFailure | undefined>;
  readonly ended: Promise<void>;
  #close!: (failure: TransportFailure | undefined) => void;
  #end!: () => void;
  #waiting: { length: number; done: () => void } | undefined;
  constructor() {
    this.closed = new Promise((resolve) => (this.#close = resolve));
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }
  onData(chunk: Buffer): void {
    this.text += chunk.toString("latin1");
    if (this.#waiting !== undefined && this.text.length >= this.#waiting.length) this.#waiting.done();
  }
  onEnd(): void {
    this.ends++;
    this.#end();
  }
  onDrain(): void {
    this.drains++;
  }
  onClose(failure: TransportFailure | undefined): void {
    this.#close(failure);
  }
  received(length: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { length, done: resolve };
      if (this.text.length >= length) resolve();
    });
  }
}

async function readAll(peer: Socket): Promise<string> {
  let text = "";
  peer.setEncoding("latin1");
  for await (const chunk of peer) text += String(chunk);
  return text;
}

test("a head and a small body leave together, a large body too, byte for byte", async () => {
  const { ours, peer, close } = await pair();
  const handler = new Recorder();
  ours.handler = handler;
  const large = Buffer.alloc(20_000, 0xe9);
  ours.writeBoth("head1\r\n", Buffer.from([0, 255, 128]));
  ours.writeBoth("head2\r\n", large);
  ours.end();
  assert.equal(await readAll(peer), `head1\r\n\u0000\u00ff\u0080head2\r\n${large.toString("latin1")}`);
  close();
});

test("write says when the peer is slow, and onDrain when it is not any more", async () => {
  const { ours, peer, close } = await pair();
  const handler = new Recorder();
  ours.handler = handler;
  peer.pause();
  const chunk = Buffer.alloc(HIGH_WATERMARK_BYTES, 1);
  let writes = 1;
  while (ours.write(chunk)) {
    writes++;
    assert.ok(writes < 1000, "a peer that reads nothing must push back");
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(handler.drains, 0);
  const drained = new Promise<void>((resolve) => {
    handler.onDrain = resolve;
  });
  peer.resume();
  await drained;
  close();
});

test("a connection's own limit decides when write says no, above and below the stream's", async () => {
  for (const limit of [10_000, 4 * HIGH_WATERMARK_BYTES]) {
    const { ours, peer, close } = await pair();
    const handler = new Recorder();
    ours.handler = handler;
    ours.bufferLimitBytes = limit;
    peer.pause();
    const chunk = Buffer.alloc(5_000, 1);
    let written = 0;
    // What the kernel takes is not ours to hold.
    while (ours.write(chunk)) {
      written += chunk.length;
      assert.ok(written < 50_000_000, "a peer that reads nothing must push back");
    }
    const drained = new Promise<void>((resolve) => {
      handler.onDrain = () => {
        handler.drains++;
        resolve();
      };
    });
    assert.equal(ours.write(chunk), false, "it stays full");
    peer.resume();
    await drained;
    assert.equal(ours.write(chunk), true);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(handler.drains, 1);
    close();
  }
});

test("a flush close without delay does not wait for the peer's end; one with a delay says when it ran out", async () => {
  const direct = await pair(new ManualClock());
  const handler = new Recorder();
  direct.ours.handler = handler;
  direct.ours.delayedCloseMs = 0;
  direct.ours.write("bye");
  direct.ours.close("flush");
  assert.equal(await readAll(direct.peer), "bye");
  await handler.closed;
  assert.equal(direct.ours.delayedCloseExpired, false);
  direct.close();

  const clock = new ManualClock();
  const slow = await pair(clock);
  const other = new Recorder();
  slow.ours.handler = other;
  slow.ours.delayedCloseMs = 250;
  slow.ours.write("bye");
  slow.ours.close("flush");
  assert.equal(await readAll(slow.peer), "bye");
  clock.advance(249);
  assert.equal(slow.ours.delayedCloseExpired, false);
  clock.advance(1);
  await other.closed;
  assert.equal(slow.ours.delayedCloseExpired, true);
  slow.close();
});

test("each side can end alone and the other side goes on", async () => {
  const { ours, peer, close } = await pair();
  const handler = new Recorder();
  ours.handler = handler;
  peer.end("question");
  await handler.ended;
  assert.equal(handler.text, "question");
  ours.write("answer");
  ours.end();
  assert.equal(await readAll(peer), "answer");
  assert.equal(await handler.closed, undefined);
  close();
});

test("a reset by the peer is a failure of kind reset, and never an unhandled error", async () => {
  const { ours, peer, close } = await pair();
  const handler = new Recorder();
  ours.handler = handler;
  peer.resetAndDestroy();
  const failure = await handler.closed;
  assert.equal(failure?.kind, "reset");
  assert.match(failure.detail, /reset/i);
  close();
});

test("close(reset) sends RST and reports no failure to its own side", async () => {
  const { ours, peer, close } = await pair();
  const handler = new Recorder();
  ours.handler = handler;
  const failed = once(peer, "error") as Promise<[NodeJS.ErrnoException]>;
  ours.close("reset");
  assert.equal((await failed)[0].code, "ECONNRESET");
  assert.equal(await handler.closed, undefined);
  close();
});

test("close(flush) delivers what is pending, then waits for the peer no longer than the delayed close timeout", async () => {
  const clock = new ManualClock();
  const { ours, peer, close } = await pair(clock);
  const handler = new Recorder();
  ours.handler = handler;
  ours.write("last words");
  ours.close("flush");
  peer.write("ignored");
  assert.equal(await readAll(peer), "last words");
  assert.equal(clock.pending, 1);
  clock.advance(1000);
  assert.equal(await handler.closed, undefined);
  assert.equal(handler.text, "");
  close();
});

test("reading stops until every cause is gone", async () => {
  const { ours, peer, close } = await pair();
  const handler = new Recorder();
  ours.handler = handler;
  ours.pauseReading("backpressure");
  ours.pauseReading("filter");
  ours.pauseReading("filter");
  peer.write("held");
  ours.resumeReading("backpressure");
  ours.resumeReading("filter");
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(handler.text, "");
  ours.resumeReading("filter");
  await handler.received(4);
  assert.equal(handler.text, "held");
  assert.throws(() => ours.resumeReading("filter"), /resumed for filter/);
  close();
});

test("in poison mode a chunk that was not kept is overwritten, and one that was kept is not", async () => {
  const { ours, peer, close } = await pair(realClock, true);
  const chunks: Buffer[] = [];
  const keep = (connection: Connection, kept: boolean): Promise<void> =>
    new Promise((resolve) => {
      const handler = new Recorder();
      handler.onData = (chunk) => {
        chunks.push(kept ? own(chunk) : chunk);
        setImmediate(resolve);
      };
      connection.handler = handler;
    });
  const first = keep(ours, false);
  peer.write("secret");
  await first;
  const second = keep(ours, true);
  peer.write("secret");
  await second;
  assert.equal(chunks[0]?.includes("secret"), false);
  assert.equal(chunks[1]?.toString(), "secret");
  close();
});

test("a connection that is closed after a large answer waits for a slow reader, but not for one that has stopped", async () => {
  const clock = new ManualClock();
  const { ours, peer, close } = await pair(clock);
  const handler = new Recorder();
  ours.handler = handler;
  const bytes = 24 << 20;
  ours.write(Buffer.alloc(bytes, 97));
  ours.close("flush");
  let received = 0;
  while (received < bytes) {
    const chunk = peer.read() as Buffer | null;
    if (chunk === null) {
      await Promise.race([once(peer, "readable"), handler.closed.then(() => assert.fail(`closed after ${received} bytes`))]);
      continue;
    }
    const before = received;
    received += chunk.length;
    // A second for every four megabytes.
    if (received >> 22 !== before >> 22) clock.advance(1000);
  }
  peer.destroy();
  await handler.closed;
  close();

  const stopped = await pair(clock);
  const witness = new Recorder();
  stopped.ours.handler = witness;
  stopped.ours.write(Buffer.alloc(bytes, 97));
  stopped.ours.close("flush");
  stopped.peer.pause();
  await new Promise((done) => setImmediate(done));
  for (let second = 0; second < 3; second++) clock.advance(1000);
  await witness.closed;
  stopped.close();
});

test("bytes that are written as they were read reach a slow reader unharmed, however large the reads are", async () => {
  const { ours, peer, close } = await pair(realClock, true);
  const handler = new Recorder();
  ours.handler = handler;
  handler.onData = (chunk) => {
    if (!ours.write(chunk)) ours.pauseReading("backpressure");
  };
  handler.onDrain = () => ours.resumeReading("backpressure");
  const sent = Buffer.alloc(12 << 20);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
  peer.end(sent);
  const chunks: Buffer[] = [];
  // The kernel's buffers fill up before the first byte is taken out of them.
  await new Promise((resolve) => setImmediate(resolve));
  void handler.ended.then(() => ours.end());
  for await (const chunk of peer) {
    chunks.push(chunk as Buffer);
    if (chunks.length % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(Buffer.concat(chunks).equals(sent));
  assert.equal(await handler.closed, undefined);
  close();
});

test("what was read before the connection was made comes first, when reading is not paused", async () => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const peer = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [socket] = await accepted;
  const ours = new SocketConnection(new PlainTransport(detachHandle(socket)), {
    clock: realClock,
    poison: true,
    early: Buffer.from("first "),
  });
  const handler = new Recorder();
  ours.handler = handler;
  ours.pauseReading("filter");
  peer.write("second");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(handler.text, "");
  ours.resumeReading("filter");
  await handler.received(12);
  assert.equal(handler.text, "first second");
  assert.equal(ours.bytesReceived, 12);
  ours.close("now");
  peer.destroy();
  server.close();
});

test("a handle that is closed holds nothing of its connection", async () => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const held = (handle: object): unknown[] => Object.getOwnPropertySymbols(handle).map((name) => (handle as Record<symbol, unknown>)[name]);
  const ended: StreamHandle[] = [];
  const functions = (handle: object): unknown[] => held(handle).filter((value) => typeof value === "function");
  for (const mode of ["now", "reset"] as const) {
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const peer = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
    peer.on("error", () => {});
    const handle = detachHandle((await accepted)[0]);
    const ours = new SocketConnection(new PlainTransport(handle), { clock: realClock, poison: false });
    const handler = new Recorder();
    ours.handler = handler;
    assert.ok(held(handle).includes(ours));
    ours.close(mode);
    await handler.closed;
    assert.ok(!held(handle).includes(ours));
    ended.push(handle);
    peer.destroy();
  }
  // A function of one connection would hold it: all handles have the same.
  assert.deepEqual(functions(ended[0]!), functions(ended[1]!));
  assert.equal(ended[0]!.onread, ended[1]!.onread);
  server.close();
});

test("a peer that resets while reading is paused is found at once where what it sent is of no use, and an end nowhere", async (t) => {
  const [reset, ended, kept] = await Promise.all([pair(), pair(), pair()]);
  t.after(() => [reset, ended, kept].forEach(({ close }) => close()));
  const record = async ({ ours, peer }: Pair, resetIsLoss: boolean): Promise<Recorder> => {
    const recorder = Object.assign(new Recorder(), { resetIsLoss });
    ours.handler = recorder;
    ours.pauseReading("backpressure");
    await new Promise((done) => peer.write("never read", done));
    return recorder;
  };
  const [first, second, third] = [await record(reset, true), await record(ended, true), await record(kept, false)];
  ended.peer.end();
  kept.peer.resetAndDestroy();
  reset.peer.resetAndDestroy();
  assert.equal((await first.closed)?.detail, "Connection reset by peer");
  assert.deepEqual([first.text, second.ends, third.text], ["", 0, ""]);
  ended.ours.resumeReading("backpressure");
  kept.ours.resumeReading("backpressure");
  await second.ended;
  await third.closed;
  assert.deepEqual([second.text, third.text], ["never read", "never read"]);
});

test("what TLS decrypts while reading is paused waits, and the end behind it", async (t) => {
  const { certificate, key } = new FakeAuthority().issue({ hosts: ["a.example"] });
  const context = createSecureContext({ cert: certificate, key }) as SecureContext;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const peer = connectTls({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", rejectUnauthorized: false });
  peer.on("error", () => {});
  t.after(() => (peer.destroy(), server.close()));
  // Goes with the end of the handshake.
  peer.end("early");
  const socket = new AcceptedSocket(detachHandle((await accepted)[0]), realClock, true);
  const handler = new Recorder();
  const ours = await new Promise<Connection>((done, failed) =>
    socket.secure(
      { context, requestCertificate: false, requireCertificate: false, applicationProtocol: undefined },
      {
        onSecure: (_result, take) => {
          const connection = take({ onConnectionClosed() {} });
          connection.handler = handler;
          connection.pauseReading("upstream-not-ready");
          done(connection);
        },
        onFailed: ({ detail }) => failed(new Error(detail)),
      },
    ),
  );
  t.after(() => ours.close("now"));
  for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
  assert.deepEqual([handler.text, handler.ends], ["", 0]);
  ours.resumeReading("upstream-not-ready");
  await handler.ended;
  assert.deepEqual([handler.text, handler.ends], ["early", 1]);
});
