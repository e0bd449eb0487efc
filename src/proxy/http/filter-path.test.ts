import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpFilter, LocalReply, MessagePart, PartSink } from "./filter.ts";
import { Client, FakeHcm, outcome } from "./hcm.fake.ts";
import type { RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";
import { PairResponseHeaderMap, PairTrailerMap } from "./pair-header-map.ts";

/** Remembers what it was given; a test gives it on. */
class Holder implements HttpFilter {
  readonly request: MessagePart<RequestHeaderMap>[] = [];
  readonly response: MessagePart<ResponseHeaderMap>[] = [];
  onward: PartSink<RequestHeaderMap> | undefined;
  back: PartSink<ResponseHeaderMap> | undefined;
  takeRequest(part: MessagePart<RequestHeaderMap>, onward: PartSink<RequestHeaderMap>): void {
    this.request.push(part);
    this.onward = onward;
  }
  takeResponse(part: MessagePart<ResponseHeaderMap>, onward: PartSink<ResponseHeaderMap>): void {
    this.response.push(part);
    this.back = onward;
  }
  release(): void {
    for (const part of this.request.splice(0)) this.onward?.push(part);
    for (const part of this.response.splice(0)) this.back?.push(part);
  }
}

/** Adds a mark to a header on both ways, so that a test sees who ran and in which order. */
const marker = (mark: string): HttpFilter => ({
  onRequestHeaders(headers) {
    headers.set("marks", (headers.get("marks") ?? "") + mark);
    return undefined;
  },
  onResponseHeaders(headers) {
    headers.set("marks", (headers.get("marks") ?? "") + mark);
    return undefined;
  },
});

test("what a filter took over goes to the filters behind it when it gives it on", () => {
  const holder = new Holder();
  const hcm = new FakeHcm({ filters: [() => marker("a"), () => holder, () => marker("b")] });
  const client = new Client();
  hcm.send(client, { method: "POST", body: "hello" });
  assert.equal(hcm.tries.length, 0);
  holder.release();
  assert.equal(hcm.last.request?.get("marks"), "ab");
  assert.equal(hcm.last.body, "hello");
  hcm.last.receiver.onResponseHeaders(new PairResponseHeaderMap(200), false);
  hcm.last.receiver.onResponseData(Buffer.from("hi"), false);
  hcm.last.receiver.onResponseTrailers(new PairTrailerMap([["x", "1"]]));
  assert.deepEqual(client.informational, []);
  assert.equal(client.body, "");
  holder.release();
  assert.equal(client.response?.get("marks"), "ba");
  assert.deepEqual([client.body, client.trailers?.get("x"), client.ended], ["hi", "1", true]);
  assert.deepEqual(hcm.leaks, []);
});

test("a message pauses while any filter on its way asks for that", () => {
  const [first, second] = [new Holder(), new Holder()];
  const hcm = new FakeHcm({ filters: [() => first, () => second] });
  const client = new Client();
  hcm.send(client, { method: "POST", open: true });
  first.release();
  first.onward?.pause(true);
  assert.equal(client.paused, true);
  second.onward?.pause(true);
  first.onward?.pause(false);
  assert.equal(client.paused, true);
  second.onward?.pause(false);
  assert.equal(client.paused, false);
});

test("a filter that waits behind one that takes messages over holds what that gives on", async () => {
  const holder = new Holder();
  const gate = Promise.withResolvers<LocalReply | undefined>();
  const hcm = new FakeHcm({ filters: [() => holder, () => ({ onRequestHeaders: () => gate.promise })] });
  hcm.send(new Client(), { method: "POST", body: "hello" });
  holder.release();
  assert.equal(hcm.tries.length, 0);
  gate.resolve(undefined);
  await gate.promise;
  await Promise.resolve();
  assert.equal(hcm.last.body, "hello");
});

test("an answer or an overflow ends what the filter holds, and what it gives on later goes nowhere", () => {
  for (const [end, expected] of [
    [(sink: PartSink<RequestHeaderMap>): void => sink.overflow(), "413 - request_payload_too_large"],
    [(sink: PartSink<RequestHeaderMap>): void => sink.fail(new Error("broken")), "500 - internal_error"],
  ] as const) {
    const holder = new Holder();
    holder.takeResponse = (part, onward): void => onward.push(part);
    const hcm = new FakeHcm({ filters: [() => holder] });
    hcm.send(new Client(), { method: "POST", body: "hello" });
    end(holder.onward!);
    holder.release();
    assert.equal(outcome(hcm.logged[0]), expected);
    assert.equal(hcm.tries.length, 0);
  }
});
