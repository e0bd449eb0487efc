import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { processStart } from "./mesh-handle.ts";

const WATCHDOG = join(import.meta.dirname, "watchdog.ts");

/** A process that starts two sleepers of their own groups, tells the watchdog of both, takes one back, and waits. */
const OWNER = `
const { Watchdog } = await import(${JSON.stringify(WATCHDOG)});
const { spawn } = await import("node:child_process");
const watchdog = new Watchdog((reason) => console.error(reason));
const start = () => spawn("sleep", ["120"], { detached: true, stdio: "ignore" }).pid;
const kept = start(), forgotten = start();
watchdog.tell("begin", kept);
watchdog.tell("begin", forgotten);
watchdog.tell("end", forgotten);
console.log(kept + " " + forgotten);
setInterval(() => {}, 1000);
`;

describe("the watchdog", () => {
  it("ends the applications of a supervisor that was killed, and only those it still has", async () => {
    const owner = spawn(process.execPath, ["--input-type=module", "-e", OWNER], { stdio: ["ignore", "pipe", "inherit"] });
    const [chunk] = (await once(owner.stdout, "data")) as [Buffer];
    const [kept = 0, forgotten = 0] = chunk.toString().trim().split(" ").map(Number);
    try {
      assert.notEqual(processStart(kept), "");
      owner.kill("SIGKILL");
      await once(owner, "exit");
      // Blocks until the group is gone: a shell can wait for another's process only by asking.
      execFileSync("/bin/sh", [
        "-c",
        `n=0; while kill -0 ${kept} 2>/dev/null && [ "$(cut -d' ' -f3 /proc/${kept}/stat 2>/dev/null)" != Z ] && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.05; done`,
      ]);
      assert.equal(processStart(kept), "");
      assert.notEqual(processStart(forgotten), "");
    } finally {
      for (const pid of [kept, forgotten]) if (processStart(pid) !== "") process.kill(pid, "SIGKILL");
    }
  });
});
