import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { SupervisedWorkload } from "./supervised-workload.ts";

describe("an application under supervision", () => {
  it("leaves when it ends, comes back after the backoff, and is not started again once it was stopped", async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    let next: () => void = () => {};
    const ended = (): Promise<void> => new Promise((resolve) => (next = resolve));
    const workload = new SupervisedWorkload({
      instance: "a-1",
      command: "exit 7",
      directory: "/",
      environment: { PATH: "/bin:/usr/bin" },
      agent: {
        start: () => told.push("start"),
        applicationStarted: () => told.push("application started"),
        applicationEnded: (reason) => {
          told.push(reason);
          // What follows the report in the same turn (the restart's timer) is done before the test goes on.
          queueMicrotask(next);
        },
        drain: () => Promise.resolve(void told.push("drain")),
        close: () => Promise.resolve(void told.push("close")),
      },
      clock,
      log: silentLog,
      onOutput: () => {},
      onGroup: () => {},
    });
    let wait = ended();
    workload.start();
    await wait;
    assert.deepEqual(told.splice(0), ["start", "application started", "exited with code 7"]);
    clock.advance(999);
    assert.deepEqual(told, []);
    wait = ended();
    clock.advance(1);
    await wait;
    assert.deepEqual(told.splice(0), ["application started", "exited with code 7"]);
    assert.equal(workload.restarts, 1);
    await workload.stop();
    clock.advance(60_000);
    assert.deepEqual(told, ["drain", "close"]);
    assert.equal(clock.pending, 0);
  });
});
