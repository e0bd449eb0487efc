// Runs test files: every unit test beside its file, those of the table of honoured fields, hostile messages and fuzzing, or what the patterns
// name. A skipped or "todo" test fails the run: a check that does not run checks nothing.
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { globSync, readFileSync } from "node:fs";
import { relative } from "node:path";

const SLOW_MS = 10_000;

/** @type {{ [name: string]: string }} */
const options = {};
/** @type {string[]} */
const patterns = [];
for (const argument of process.argv.slice(2)) {
  const option = /^--(side-by-side)=(\d+)$/.exec(argument);
  if (option?.[1] !== undefined && option[2] !== undefined) options[option[1]] = option[2];
  else if (argument.startsWith("--")) {
    console.error(`unit-tests: unknown option ${argument} (there is --side-by-side=N)`);
    process.exit(1);
  } else patterns.push(argument);
}
const sideBySide = Number(options["side-by-side"] ?? 2);
const files = (patterns.length > 0 ? patterns : ["src/**/*.test.ts", "test/{honoured,hostile,fuzz}/*.test.ts"])
  .flatMap((pattern) => globSync(pattern))
  .sort((a, b) => a.localeCompare(b));
if (files.length === 0) {
  console.error("unit-tests: no test files found");
  process.exit(1);
}
// A file whose head says `Runs alone: why` measures memory or time, or takes something that this machine has once.
/** @param {string} file */
const runsAlone = (file) => /^\/\/ Runs alone: /m.test(readFileSync(file, "utf8").slice(0, 2000));
const alone = files.filter(runsAlone);
const groups = [
  { files: files.filter((file) => !alone.includes(file)), concurrency: sideBySide },
  { files: alone, concurrency: 1 },
];

const started = Date.now();
const counts = { passed: 0, failed: 0, skipped: 0 };
/** @type {{ file: string, ms: number }[]} */
const times = [];
// One reporter for both groups, so that what failed is listed once, at the end.
const reporter = new spec();
reporter.pipe(process.stdout);
for (const group of groups) {
  if (group.files.length === 0) continue;
  for await (const event of run(group)) {
    if (event.type === "test:fail") counts.failed++;
    else if (event.type === "test:pass") {
      if (event.data.skip !== undefined || event.data.todo !== undefined) counts.skipped++;
      else counts.passed++;
    } else if (event.type === "test:summary") {
      if (event.data.file !== undefined) times.push({ file: relative("", event.data.file), ms: event.data.duration_ms });
      continue;
    } else if (event.type === "test:diagnostic" && event.data.file === undefined) continue;
    if (!reporter.write(event)) await new Promise((done) => reporter.once("drain", done));
  }
}
reporter.end();
reporter.on("end", () => {
  const slow = times.filter(({ ms }) => ms >= SLOW_MS).sort((a, b) => b.ms - a.ms);
  if (slow.length > 0) console.log("\nslow files:");
  for (const { file, ms } of slow)
    console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${file}${alone.includes(file) ? ", alone" : ""}`);
  const { passed, failed, skipped } = counts;
  console.log(
    `\n${files.length} files in ${((Date.now() - started) / 1000).toFixed(1)} s: pass ${passed}, fail ${failed}, skipped ${skipped}`,
  );
  if (skipped > 0) console.error(`unit-tests: ${skipped} skipped; a skipped test is a failed test`);
  if (passed === 0) console.error("unit-tests: no test ran");
  process.exitCode = failed > 0 || skipped > 0 || passed === 0 ? 1 : 0;
});
