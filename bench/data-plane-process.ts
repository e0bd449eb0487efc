// One proxy with one traffic thread from a bootstrap file: what the benchmarks pin to a core.
import { readFileSync } from "node:fs";
import { startDataPlane } from "#proxy/data-plane/data-plane";
import { realClock } from "#runtime/clock";
import { createLog } from "#runtime/log";
import { realRandom } from "#runtime/random";

const file = process.argv[2];
if (file === undefined) throw new Error("usage: data-plane-process.ts BOOTSTRAP.json [poison]");
const dataPlane = startDataPlane({
  clock: realClock,
  random: realRandom,
  log: createLog({ level: "warn", format: "text", write: (line) => process.stderr.write(`${line}\n`), wallMs: Date.now }),
  threads: 1,
  version: "bench",
  poison: process.argv[3] === "poison",
});
await dataPlane.addProxy({ bootstrap: JSON.parse(readFileSync(file, "utf8")), concurrency: 1, logPrefix: "" });
process.on("SIGTERM", () => void dataPlane.close().then(() => process.exit(0)));
