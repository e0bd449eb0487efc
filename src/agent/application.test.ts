import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { realClock } from "#runtime/clock";
import { Application, exitText } from "./application.ts";

const ENVIRONMENT = { PATH: "/bin:/usr/bin" };

describe("an application", () => {
  it("runs a shell command in a process group of its own and hands over its output", async () => {
    const groups: string[] = [];
    let text = "";
    const application = new Application({
      command: "echo hello; exit 3",
      directory: "/",
      environment: ENVIRONMENT,
      clock: realClock,
      output: (stream, readable) => readable.on("data", (chunk: Buffer) => (text += `${stream} ${chunk.toString()}`)),
      onGroup: (event) => groups.push(event),
    });
    const exit = await application.exited;
    assert.equal(exitText(exit), "exited with code 3");
    assert.deepEqual(groups, ["begin", "end"]);
    assert.equal(text, "stdout hello\n");
  });

  it("gets SIGKILL when it ignores SIGTERM", async () => {
    let started: () => void = () => {};
    const ready = new Promise<void>((resolve) => (started = resolve));
    const application = new Application({
      command: "trap '' TERM; echo ready; while true; do sleep 0.01; done",
      directory: "/",
      environment: ENVIRONMENT,
      clock: realClock,
      output: (stream, readable) => {
        if (stream === "stdout") void once(readable, "data").then(started);
      },
    });
    await ready;
    await application.stop(30);
    assert.equal(exitText(await application.exited), "was ended by SIGKILL");
  });

  it("says why when it cannot be started", async () => {
    const application = new Application({
      command: ["/no/such/program"],
      directory: "/",
      environment: ENVIRONMENT,
      clock: realClock,
      output: () => {},
    });
    assert.match(exitText(await application.exited), /could not be started: .*ENOENT/);
    await application.stop(10);
  });
});
