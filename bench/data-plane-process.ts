// Proxies with one traffic thread from bootstrap files: what the benchmarks pin to a core.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startDataPlane } from "#proxy/data-plane/data-plane";
import { realClock } from "#runtime/clock";
import { createLog } from "#runtime/log";
import { realRandom } from "#runtime/random";

const { values, positionals: files } = parseArgs({ allowPositionals: true, options: { poison: { type: "boolean", default: false } } });
if (files.length === 0) throw new Error("usage: data-plane-process.ts BOOTSTRAP.json ... [--poison]");
const dataPlane = startDataPlane({
  clock: realClock,
  random: realRandom,
  log: createLog({ level: "warn", format: "text", write: (line) => process.stderr.write(`${line}\n`), wallMs: Date.now }),
  threads: 1,
  version: "bench",
  poison: values.poison || process.env["MIZZEN_POISON"] === "1",
});
for (const file of files) await dataPlane.addProxy({ bootstrap: JSON.parse(readFileSync(file, "utf8")), concurrency: 1, logPrefix: "" });
process.on("SIGTERM", () => void dataPlane.close().then(() => process.exit(0)));
