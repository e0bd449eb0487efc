// npm run soak -- [--minutes 10] [--seed N]
import { parseArgs } from "node:util";
import { soak } from "./soak.ts";

/** MB a minute: at 25,000 operations a minute, 40 bytes of each. RSS breathes more than heaps do. */
const FLAT = 1;
const FLAT_RSS = 3;
/** Shorter runs are still warming up. */
const LONG_ENOUGH_MINUTES = 5;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } } });
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error("usage: npm run soak -- [--minutes 10] [--seed N]");
  process.exit(2);
}
console.log(`soak: ${minutes} minutes, seed ${seed}`);
const { done, explained, unexplained, faults, slopes, leftovers } = await soak({
  seconds: minutes * 60,
  seed,
  say: (line) => console.log(line),
});
for (const [what, count] of faults) console.log(`${what.padEnd(24)} ${count}`);
console.log(`${"".padEnd(24)} ${"done".padStart(8)} ${"felt a host's end".padStart(18)} ${"unexplained".padStart(12)}`);
for (const [name, count] of done) {
  const wrong = unexplained.filter(({ operation }) => operation === name).length;
  console.log(
    `${name.padEnd(24)} ${String(count).padStart(8)} ${String(explained.get(name) ?? 0).padStart(18)} ${String(wrong).padStart(12)}`,
  );
}
const judged = minutes >= LONG_ENOUGH_MINUTES;
let flat = true;
for (const [what, slope] of slopes) {
  const flatBelow = what === "RSS" ? FLAT_RSS : FLAT;
  const steep = judged && slope !== undefined && slope > flatBelow;
  if (steep) flat = false;
  console.log(
    `${what.padEnd(24)} ${slope === undefined ? "too few samples" : `${slope.toFixed(2)} MB a minute`}${steep ? `: more than ${flatBelow}` : ""}`,
  );
}
if (!judged) console.log(`memory is judged from ${LONG_ENOUGH_MINUTES} minutes on`);
for (const { operation, message, fromMs, toMs } of unexplained.slice(0, 20))
  console.log(`unexplained: ${operation}: ${message} (${Math.round(fromMs)} to ${Math.round(toMs)} ms)`);
for (const line of leftovers) console.log(line);
const good = unexplained.length === 0 && leftovers.length === 0 && flat;
console.log(good ? "soak: nothing unexplained, nothing left over" : "soak: failed");
process.exit(good ? 0 : 1);
