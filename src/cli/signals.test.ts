import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { onStopRequests } from "./signals.ts";

describe("requests to stop", () => {
  it("are one when they come together, and the second one means at once", () => {
    const heard: string[] = [];
    let now = 0;
    const release = onStopRequests(
      (request, cause) => heard.push(`${request} ${cause}`),
      () => now,
    );
    process.emit("SIGINT", "SIGINT");
    process.emit("SIGTERM", "SIGTERM");
    now = 299;
    process.emit("SIGINT", "SIGINT");
    now = 400;
    process.emit("SIGINT", "SIGINT");
    release();
    assert.deepEqual(heard, ["ordered SIGINT", "at-once SIGINT"]);
    assert.equal(process.listenerCount("SIGHUP"), 0);
  });
});
