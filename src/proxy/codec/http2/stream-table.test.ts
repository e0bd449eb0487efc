import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamTable } from "./stream-table.ts";

test("a server's idle streams are those above the peer's last, and all even ones", () => {
  const table = new StreamTable(true);
  assert.equal(table.isIdle(1), true);
  table.sawPeerStream(7);
  assert.deepEqual(
    [0, 2, 1, 7, 8, 9].map((id) => table.isIdle(id)),
    [true, true, false, false, true, true],
  );
});

test("knows which ids were passed over, which were reset and by whom, and which just ended", () => {
  const table = new StreamTable(true);
  for (const id of [1, 7, 9]) table.sawPeerStream(id);
  table.noteReset(7, "by-us");
  table.noteReset(9, "by-peer");
  assert.deepEqual(
    [1, 3, 5, 7, 9].map((id) => table.ending(id)),
    ["complete", "skipped", "skipped", "by-us", "by-peer"],
  );
});

test("what was forgotten is unknown, and memory is bounded", () => {
  const table = new StreamTable(true);
  for (let id = 1; id < 10_000; id += 2) {
    table.sawPeerStream(id);
    table.noteReset(id, "by-us");
  }
  assert.equal(table.ending(1), "unknown");
  assert.equal(table.ending(9_999), "by-us");
  for (let id = 10_005; id < 20_000; id += 6) table.sawPeerStream(id);
  assert.equal(table.ending(19_993), "skipped");
  assert.equal(table.ending(10_007), "complete");
});

test("a GOAWAY of ours passes over what is above it, for a server alone", () => {
  const server = new StreamTable(true);
  server.goawayLast = 5;
  assert.deepEqual(
    [5, 7].map((id) => server.isPassedOver(id)),
    [false, true],
  );
  const client = new StreamTable(false);
  client.goawayLast = 0;
  assert.equal(client.isPassedOver(1), false);
});
