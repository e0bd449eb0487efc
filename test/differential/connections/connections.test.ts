// The share of the long run that fits into CI; `npm run differential -- --connections` has more pairs and seeds.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { runConnections } from "./connections.ts";

const PAIRS = 160;
const LEAST_PER_FIELD = 3;

test("our proxy and Envoy take generated connections by the same filter chains", async () => {
  const { failures, refused, taken } = await runConnections({ seed: 1, pairs: PAIRS });
  for (const [field, count] of taken) console.log(`${String(count).padStart(6)}  ${field}`);
  assert.equal(failures.length, 0, failures.join("\n\n"));
  assert.ok(refused < PAIRS / 2, `${refused} listeners were refused`);
  const seldom = [...taken].filter(([, count]) => count < LEAST_PER_FIELD).map(([field]) => field);
  assert.deepEqual(seldom, [], "chains that look at each field have taken connections, and so have the default chain and none");
});
