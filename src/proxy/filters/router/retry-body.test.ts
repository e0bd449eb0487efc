import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { RetryBody } from "./retry-body.ts";

const LIMIT_BYTES = 1024 * 1024;

test("what was pushed comes back in order, whatever the sizes, and a snapshot does not change", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 40 }), fc.nat(40), (chunks, snapshotAt) => {
      const body = new RetryBody(LIMIT_BYTES);
      let snapshot: { pieces: Uint8Array[]; bytes: string } | undefined;
      for (const [index, chunk] of chunks.entries()) {
        if (index === snapshotAt) snapshot = { pieces: body.pieces(), bytes: Buffer.concat(body.pieces()).toString("latin1") };
        assert.equal(body.push(chunk), true);
      }
      assert.deepEqual(Buffer.concat(body.pieces()), Buffer.concat(chunks));
      if (snapshot !== undefined) assert.equal(Buffer.concat(snapshot.pieces).toString("latin1"), snapshot.bytes);
    }),
    { numRuns: 60 },
  );
});

test("a body in chunks of one byte is kept in few pieces", () => {
  const body = new RetryBody(LIMIT_BYTES);
  const one = Buffer.from("x");
  for (let i = 0; i < LIMIT_BYTES; i++) if (!body.push(one)) assert.fail(`byte ${i} is refused`);
  assert.ok(body.pieces().length < 40, `${body.pieces().length} pieces`);
  assert.equal(body.push(one), false);
  assert.equal(Buffer.concat(body.pieces()).length, LIMIT_BYTES);
});
