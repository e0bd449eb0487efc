// `npm run bench -- NAME [PART ...] [--cells A,B] [--seconds N] [--runs N] [-o FILE]`: peers side by side in one run, each pinned to one core, medians of
// interleaved runs. Prints a table and writes JSON. Numbers of one machine mean nothing on another: the ratios do.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";

const BENCHES: Readonly<Record<string, () => Promise<{ bench(options: BenchOptions): Promise<unknown> }>>> = {
  analyze: () => import("./analyze.ts"),
  "control-plane": () => import("./control-plane/control-plane.ts"),
  "data-plane": () => import("./data-plane/data-plane.ts"),
  http1: () => import("./http1.ts"),
  http2: () => import("./http2/http2.ts"),
  store: () => import("./store/store.ts"),
};

export interface BenchOptions {
  readonly seconds: number;
  readonly runs: number;
  /** Which parts of the benchmark are wanted; empty: all. */
  readonly parts: readonly string[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cells: { type: "string", default: "" },
    seconds: { type: "string", default: "5" },
    runs: { type: "string" },
    output: { type: "string", short: "o" },
  },
});
const name = positionals[0];
const load = name === undefined ? undefined : BENCHES[name];
if (name === undefined || load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join("|")} [--cells A,B] [--seconds N] [--runs N] [-o FILE]`);
  process.exit(2);
}
const seconds = Number(values.seconds);
const runs = Number(values.runs ?? (name === "data-plane" ? 5 : 3));
// `--cells a,b` is another way to name parts.
const parts = [...positionals.slice(1), ...values.cells.split(",").filter((cell) => cell !== "")];
if (!(seconds > 0) || !(runs >= 1)) {
  console.error("bench: --seconds and --runs must be numbers above 0");
  process.exit(2);
}
const result = await (await load()).bench({ seconds, runs, parts });
const file = values.output ?? `build/bench/${name}.json`;
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
console.log(`written to ${file}`);
process.exit(0);
