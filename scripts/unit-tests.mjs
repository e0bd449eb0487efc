// Runs every unit test beside its file, those of the table of honoured fields, hostile messages and fuzzing. A skipped or "todo" test fails the run: a check that does not run checks nothing.
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { globSync } from "node:fs";

// `--serial`: one file at a time, for tests of whole meshes that say how long something may take.
const serial = process.argv.includes("--serial");
const only = process.argv.slice(2).filter((argument) => argument !== "--serial");
const files = (only.length > 0 ? only : ["src/**/*.test.ts", "test/{honoured,hostile,fuzz}/*.test.ts"])
  .flatMap((pattern) => globSync(pattern))
  .sort();
if (files.length === 0) {
  console.error("unit-tests: no test files found");
  process.exit(1);
}
let failed = 0;
let skipped = 0;
let passed = 0;
const stream = run({ files, concurrency: serial ? 1 : 2 });
stream.on("test:fail", () => failed++);
stream.on("test:pass", (event) => {
  if (event.skip !== undefined || event.todo !== undefined) skipped++;
  else passed++;
});
stream.compose(new spec()).pipe(process.stdout);
stream.on("end", () => {
  setImmediate(() => {
    if (skipped > 0) console.error(`unit-tests: ${skipped} skipped; a skipped test is a failed test`);
    if (passed === 0) console.error("unit-tests: no test ran");
    process.exitCode = failed > 0 || skipped > 0 || passed === 0 ? 1 : 0;
  });
});
