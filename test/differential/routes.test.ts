// The share of the long run that fits into CI; `npm run differential` has more pairs, seeds and protocols.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { runDifferential } from "./differential.ts";

const PAIRS = 500;
const LEAST_PAIRS_PER_FIELD = 20;

test("our proxy and Envoy do the same with generated routes and requests", async () => {
  const { coverage, failures, named } = await runDifferential({ seed: 1, pairs: PAIRS, downstream: "http1", upstream: "http1" });
  console.log(coverage.text());
  for (const [because, count] of named) console.log(`${count} x ${because}`);
  assert.equal(failures.length, 0, failures.join("\n\n"));
  assert.ok(coverage.nonDefaultShare >= 0.5, "at least half of the requests are for a route that is not the default");
  assert.deepEqual(coverage.below(LEAST_PAIRS_PER_FIELD), [], "every honoured field of RouteMatch and RouteAction has its pairs");
  assert.deepEqual(coverage.unmet, [], "everything that stands around routes came to pass");
});
