import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { decodeSavedConfig, encodeSavedConfig, SavedConfig, savedConfigFile } from "./saved-config.ts";
import type { SavedResources } from "./saved-config.ts";

const text = fc.string({ maxLength: 20 });
const saved = fc
  .dictionary(
    text,
    fc.array(fc.record({ name: text, version: text, bytes: fc.uint8Array({ maxLength: 50 }) }), { minLength: 1, maxLength: 5 }),
    {
      maxKeys: 4,
    },
  )
  .map((types) => new Map(Object.entries(types)));

test("what was saved is what is loaded", () => {
  fc.assert(
    fc.property(saved, (resources) => {
      const loaded = decodeSavedConfig(encodeSavedConfig(resources));
      assert.ok(loaded !== undefined);
      const plain = (all: SavedResources): unknown[] =>
        [...all].map(([type, list]) => [type, list.map(({ name, version, bytes }) => [name, version, [...bytes]])]);
      assert.deepEqual(plain(loaded), plain(resources));
    }),
    { numRuns: 100 },
  );
});

test("a file with any byte changed, cut or foreign is not used", () => {
  const good = encodeSavedConfig(new Map([["t", [{ name: "n", version: "1", bytes: Buffer.from("payload") }]]]));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const broken = Uint8Array.from(good);
      broken[at] = (broken[at] ?? 0) ^ change;
      assert.equal(decodeSavedConfig(broken), undefined);
      assert.equal(decodeSavedConfig(good.subarray(0, at)), undefined);
    }),
    { numRuns: 200 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => assert.equal(decodeSavedConfig(junk), undefined)));
});

test("changes in a row are written once, atomically, for the owner alone", () => {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-saved-"));
  const clock = new ManualClock();
  let collected = 0;
  const resources = (): SavedResources => {
    collected++;
    return new Map([["t", [{ name: "n", version: String(collected), bytes: new Uint8Array([1]) }]]]);
  };
  const config = new SavedConfig({ directory: join(directory, "sub"), nodeId: "sidecar~a/b", clock, log: silentLog, collect: resources });
  assert.equal(config.load(), undefined);
  config.schedule();
  config.schedule();
  clock.advance(1000);
  assert.equal(collected, 1);
  const file = savedConfigFile(join(directory, "sub"), "sidecar~a/b");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(config.load()?.get("t")?.[0]?.version, "1");
  writeFileSync(file, readFileSync(file).subarray(0, 90));
  assert.equal(config.load(), undefined);
  config.close();
  rmSync(directory, { recursive: true });
});

test("different nodes never share a file", () => {
  assert.notEqual(savedConfigFile("/d", "a~b"), savedConfigFile("/d", "a/b"));
});
