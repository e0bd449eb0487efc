// Known attacks on HTTP/2 against a whole proxy: each is cut off with GOAWAY ENHANCE_YOUR_CALM where the bytes themselves are the attack, or
// held within a bound of memory where they only are slow; another client is served all the while, and nothing is left behind.
// Runs alone: its attacks are as strong as the machine, and are held against times and memory.
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { FrameType } from "#proxy/codec/http2/frame";
import {
  END_HEADERS,
  END_STREAM,
  GET,
  POST,
  block,
  continuation,
  data,
  frame,
  headers,
  hello,
  ping,
  priority,
  readFrames,
  rstStream,
  settings,
  windowUpdate,
} from "#proxy/codec/http2/frames.fake";
import type { Pair } from "#proxy/codec/http2/frames.fake";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { call, eventually } from "../harness/mesh.ts";

const ATTACK_MS = 5000;
/** What the proxy may grow by under an attack; the heap of a process that just works moves by tens of MB. */
const MAX_GROWTH_MB = 150;

const started: { backend?: Server; proxy?: LoneProxy; requests: number } = { requests: 0 };
const pathed = (path: string): Pair[] => GET.map(([name, value]) => [name, name === ":path" ? path : value]);

before(async () => {
  // `/bytes/N` answers with N bytes, `/deaf` never reads or answers, anything else "ok".
  const backend = createServer((request, response) => {
    started.requests++;
    request.on("error", () => {});
    response.on("error", () => {});
    if (request.url === "/deaf") return;
    const bytes = /^\/bytes\/(\d+)$/.exec(request.url ?? "")?.[1];
    request.resume();
    if (bytes === undefined) response.end("ok");
    else response.end(Buffer.alloc(Number(bytes)));
  });
  started.backend = backend;
  await new Promise<void>((done) => backend.listen(0, "127.0.0.1", done));
  started.proxy = await startLoneProxy("mizzen", { backendPort: (backend.address() as AddressInfo).port });
});

after(async () => {
  await started.proxy?.stop();
  started.backend?.closeAllConnections();
  started.backend?.close();
});

/** What the end of a connection was: the code of its GOAWAY, or why there is none. */
interface Ended {
  readonly goaway: number | undefined;
  readonly closed: boolean;
}

/** Writes what `next` gives, 64 KB at a time and as fast as the proxy takes it, until it closes or the time is over. */
function attack(port: number, next: (i: number) => Buffer, reads = true): Promise<Ended> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    let received: Buffer = Buffer.alloc(0);
    let i = 0;
    let over = false;
    const finish = (closed: boolean): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.destroy();
      const goaway = readFrames(received).find((entry) => entry.type === FrameType.GOAWAY);
      done({ goaway: goaway?.payload.readUInt32BE(4), closed });
    };
    const timer = setTimeout(() => finish(false), ATTACK_MS);
    socket.on("data", (chunk: Buffer) => (received = Buffer.concat([received, chunk]).subarray(-300_000)));
    if (!reads) socket.pause();
    const write = (): void => {
      if (over) return;
      const pieces: Buffer[] = [];
      for (let bytes = 0; bytes < 65_536;) {
        const piece = next(i++);
        pieces.push(piece);
        bytes += piece.length;
      }
      if (socket.write(Buffer.concat(pieces))) setImmediate(write);
    };
    socket.on("drain", write);
    socket.on("connect", () => {
      socket.write(hello());
      write();
    });
    for (const event of ["end", "close", "error"]) socket.on(event, () => finish(true));
  });
}

async function assertAtRest(rssBefore: number, what: string): Promise<void> {
  const proxy = started.proxy!;
  assert.equal((await call(`http://127.0.0.1:${proxy.port}/`)).status, 200);
  const grown = proxy.rssMb() - rssBefore;
  assert.ok(grown < MAX_GROWTH_MB, `${what}: the proxy grew by ${grown.toFixed(0)} MB`);
  // A connection to the back end may stay for the next request.
  const idle = /upstream_cx_active/;
  await eventually(`${what}: nothing left`, 30_000, async () => (await proxy.busy()).every((gauge) => idle.test(gauge)));
}

