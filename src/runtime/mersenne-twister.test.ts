import assert from "node:assert/strict";
import { test } from "node:test";
import { MersenneTwister } from "./mersenne-twister.ts";

test("the ten thousandth number of the seed 5489 is the one that the C++ standard names", () => {
  const random = new MersenneTwister(5489);
  for (let i = 1; i < 10_000; i++) random.next();
  assert.equal(random.next(), 4_123_659_995);
});
