import assert from "node:assert/strict";
import { it } from "node:test";
import { PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { grpcOutcome } from "./grpc-outcome.ts";

it("takes a gRPC status in headers for the HTTP status it stands for", () => {
  const outcome = (status: string): number => grpcOutcome(new PairResponseHeaderMap(200, [["grpc-status", status]]));
  assert.deepEqual(["0", "4", "12", "13", "14", "16", "99", "x"].map(outcome), [200, 504, 501, 500, 503, 401, 500, 500]);
  assert.equal(grpcOutcome(new PairResponseHeaderMap(503, [])), 503);
});
