import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedLocalInfo } from "#proxy/local-info";
import { ManualClock } from "#runtime/clock";
import { ListenerDrain } from "./listener-drain.ts";

function bench(): { clock: ManualClock; drain: ListenerDrain; local: SharedLocalInfo; stopped: string[] } {
  const clock = new ManualClock();
  const local = new SharedLocalInfo("c");
  const stopped: string[] = [];
  const drain = new ListenerDrain({ clock, local, drainTimeMs: 5000, stopListeners: (direction) => stopped.push(direction) });
  return { clock, drain, local, stopped };
}

test("without a word listeners stop at once, and connections drain", () => {
  const { drain, local, stopped } = bench();
  drain.begin({ direction: "inbound", graceful: false, skipExit: false });
  assert.deepEqual(stopped, ["inbound"]);
  assert.equal(local.draining, true);
});

test("a graceful drain accepts connections until its time is over, and is begun once", () => {
  const { clock, drain, stopped } = bench();
  drain.begin({ direction: "all", graceful: true, skipExit: false });
  clock.advance(3000);
  drain.begin({ direction: "all", graceful: true, skipExit: false });
  assert.deepEqual(stopped, []);
  clock.advance(2000);
  assert.deepEqual(stopped, ["all"]);
  clock.advance(5000);
  assert.deepEqual(stopped, ["all"]);
});

test("connections may drain without an end of the listeners", () => {
  const { clock, drain, local, stopped } = bench();
  drain.begin({ direction: "all", graceful: true, skipExit: true });
  clock.advance(10_000);
  assert.deepEqual(stopped, []);
  assert.equal(local.draining, true);
});

test("a proxy that ends first stops nothing any more", () => {
  const { clock, drain, stopped } = bench();
  drain.begin({ direction: "all", graceful: true, skipExit: false });
  drain.close();
  clock.advance(10_000);
  assert.deepEqual(stopped, []);
});
