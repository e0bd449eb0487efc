import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ThreadStats } from "#telemetry/stats/thread-stats";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { AccessLogBatches } from "./access-log-batches.ts";
import { AccessLogWriter } from "./access-log-writer.ts";

test("lines are gathered for a while or until there are many, and dropped and counted when nobody writes them", () => {
  const clock = new ManualClock();
  const posted: { path: string; text: string; bytes: number }[] = [];
  const dropped = new ThreadStats().root.counter("dropped");
  const batches = new AccessLogBatches({ clock, dropped, post: (path, text, bytes) => posted.push({ path, text, bytes }) });
  const sink = batches.open("/dev/stdout");
  sink.write("one");
  batches.open("/dev/stdout").write("two\n");
  assert.equal(posted.length, 0);
  clock.advance(100);
  assert.deepEqual(posted, [{ path: "/dev/stdout", text: "one\ntwo\n", bytes: 8 }]);
  const line = "x".repeat(999);
  for (let i = 0; i < 66; i++) sink.write(line);
  assert.equal(posted.length, 2, "64 KiB do not wait for the timer");
  for (let i = 0; i < 2000; i++) sink.write(line);
  assert.equal(dropped.value > 900, true);
  const before = dropped.value;
  for (const { bytes } of posted) batches.written(bytes);
  sink.write(line);
  assert.equal(dropped.value, before);
  batches.flush();
  assert.equal(clock.pending, 0);
});

test("lines on the process's output carry the proxy's prefix, and a deleted file comes back", async () => {
  const out: string[] = [];
  const output = {
    stdout: (text: string, done: () => void) => {
      out.push(text);
      done();
    },
    stderr: () => assert.fail("nothing goes to stderr"),
  };
  const writer = new AccessLogWriter(output, "web | ", silentLog);
  const directory = mkdtempSync(join(tmpdir(), "mizzen-log-"));
  const file = join(directory, "access.log");
  const write = (path: string, text: string): Promise<void> => new Promise((resolve) => writer.write(path, text, resolve));
  await write("/dev/stdout", "a\nb\n");
  assert.deepEqual(out, ["web | a\nweb | b\n"]);
  await write(file, "1\n");
  await write(file, "2\n");
  assert.equal(readFileSync(file, "utf8"), "1\n2\n");
  rmSync(file);
  await write(file, "3\n");
  assert.equal(readFileSync(file, "utf8"), "3\n");
  await write(join(directory, "no", "such", "folder"), "x\n");
  await writer.close();
  rmSync(directory, { recursive: true });
});
