// Known attacks: each ends with GOAWAY ENHANCE_YOUR_CALM and its counter, before it has cost much.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "./error-code.ts";
import { FrameType } from "./frame.ts";
import {
  END_HEADERS,
  END_STREAM,
  GET,
  PADDED,
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
  settingsAck,
  windowUpdate,
} from "./frames.fake.ts";
import type { Frame } from "./frames.fake.ts";
import { FakePeer } from "./session.fake.ts";

function greeted(options: ConstructorParameters<typeof FakePeer>[1] = {}): FakePeer {
  const server = new FakePeer("server", options);
  server.session.receive(hello());
  server.take();
  return server;
}

function goawayCode(frames: readonly Frame[]): number | undefined {
  return frames.find((entry) => entry.type === FrameType.GOAWAY)?.payload.readUInt32BE(4);
}

/** Sends frame after frame until the session has enough; how many that took. */
function flood(server: FakePeer, next: (i: number) => Buffer, most: number, flushed = false): number {
  for (let i = 0; i < most; i++) {
    server.session.receive(next(i));
    if (server.session.closed) return i + 1;
    if (flushed) server.take();
  }
  return most;
}

function assertCalmed(server: FakePeer, details: string): void {
  assert.equal(server.error?.details, details);
  assert.equal(goawayCode(readFrames(server.take())), ErrorCode.ENHANCE_YOUR_CALM);
  assert.equal(server.session.streamCount, 0);
  assert.equal(server.stats.values["streams_active"] ?? 0, 0);
}

test("rapid reset: a burst is served, then the connection ends; a client that resets now and then goes on for ever", () => {
  const server = greeted();
  const reset = (i: number): Buffer => Buffer.concat([headers(2 * i + 1), rstStream(2 * i + 1, ErrorCode.CANCEL)]);
  assert.equal(flood(server, reset, 5000, true), 1001);
  assertCalmed(server, "http2.reset_flood");

  const slow = greeted();
  const paced = (i: number): Buffer => {
    slow.nowMs += 50;
    return reset(i);
  };
  assert.equal(flood(slow, paced, 5000, true), 5000);
  assert.equal(slow.error, undefined);
});

test("resets of streams that were answered, and among as many that end well, are no attack", () => {
  const answered = greeted();
  const watch = (i: number): Buffer => {
    answered.streams.at(-1)?.stream!.sendResponse(200, [], false);
    return Buffer.concat([i === 0 ? Buffer.alloc(0) : rstStream(2 * i - 1, ErrorCode.CANCEL), headers(2 * i + 1)]);
  };
  assert.equal(flood(answered, watch, 5000, true), 5000);
  const mixed = greeted();
  const half = (i: number): Buffer => {
    const { stream } = mixed.streams.at(-1) ?? {};
    if (stream?.closed === false) stream.sendResponse(200, [], true);
    return Buffer.concat([headers(4 * i + 1), rstStream(4 * i + 1, ErrorCode.CANCEL), headers(4 * i + 3)]);
  };
  assert.equal(flood(mixed, half, 5000, true), 5000);
});

test("resets that the peer makes us send count like its own", () => {
  const server = greeted();
  const broken = (i: number): Buffer => Buffer.concat([headers(2 * i + 1), windowUpdate(2 * i + 1, 0)]);
  assert.equal(flood(server, broken, 5000, true), 1001);
  assertCalmed(server, "http2.reset_flood");
});

test("streams above the limit are refused, and refusals without end end the connection", () => {
  const server = greeted({ maxConcurrentStreams: 10 });
  const most = flood(server, (i) => headers(2 * i + 1), 5000, true);
  assert.equal(server.streams.length, 10);
  assert.equal(most, 1011);
  assert.equal(server.stats.values["stream_refused_errors"], 1001);
});

