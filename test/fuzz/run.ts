// npm run fuzz -- [--minutes 10] [--seed N]
import { parseArgs } from "node:util";
import { PROPERTIES } from "./properties.ts";

/** Of one property before the next has its turn. */
const RUNS_A_ROUND = 2000;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } } });
const minutes = Number(values.minutes);
const first = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(first)) {
  console.error("usage: npm run fuzz -- [--minutes 10] [--seed N]");
  process.exit(2);
}
console.log(`fuzz: ${minutes} minutes, seed ${first}`);
const failing = new Set<string>();
const end = performance.now() + minutes * 60_000;
let seed = first;
for (; performance.now() < end; seed++) {
  for (const [name, fuzz] of Object.entries(PROPERTIES)) {
    if (failing.has(name) || performance.now() >= end) continue;
    try {
      fuzz({ seed, numRuns: RUNS_A_ROUND });
    } catch (error) {
      failing.add(name);
      console.error(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      if (error instanceof Error && error.cause !== undefined) console.error(error.cause);
    }
  }
}
console.log(`fuzz: ${(seed - first) * RUNS_A_ROUND} mutations of each of ${Object.keys(PROPERTIES).length}, ${failing.size} failing`);
process.exitCode = failing.size > 0 ? 1 : 0;