const FLOODS: readonly { name: string; counter?: string; next: (i: number) => Buffer; deaf?: boolean; goaway?: boolean }[] = [
  { name: "rapid reset", next: (i) => Buffer.concat([headers(2 * i + 1), rstStream(2 * i + 1, ErrorCode.CANCEL)]) },
  { name: "forced resets", next: (i) => Buffer.concat([headers(2 * i + 1, POST, END_HEADERS), windowUpdate(2 * i + 1, 0)]) },
  {
    name: "CONTINUATION without end",
    next: (i) => (i === 0 ? frame(FrameType.HEADERS, END_STREAM, 1, block(GET)) : continuation(1, block([["x-a", "b".repeat(1000)]]), 0)),
  },
  {
    name: "CONTINUATION of one byte",
    next: (i) => (i === 0 ? frame(FrameType.HEADERS, END_STREAM, 1, block(GET)) : continuation(1, "\x82", 0)),
  },
  {
    name: "HPACK bombs",
    next: (i) => {
      const entry = Buffer.concat([Buffer.from([0x40, 0x01, 0x61, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, "b")]);
      const fields = i === 0 ? entry : Buffer.alloc(16_000, 0xbe);
      return frame(FrameType.HEADERS, END_STREAM | END_HEADERS, 2 * i + 1, Buffer.concat([block(GET), fields]));
    },
  },
  { name: "PING that nobody reads the answers of", counter: "outbound_control_flood", next: () => ping(), deaf: true },
  { name: "SETTINGS that nobody reads the answers of", counter: "outbound_control_flood", next: () => settings([4, 70_000]), deaf: true },
  { name: "empty DATA", counter: "inbound_empty_frames_flood", next: (i) => (i === 0 ? headers(1, POST, END_HEADERS) : data(1, "")) },
  { name: "PRIORITY", counter: "inbound_priority_frames_flood", next: (i) => priority(2 * i + 1, 0) },
  { name: "WINDOW_UPDATE", counter: "inbound_window_update_frames_flood", next: () => windowUpdate(0, 1) },
];

for (const { name, counter, next, deaf = false } of FLOODS) {
  test(`${name}: cut off`, async () => {
    const proxy = started.proxy!;
    const rssBefore = proxy.rssMb();
    const requestsBefore = started.requests;
    const floods = Promise.all(Array.from({ length: 4 }, () => attack(proxy.port, next, !deaf)));
    const others = await call(`http://127.0.0.1:${proxy.port}/`);
    assert.equal(others.status, 200);
    for (const { goaway, closed } of await floods) {
      assert.ok(closed, "the connection is closed");
      // A connection that is reset with bytes of ours on their way may lose them.
      if (goaway !== undefined) assert.equal(goaway, ErrorCode.ENHANCE_YOUR_CALM);
    }
    assert.ok(started.requests - requestsBefore <= 4 * 1100 + 2, `${started.requests - requestsBefore} requests for nothing`);
    if (counter !== undefined) {
      const stats = await proxy.stats(new RegExp(`^http2\\.${counter}$`));
      assert.ok((stats.get(`http2.${counter}`) ?? 0) >= 4, `${counter}: ${JSON.stringify([...stats])}`);
    }
    await assertAtRest(rssBefore, name);
  });
}

/** Opens a connection, sends, and holds it for a while. */
async function hold(bytes: Buffer, whileHeld: () => Promise<void>, reads: boolean): Promise<void> {
  const socket: Socket = connect(started.proxy!.port, "127.0.0.1");
  socket.on("error", () => {});
  if (!reads) socket.pause();
  else socket.resume();
  socket.write(Buffer.concat([hello(), bytes]));
  try {
    await whileHeld();
  } finally {
    socket.destroy();
  }
}

/** Memory does not go on growing: it is looked at until it has been still for a while. */
async function assertBounded(rssBefore: number, what: string): Promise<void> {
  for (let look = 0; look < 30; look++) {
    await new Promise((done) => setTimeout(done, 100));
    const grown = started.proxy!.rssMb() - rssBefore;
    assert.ok(grown < MAX_GROWTH_MB, `${what}: the proxy grew by ${grown.toFixed(0)} MB`);
  }
}

const many = (count: number, path: string): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => headers(2 * i + 1, pathed(path))));

test("zero windows: the answers of a hundred streams wait at their back ends", async () => {
  const rssBefore = started.proxy!.rssMb();
  await hold(Buffer.concat([settings([4, 0]), many(100, "/bytes/20000000")]), () => assertBounded(rssBefore, "zero windows"), true);
  await assertAtRest(rssBefore, "zero windows");
});

test("large windows and a client that does not read: the same", async () => {
  const rssBefore = started.proxy!.rssMb();
  const wide = Buffer.concat([settings([4, 0x7fff_ffff]), windowUpdate(0, 0x7fff_0000)]);
  await hold(Buffer.concat([wide, many(100, "/bytes/20000000")]), () => assertBounded(rssBefore, "a deaf client"), false);
  await assertAtRest(rssBefore, "a deaf client");
});

test("bodies for a back end that does not read: the windows bound them", async () => {
  const rssBefore = started.proxy!.rssMb();
  const upload = headers(1, [...POST.slice(0, 2), [":path", "/deaf"], [":authority", "a.example"]], END_HEADERS);
  const body = Buffer.concat(Array.from({ length: 2000 }, () => data(1, "x".repeat(16_000))));
  await hold(Buffer.concat([upload, body]), () => assertBounded(rssBefore, "uploads"), true);
  await assertAtRest(rssBefore, "uploads");
});
