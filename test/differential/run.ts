// npm run differential -- [--pairs N] [--seed N] [--from N] [--downstream http1|http2] [--upstream http1|http2]
import { parseArgs } from "node:util";
import { runDifferential } from "./differential.ts";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    downstream: { type: "string", default: "http1" },
    upstream: { type: "string", default: "http1" },
  },
});

function protocol(value: string): "http1" | "http2" {
  if (value !== "http1" && value !== "http2") throw new Error(`${value} is neither http1 nor http2`);
  return value;
}

const { coverage, failures, named } = await runDifferential({
  pairs: Number(values.pairs),
  seed: Number(values.seed),
  from: Number(values.from),
  downstream: protocol(values.downstream),
  upstream: protocol(values.upstream),
  say: (line) => console.log(line),
});
console.log(coverage.text());
for (const [because, count] of named) console.log(`${count} x ${because}`);
for (const failure of failures) console.log(`\n${failure}`);
console.log(failures.length === 0 ? "no difference without a name" : `${failures.length} pairs differ`);
process.exitCode = failures.length === 0 ? 0 : 1;
