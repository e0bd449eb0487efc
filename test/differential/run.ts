// npm run differential -- [--connections] [--pairs N] [--seed N] [--from N] [--downstream http1|http2] [--upstream http1|http2]
import { parseArgs } from "node:util";
import { runConnections } from "./connections/connections.ts";
import { runDifferential } from "./differential.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "boolean", default: false },
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

const run = {
  pairs: Number(values.pairs),
  seed: Number(values.seed),
  from: Number(values.from),
  say: (line: string) => console.log(line),
};

async function routes(): Promise<readonly string[]> {
  const protocols = { downstream: protocol(values.downstream), upstream: protocol(values.upstream) };
  const { coverage, failures, named } = await runDifferential({ ...run, ...protocols });
  console.log(coverage.text());
  for (const [because, count] of named) console.log(`${count} x ${because}`);
  return failures;
}

async function connections(): Promise<readonly string[]> {
  const { failures, refused, taken } = await runConnections(run);
  for (const [field, count] of taken) console.log(`${String(count).padStart(6)}  ${field}`);
  console.log(`${refused} that both refuse`);
  return failures;
}

const failures = await (values.connections ? connections() : routes());
for (const failure of failures) console.log(`\n${failure}`);
console.log(failures.length === 0 ? "no difference without a name" : `${failures.length} pairs differ`);
process.exitCode = failures.length === 0 ? 0 : 1;
