// The embedded store is killed in the middle of its writes, again and again: what was acknowledged is there, nothing is half there.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { SqliteJournal } from "#control-plane/config/sqlite/sqlite-journal";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom, seededRandom } from "#runtime/random";

const KILLS = 50;
const WRITES = 1_000;
const MOST_LINES = 100;
const CONFIG_MAPS = { group: "", resource: "configmaps" };

/** Kills the writer once it has said `afterLines` lines, whatever it does by then. The number of the last write that was acknowledged. */
async function writeUntilKilled(file: string, first: number, afterLines: number): Promise<number> {
  const script = join(import.meta.dirname, "testdata/store-writer.ts");
  const child = spawn(process.execPath, [script, file, String(first), String(WRITES)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  let lines = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    lines += text.split("\n").length - 1;
    if (lines >= afterLines) child.kill("SIGKILL");
  });
  await new Promise((done) => child.on("close", done));
  assert.ok(output.startsWith("open\n"), "the store opens after every kill");
  const acknowledged = output
    .split("\n")
    .slice(1, -1)
    .filter((line) => line !== "done");
  return acknowledged.length === 0 ? first - 1 : Number(acknowledged.at(-1));
}

test("loses nothing that was acknowledged and keeps nothing by half when it is killed 50 times", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "store-crash-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "store.db");
  const random = seededRandom(7);
  let last = -1;
  let killedInTheMiddle = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await writeUntilKilled(file, last + 1, 1 + random.integer(MOST_LINES));
    if (acknowledged < last + WRITES) killedInTheMiddle++;
    const store = await CachedObjectStore.open({
      journal: new SqliteJournal({ file }),
      clock: realClock,
      random: realRandom,
      log: silentLog,
    });
    const { items } = await store.list(CONFIG_MAPS);
    const numbers = items
      .flatMap(({ metadata }) => (metadata.name === "last" ? [] : [Number(metadata.name?.slice(4))]))
      .sort((a, b) => a - b);
    const kept = numbers.length - 1;
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, n) => n),
      "no hole",
    );
    assert.ok(kept >= acknowledged, `write ${acknowledged} was acknowledged, ${kept} is the last that is there`);
    const whole = items.find(({ metadata }) => metadata.name === "last");
    assert.equal(Number((whole?.["data"] as { readonly text: string } | undefined)?.text ?? -1), kept, "both objects of a set, or neither");
    assert.equal(
      (await store.versions({ ...CONFIG_MAPS, namespace: "default", name: "last" }))[0]?.object.metadata.resourceVersion,
      whole?.metadata.resourceVersion,
    );
    await store.close();
    last = kept;
  }
  assert.ok(killedInTheMiddle > KILLS / 2, `only ${killedInTheMiddle} of ${KILLS} kills hit a writer at work`);
  assert.ok(last > WRITES, `${last} writes were made`);
});
