import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { ManualClock } from "#runtime/clock";
import { TICK_MS, TimerWheel, WheelTimer } from "./timer-wheel.ts";

describe("the timer wheel", () => {
  it("fires never early and at most a tick late, whatever is set and cancelled", () => {
    const step = fc.record({
      timer: fc.nat(7),
      delayMs: fc.integer({ min: 0, max: 400 }),
      cancel: fc.boolean(),
      advanceMs: fc.integer({ min: 0, max: 90 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new ManualClock();
        const wheel = new TimerWheel(clock);
        const due = new Map<number, number>();
        const owner = {
          onTimer(kind: number): void {
            const deadline = due.get(kind);
            assert.ok(deadline !== undefined, "fired although it was not set");
            due.delete(kind);
            assert.ok(clock.monotonicMs() >= deadline, "fired early");
            assert.ok(clock.monotonicMs() <= deadline + 2 * TICK_MS, `fired ${clock.monotonicMs() - deadline} ms late`);
          },
        };
        const timers = Array.from({ length: 8 }, (_, kind) => new WheelTimer(owner, kind));
        for (const { timer, delayMs, cancel, advanceMs } of steps) {
          if (cancel) {
            wheel.cancel(timers[timer]!);
            due.delete(timer);
          } else {
            wheel.set(timers[timer]!, delayMs);
            due.set(timer, clock.monotonicMs() + Math.max(1, delayMs));
          }
          assert.equal(wheel.size, due.size);
          clock.advance(advanceMs);
        }
        clock.advance(1000);
        assert.equal(due.size, 0);
        assert.equal(wheel.size, 0);
        assert.equal(clock.pending, 0, "an empty wheel keeps no clock timer once it fired");
      }),
    );
  });

  it("asks the clock for one timer, however many streams wait", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const owner = { onTimer() {} };
    for (let i = 0; i < 1000; i++) wheel.set(new WheelTimer(owner, 0), 15_000 + (i % 3));
    assert.equal(clock.pending, 1);
    wheel.close();
    assert.equal(clock.pending, 0);
  });

  it("lets an owner set its own timer again and cancel others while it is called", () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    let fired = 0;
    const other = new WheelTimer({ onTimer: () => assert.fail("it was cancelled") }, 0);
    const timer: WheelTimer = new WheelTimer(
      {
        onTimer() {
          wheel.cancel(other);
          if (++fired < 3) wheel.set(timer, 10);
        },
      },
      0,
    );
    wheel.set(timer, 10);
    wheel.set(other, 10);
    clock.advance(100);
    assert.equal(fired, 3);
  });
});
