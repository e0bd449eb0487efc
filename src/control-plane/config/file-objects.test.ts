import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { CONFIRM_MS, FileObjects } from "./file-objects.ts";
import { parseTestFile } from "./testing.ts";

function names(file: FileObjects): readonly string[] {
  return [...file.entries].map((entry) => `${entry.key}=${(entry.object.spec as { value: string }).value}`).sort();
}

test("an object that is missing once stays until a second look 200 ms later", () => {
  const file = new FileObjects();
  assert.equal(file.apply(parseTestFile("A d/x 1\n---\nA d/y 1\n", "f"), 0), false);
  assert.equal(file.apply(parseTestFile("A d/x 1\n", "f"), 1_000), true);
  assert.deepEqual(names(file), ["A|d|x=1", "A|d|y=1"]);
  assert.equal(file.apply(parseTestFile("A d/x 1\n", "f"), 1_000 + CONFIRM_MS - 1), true);
  assert.deepEqual(names(file), ["A|d|x=1", "A|d|y=1"]);
  assert.equal(file.apply(parseTestFile("A d/x 1\n", "f"), 1_000 + CONFIRM_MS), false);
  assert.deepEqual(names(file), ["A|d|x=1"]);
});

test("a file that is truncated and written again loses nothing", () => {
  const file = new FileObjects();
  file.apply(parseTestFile("A d/x 1\n", "f"), 0);
  assert.equal(file.apply([], 10), true);
  assert.equal(file.apply(parseTestFile("A d/x 2\n", "f"), 20), false);
  assert.deepEqual(names(file), ["A|d|x=2"]);
  assert.equal(file.apply([], 10_000), true, "the old absence does not count for the new one");
});

test("a broken document keeps the last good version and the others change", () => {
  const file = new FileObjects();
  file.apply(parseTestFile("A d/x 1\n---\nA d/y 1\n", "f"), 0);
  assert.equal(file.apply(parseTestFile("A d/x !\n---\nA d/y 2\n", "f"), 10_000), false);
  assert.deepEqual(names(file), ["A|d|x=1", "A|d|y=2"]);
});

test("while a document cannot say its name nothing vanishes", () => {
  const file = new FileObjects();
  file.apply(parseTestFile("A d/x 1\n---\nA d/y 1\n", "f"), 0);
  assert.equal(file.apply(parseTestFile("?\n---\nA d/y 2\n", "f"), 1_000), false);
  assert.equal(file.apply(parseTestFile("?\n---\nA d/y 2\n", "f"), 9_000), false);
  assert.deepEqual(names(file), ["A|d|x=1", "A|d|y=2"]);
  file.apply(parseTestFile("A d/y 2\n", "f"), 10_000);
  file.apply(parseTestFile("A d/y 2\n", "f"), 10_000 + CONFIRM_MS);
  assert.deepEqual(names(file), ["A|d|y=2"]);
});

test("a document that was never good is not there", () => {
  const file = new FileObjects();
  file.apply(parseTestFile("A d/x !\n", "f"), 0);
  assert.deepEqual(names(file), []);
  assert.equal(file.documents.length, 1);
});

test("in any order of events an object is lost only after two looks without it, and a good version is always the newest", () => {
  const document = fc.record({ name: fc.constantFrom("x", "y", "z"), value: fc.constantFrom("1", "2", "!", "?") });
  const event = fc.record({ afterMs: fc.integer({ min: 0, max: 400 }), documents: fc.array(document, { maxLength: 4 }) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const file = new FileObjects();
      const lastGood = new Map<string, string>();
      const absentSince = new Map<string, number>();
      let nowMs = 0;
      for (const { afterMs, documents } of events) {
        nowMs += afterMs;
        const text = documents.map(({ name, value }) => (value === "?" ? "?\n" : `A d/${name} ${value}\n`)).join("---\n");
        file.apply(parseTestFile(text, "f"), nowMs);
        const nameless = documents.some(({ value }) => value === "?");
        const firsts = new Map<string, string>();
        for (const { name, value } of documents) if (value !== "?" && !firsts.has(name)) firsts.set(name, value);
        const shown = new Set<string>(documents.filter(({ value }) => value !== "?").map(({ name }) => name));
        for (const name of ["x", "y", "z"]) {
          // A broken first document does not hide a good second one when nothing was live yet.
          const good = documents.find((candidate) => candidate.name === name && candidate.value !== "?" && candidate.value !== "!");
          const first = firsts.get(name);
          if (first !== undefined && first !== "!") lastGood.set(name, first);
          else if (first === "!" && !lastGood.has(name) && good !== undefined) lastGood.set(name, good.value);
          if (shown.has(name) || nameless) absentSince.delete(name);
          else if (lastGood.has(name)) {
            const since = absentSince.get(name) ?? nowMs;
            absentSince.set(name, since);
            if (nowMs - since >= CONFIRM_MS) {
              lastGood.delete(name);
              absentSince.delete(name);
            }
          }
        }
        assert.deepEqual(names(file), [...lastGood].map(([name, value]) => `A|d|${name}=${value}`).sort());
      }
    }),
    { numRuns: 300 },
  );
});