test("a block that CONTINUATION never ends is cut off, by bytes and by frames", () => {
  const server = greeted();
  server.session.receive(frame(FrameType.HEADERS, END_STREAM, 1, block(GET)));
  const part = block([["x-a", "b".repeat(16_000)]]);
  assert.ok(flood(server, () => continuation(1, part, 0), 1000) < 20);
  assertCalmed(server, "http2.continuation_flood");

  const tiny = greeted();
  tiny.session.receive(frame(FrameType.HEADERS, END_STREAM, 1, block(GET)));
  assert.ok(flood(tiny, () => continuation(1, "\x00", 0), 1000) < 20);
  assertCalmed(tiny, "http2.continuation_flood");
});

test("HPACK bomb: fields that a byte refers to are not kept beyond the limit, and the stream ends", () => {
  const server = greeted();
  // One entry of 4000 bytes, then 16,000 references to it: 64 MB if it were built.
  const entry = Buffer.concat([Buffer.from([0x40, 0x01, 0x61, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, "b")]);
  server.session.receive(frame(FrameType.HEADERS, END_STREAM | END_HEADERS, 1, Buffer.concat([block(GET), entry])));
  assert.equal(server.streams[0]?.heads[0]?.fields[1]?.length, 4000);
  const before = process.memoryUsage().heapUsed;
  for (let i = 1; i <= 50; i++) {
    server.session.receive(
      frame(FrameType.HEADERS, END_STREAM | END_HEADERS, 2 * i + 1, Buffer.concat([block(GET), Buffer.alloc(16_000, 0xbe)])),
    );
  }
  assert.ok(process.memoryUsage().heapUsed - before < 30_000_000);
  assert.equal(server.streams.filter(({ heads }) => heads.length > 0).length, 1);
  assert.equal(server.streams[50]?.reset?.details, "http2.header_list_size_too_large");
  assert.equal(server.stats.values["header_overflow"], 50);
  assert.equal(server.stats.values["tx_reset"], 50);
  assert.equal(server.error, undefined);
});

test("too many fields end the stream, and what the table learned from them counts for the next", () => {
  const server = greeted({ maxHeadersCount: 5 });
  const indexed = Buffer.from([0x40, 0x01, 0x61, 0x01, 0x62]);
  server.session.receive(frame(FrameType.HEADERS, END_STREAM | END_HEADERS, 1, Buffer.concat([block([...GET, ["x", "y"]]), indexed])));
  server.session.receive(frame(FrameType.HEADERS, END_STREAM | END_HEADERS, 3, Buffer.concat([block(GET), Buffer.from([0xbe])])));
  assert.equal(server.streams[0]?.reset?.details, "http2.too_many_headers");
  assert.deepEqual(server.streams[1]?.heads[0]?.fields, ["a", "b"]);
  assert.equal(server.stats.values["header_overflow"], 1);
});

test("PING and SETTINGS that nobody reads the answers of", () => {
  for (const next of [() => ping(), () => settings()]) {
    const server = greeted();
    server.taking = false;
    assert.equal(flood(server, next, 5000, true), 1001);
    assert.equal(server.error?.details, "http2.outbound_control_flood");
    assert.equal(server.stats.values["outbound_control_flood"], 1);
  }
});

test("PING in one read are bounded too, and go on as long as the answers leave", () => {
  const server = greeted();
  server.session.receive(Buffer.concat(Array.from({ length: 5000 }, () => ping())));
  assertCalmed(server, "http2.outbound_control_flood");
  const patient = greeted();
  assert.equal(
    flood(patient, () => ping(), 5000, true),
    5000,
  );
  assert.equal(patient.error, undefined);
});

test("frames without payload", () => {
  for (const next of [
    () => data(1, ""),
    () => data(1, "\x03\0\0\0", PADDED),
    (i: number) => (i === 0 ? frame(FrameType.HEADERS, 0, 3) : continuation(3, "", 0)),
  ]) {
    const server = greeted();
    server.session.receive(headers(1, POST, END_HEADERS));
    assert.equal(flood(server, next, 100), 2);
    assertCalmed(server, "http2.inbound_empty_frames_flood");
    assert.equal(server.stats.values["inbound_empty_frames_flood"], 1);
  }
});

test("PRIORITY and WINDOW_UPDATE by Envoy's formulas", () => {
  const server = greeted();
  server.session.receive(headers(1));
  assert.equal(
    flood(server, () => priority(1, 0), 5000),
    100 * 2 + 1,
  );
  assertCalmed(server, "http2.inbound_priority_frames_flood");
  const other = greeted();
  other.session.receive(headers(1));
  assert.equal(
    flood(other, () => windowUpdate(0, 1), 5000),
    5 + 2 + 1,
  );
  assertCalmed(other, "http2.inbound_window_update_frames_flood");
});

test("zero windows: what a peer does not take is held up to the watermark a stream, and can be given up", () => {
  const server = greeted();
  server.session.receive(settings([4, 0]));
  for (let i = 0; i < 100; i++) server.session.receive(headers(2 * i + 1));
  const chunk = Buffer.alloc(16_384, "x");
  for (const { stream } of server.streams) {
    stream!.sendResponse(200, [], false);
    while (stream!.sendData(chunk, false));
    assert.ok(stream!.pendingBytes <= 65_536 + chunk.length);
  }
  assert.ok(server.stats.values["pending_send_bytes"]! <= 100 * (65_536 + chunk.length));
  for (const { stream } of server.streams) stream!.reset(ErrorCode.CANCEL);
  assert.equal(server.stats.values["pending_send_bytes"], 0);
  assert.equal(server.session.streamCount, 0);
});

test("a transport that takes nothing holds DATA back, whatever the windows say", () => {
  const server = greeted();
  server.session.receive(Buffer.concat([settings([4, 0x7fff_ffff]), windowUpdate(0, 0x7000_0000), headers(1)]));
  const { stream } = server.streams[0]!;
  stream!.sendResponse(200, [], false);
  server.room = false;
  const chunk = Buffer.alloc(16_384, "x");
  let sent = 0;
  while (stream!.sendData(chunk, false)) sent += chunk.length;
  assert.ok(sent <= 131_072 + 65_536, `${sent}`);
  assert.equal(server.streams[0]!.drains, 0);
  server.room = true;
  server.session.onDrain();
  assert.equal(server.streams[0]!.drains, 1);
  assert.equal(stream!.pendingBytes, 0);
});

test("acknowledgements that nobody asked for cost nothing", () => {
  const server = greeted();
  assert.equal(
    flood(server, () => Buffer.concat([settingsAck(), ping(1)]), 3000),
    3000,
  );
  assert.equal(server.take().length, 0);
});

test("a connection that always has something waiting is not taken for a flood", () => {
  const server = greeted();
  server.session.receive(Buffer.concat([settings([4, 0x7fff_ffff]), windowUpdate(0, 0x7000_0000), headers(1)]));
  const { stream } = server.streams[0]!;
  stream!.sendResponse(200, [], false);
  // The transport is 20 writes behind all the time.
  server.taking = false;
  const sizes: number[] = [];
  for (let i = 0; i < 50_000; i++) {
    stream!.sendData(Buffer.alloc(10), false);
    const before = server.pendingBytes;
    server.take();
    sizes.push(server.pendingBytes - before);
    if (sizes.length > 20) server.pendingBytes -= sizes.shift()!;
    server.session.receive(ping(1));
  }
  assert.equal(server.error, undefined);
});

test("many small frames in one turn are no flood where the transport takes them", () => {
  const server = greeted();
  server.session.receive(headers(1));
  const { stream } = server.streams[0]!;
  stream!.sendResponse(200, [], false);
  for (let i = 0; i < 20_000; i++) stream!.sendData(Buffer.from("a"), false);
  server.session.receive(ping(1));
  assert.equal(server.error, undefined);
});
