import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { ManualClock, realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { DirectorySource, type DirectorySourceOptions } from "./directory-source.ts";
import { ConfigStore } from "./store.ts";
import { live, parseTestFile } from "./testing.ts";

interface Bench {
  readonly directory: string;
  readonly store: ConfigStore;
  readonly clock: ManualClock;
  readonly source: DirectorySource;
  /** Texts that were parsed. */
  readonly parsed: string[];
  readonly write: (name: string, text: string) => void;
}

/** A source that looks only when it is told to: it is not started, so nothing is watched. */
function bench(context: TestContext, options: Partial<DirectorySourceOptions> = {}): Bench {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-source-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const store = new ConfigStore();
  const clock = new ManualClock();
  const parsed: string[] = [];
  const parse = (text: string, file: string): ReturnType<typeof parseTestFile> => {
    parsed.push(text);
    return parseTestFile(text, file);
  };
  const source = new DirectorySource({ paths: [directory], store, clock, parse, log: silentLog, ...options });
  return { directory, store, clock, source, parsed, write: (name, text) => writeFileSync(join(directory, name), text) };
}

test("reads .yaml, .yml and .json of a folder, and neither hidden, swap, backup nor package files", (context) => {
  const { write, source, store, parsed } = bench(context);
  write("a.yaml", "A d/a 1\n");
  write("b.yml", "A d/b 1\n");
  write("c.json", "A d/c 1\n");
  for (const name of [
    ".hidden.yaml",
    ".a.yaml.swp",
    "a.yaml~",
    "#a.yaml#",
    ".#a.yaml",
    "4913",
    "a.yaml.tmp",
    "package.json",
    "notes.txt",
  ]) {
    write(name, `A d/no 1\n`);
  }
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1", "A|d|b=1", "A|d|c=1"]);
  assert.equal(parsed.length, 3);
});

test("does not descend into subfolders unless asked, as kubectl apply", (context) => {
  const flat = bench(context);
  mkdirSync(join(flat.directory, "networking"));
  flat.write("a.yaml", "A d/a 1\n");
  flat.write("networking/b.yaml", "A d/b 1\n");
  flat.source.rescan();
  assert.deepEqual(live(flat.store), ["A|d|a=1"]);
  const deep = bench(context, { paths: [flat.directory], recursive: true });
  mkdirSync(join(flat.directory, "node_modules"));
  flat.write("node_modules/c.yaml", "A d/c 1\n");
  deep.source.rescan();
  assert.deepEqual(live(deep.store), ["A|d|a=1", "A|d|b=1"]);
});

test("folders that link to each other are read once", (context) => {
  const { directory, write, source, store } = bench(context, { recursive: true });
  mkdirSync(join(directory, "sub"));
  write("sub/a.yaml", "A d/a 1\n");
  symlinkSync(directory, join(directory, "sub", "up"));
  symlinkSync(join(directory, "sub"), join(directory, "again"));
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1"]);
  assert.deepEqual(store.findings, []);
});

test("an unchanged file is not parsed again, and the others change", (context) => {
  const { write, source, store, parsed } = bench(context);
  write("a.yaml", "A d/a 1\n");
  write("b.yaml", "A d/b 1\n");
  source.rescan();
  source.rescan();
  write("b.yaml", "A d/b 2\n");
  source.rescan();
  source.rescan();
  assert.deepEqual(parsed, ["A d/a 1\n", "A d/b 1\n", "A d/b 2\n"]);
  assert.deepEqual(live(store), ["A|d|a=1", "A|d|b=2"]);
});

test("truncate, then write: nothing is lost in between", (context) => {
  const { directory, write, source, store, clock } = bench(context);
  write("a.yaml", "A d/a 1\n");
  source.rescan();
  truncateSync(join(directory, "a.yaml"));
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1"]);
  clock.advance(100);
  write("a.yaml", "A d/a 2\n");
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=2"]);
});

test("rename over: the new content is taken, whatever the old inode was", (context) => {
  const { directory, write, source, store } = bench(context);
  write("a.yaml", "A d/a 1\n");
  source.rescan();
  write("a.yaml.tmp", "A d/a 2\n");
  renameSync(join(directory, "a.yaml.tmp"), join(directory, "a.yaml"));
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=2"]);
});

test("a deleted file's objects go, a deleted document's after a second look", (context) => {
  const { directory, write, source, store, clock } = bench(context);
  write("a.yaml", "A d/a 1\n---\nA d/b 1\n");
  write("c.yaml", "A d/c 1\n");
  source.rescan();
  write("a.yaml", "A d/a 1\n");
  unlinkSync(join(directory, "c.yaml"));
  source.rescan();
  assert.equal(live(store).length, 3);
  clock.advance(200);
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1"]);
});

test("broken, then fixed: the last good version is live in between", (context) => {
  const { write, source, store, clock } = bench(context);
  write("a.yaml", "A d/a 1\n---\nA d/b 1\n");
  source.rescan();
  write("a.yaml", "A d/a !\n---\nA d/b 2\n");
  source.rescan();
  clock.advance(1_000);
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1", "A|d|b=2"]);
  assert.deepEqual(
    store.findings.map(({ code }) => code),
    ["MZ0002"],
  );
  write("a.yaml", "?\n");
  source.rescan();
  clock.advance(1_000);
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1", "A|d|b=2"]);
  write("a.yaml", "A d/a 3\n---\nA d/b 3\n");
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=3", "A|d|b=3"]);
  assert.deepEqual(store.findings, []);
});

test("a swap of a linked folder, as Kubernetes mounts a ConfigMap, takes effect at once", (context) => {
  const { directory, source, store, parsed } = bench(context);
  for (const version of ["1", "2"]) {
    mkdirSync(join(directory, `..v${version}`));
    writeFileSync(join(directory, `..v${version}`, "a.yaml"), `A d/a ${version}\n`);
  }
  symlinkSync("..v1", join(directory, "..data"));
  symlinkSync(join("..data", "a.yaml"), join(directory, "a.yaml"));
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1"]);
  symlinkSync("..v2", join(directory, "..data_tmp"));
  renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=2"]);
  assert.equal(parsed.length, 2);
});

test("a folder that goes keeps its objects and is named; when it comes back all is as before", (context) => {
  const { directory, write, source, store, clock } = bench(context);
  write("a.yaml", "A d/a 1\n");
  source.rescan();
  renameSync(directory, `${directory}.away`);
  source.rescan();
  clock.advance(1_000);
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1"]);
  assert.deepEqual(
    store.findings.map(({ code, place }) => [code, place?.file]),
    [["MZ0008", directory]],
  );
  renameSync(`${directory}.away`, directory);
  source.rescan();
  assert.deepEqual(store.findings, []);
});

test("a single file can be named, and goes when it is unlinked", (context) => {
  const { directory, write, store, clock } = bench(context);
  write("mesh.conf", "A d/a 1\n");
  const source = new DirectorySource({ paths: [join(directory, "mesh.conf")], store, clock, parse: parseTestFile, log: silentLog });
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1"]);
  unlinkSync(join(directory, "mesh.conf"));
  source.rescan();
  clock.advance(200);
  source.rescan();
  assert.deepEqual(live(store), []);
});

test("limits: a file that is too large keeps its last good content, too many files are named", (context) => {
  const { write, source, store } = bench(context, { maxFileBytes: 20, maxFiles: 2 });
  write("a.yaml", "A d/a 1\n");
  write("b.yaml", "A d/b 1\n");
  source.rescan();
  write("a.yaml", `# ${"x".repeat(30)}\nA d/a 2\n`);
  write("c.yaml", "A d/c 1\n");
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1", "A|d|b=1"]);
  assert.deepEqual(
    store.findings.map(({ code }) => code),
    ["MZ0008", "MZ0008"],
  );
  assert.match(store.findings.map(({ message }) => message).join(), /larger than 20 bytes.*1 files are left out/);
});

test("a file that is not UTF-8 is refused and its objects stay", (context) => {
  const { directory, write, source, store, clock } = bench(context);
  write("a.yaml", "A d/a 1\n");
  source.rescan();
  writeFileSync(join(directory, "a.yaml"), Buffer.from([0x41, 0x20, 0xff, 0xfe]));
  source.rescan();
  clock.advance(1_000);
  source.rescan();
  assert.deepEqual(live(store), ["A|d|a=1"]);
  assert.equal(store.findings[0]?.code, "MZ0001");
});

test("the second look comes by itself, 200 ms after the first, and polling goes on", (context) => {
  const { directory, write, source, store, clock } = bench(context);
  write("a.yaml", "A d/a 1\n");
  source.start();
  unlinkSync(join(directory, "a.yaml"));
  source.rescan();
  const looks = source.rescans;
  clock.advance(206);
  assert.equal(source.rescans, looks + 1);
  assert.deepEqual(live(store), []);
  clock.advance(5_001);
  assert.equal(source.rescans, looks + 2);
  source.close();
  assert.equal(clock.pending, 0);
});

test("links are looked at twice a second, because no watcher sees behind them", (context) => {
  const { directory, write, clock, store } = bench(context);
  mkdirSync(join(directory, "far"));
  mkdirSync(join(directory, "near"));
  write("far/a.yaml", "A d/a 1\n");
  symlinkSync(join(directory, "far", "a.yaml"), join(directory, "near", "a.yaml"));
  const source = new DirectorySource({ paths: [join(directory, "near")], store, clock, parse: parseTestFile, log: silentLog });
  source.start();
  write("far/a.yaml", "A d/a 22\n");
  clock.advance(501);
  assert.deepEqual(live(store), ["A|d|a=22"]);
  source.close();
});

test("a real watcher wakes the source when a file is written, replaced and deleted", { timeout: 10_000 }, async (context) => {
  const { directory, write, store } = bench(context);
  write("a.yaml", "A d/a 1\n");
  const source = new DirectorySource({ paths: [directory], store, clock: realClock, parse: parseTestFile, log: silentLog });
  source.start();
  context.after(() => source.close());
  const until = (wanted: readonly string[]): Promise<void> =>
    new Promise((resolve) => {
      // The watcher does not keep the process alive: this does while we wait.
      const keepAlive = setInterval(() => {}, 1_000);
      const look = (): void => {
        if (JSON.stringify(live(store)) !== JSON.stringify(wanted)) return;
        unsubscribe();
        clearInterval(keepAlive);
        resolve();
      };
      const unsubscribe = store.subscribe(look);
      look();
    });
  write("a.yaml", "A d/a 2\n");
  await until(["A|d|a=2"]);
  write("next", "A d/a 3\n");
  renameSync(join(directory, "next"), join(directory, "a.yaml"));
  await until(["A|d|a=3"]);
  write("b.yaml", "A d/b 1\n");
  await until(["A|d|a=3", "A|d|b=1"]);
  unlinkSync(join(directory, "a.yaml"));
  await until(["A|d|b=1"]);
});
