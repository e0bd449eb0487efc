// `npm run check`: format, types, lint with boundaries and cycles, dead code, unit tests. Stops at the first that fails.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const node26 = fileURLToPath(new URL("node26.mjs", import.meta.url));
/** @type {[name: string, command: string, args: string[]][]} */
const steps = [
  ["generated code", "node", ["scripts/generate-envoy.mjs"]],
  ["format", "npx", ["--no", "oxfmt", "--", "--check", "src", "test", "bench", "samples", "scripts", "bin"]],
  ["types", "npx", ["--no", "tsc", "--", "-p", "tsconfig.json"]],
  ["lint", "npx", ["--no", "oxlint", "--", "--quiet"]],
  ["dead code", "npx", ["--no", "knip"]],
  ["unit tests", "node", [node26, "scripts/unit-tests.mjs"]],
];
const started = Date.now();
for (const [name, command, args] of steps) {
  const at = Date.now();
  const result = spawnSync(command, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", maxBuffer: 1 << 28 });
  const seconds = ((Date.now() - at) / 1000).toFixed(1);
  if (result.status !== 0) {
    process.stdout.write(result.stdout.slice(-60_000));
    process.stderr.write(result.stderr.slice(-20_000));
    console.error(`check: ${name} failed after ${seconds} s`);
    process.exit(1);
  }
  const summary = name === "unit tests" ? ` (${/pass \d+/.exec(result.stdout.slice(-200))?.[0] ?? ""})` : "";
  console.log(`check: ${name} ok, ${seconds} s${summary}`);
}
console.log(`check: all ok, ${((Date.now() - started) / 1000).toFixed(1)} s`);
