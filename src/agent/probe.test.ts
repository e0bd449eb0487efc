import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "#runtime/clock";
import { Prober } from "./probe.ts";
import type { CheckOutcome, Readiness } from "./probe.ts";

const SPEC = { initialDelaySeconds: 2, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 2, failureThreshold: 3 };

/** Lets what is already resolved run on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function probing(options: { once?: boolean; startPeriodMs?: number } = {}) {
  const clock = new ManualClock();
  const changes: Readiness[] = [];
  let outcome: CheckOutcome;
  let checks = 0;
  const prober = new Prober({
    spec: SPEC,
    clock,
    check: () => {
      checks++;
      return outcome === "hang" ? new Promise((_resolve) => {}) : Promise.resolve(outcome);
    },
    onChange: (readiness) => changes.push(readiness),
    ...options,
  });
  return {
    clock,
    changes,
    prober,
    set: (value: CheckOutcome) => (outcome = value),
    checks: () => checks,
    async advance(ms: number) {
      clock.advance(ms);
      await settle();
    },
  };
}

describe("a probe", () => {
  it("waits for the initial delay and for the success threshold", async () => {
    const p = probing();
    p.prober.start();
    await p.advance(1_999);
    assert.equal(p.checks(), 0);
    await p.advance(1);
    assert.deepEqual(p.changes, []);
    await p.advance(10_000);
    assert.deepEqual(p.changes, [{ ready: true }]);
  });

  it("says unready only after the failure threshold, with the last reason, and ready again later", async () => {
    const p = probing();
    p.prober.start();
    await p.advance(2_000);
    await p.advance(10_000);
    p.set("refused");
    await p.advance(10_000);
    await p.advance(10_000);
    assert.equal(p.changes.length, 1);
    await p.advance(10_000);
    assert.deepEqual(p.changes[1], { ready: false, reason: "refused" });
    p.set(undefined);
    await p.advance(10_000);
    await p.advance(10_000);
    assert.deepEqual(p.changes[2], { ready: true });
  });

  it("checks often until the first success", async () => {
    const p = probing({ startPeriodMs: 100 });
    p.set("refused");
    p.prober.start();
    await p.advance(2_000);
    await p.advance(100);
    await p.advance(100);
    assert.equal(p.checks(), 3);
    assert.deepEqual(p.changes, []);
  });

  it("stops after the first success when asked only once", async () => {
    const p = probing({ once: true });
    p.prober.start();
    await p.advance(2_000);
    await p.advance(10_000);
    assert.deepEqual(p.changes, [{ ready: true }]);
    assert.equal(p.clock.pending, 0);
  });

  it("leaves no timer and says nothing after it was stopped, also in the middle of a check", async () => {
    const p = probing();
    p.set("hang");
    p.prober.start();
    await p.advance(2_000);
    p.prober.stop();
    await p.advance(60_000);
    assert.deepEqual(p.changes, []);
    assert.equal(p.clock.pending, 0);
  });
});
