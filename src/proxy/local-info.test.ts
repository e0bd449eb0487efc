import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "#runtime/random";
import { SharedLocalInfo } from "./local-info.ts";

const always = (value: number): Random => ({ next: () => value, integer: () => 0, uuid: () => "" });

/** On another thread. */
function seenBy(info: SharedLocalInfo): SharedLocalInfo {
  return new SharedLocalInfo("c", info.shared);
}

test("failed health checks end connections, but for those of listeners that drain for modifications only", () => {
  const info = new SharedLocalInfo("c");
  const other = seenBy(info);
  assert.equal(other.draining, false);
  info.failHealthChecks(true);
  assert.equal(other.draining, true);
  assert.equal(other.endsConnection(false, false, 0, always(0.99)), true);
  assert.equal(other.endsConnection(false, true, 0, always(0)), false);
  info.failHealthChecks(false);
  assert.equal(other.draining, false);
  assert.equal(other.healthCheckFailed, false);
});

test("the longer a drain lasts, the more connections end; when its time is over all do", () => {
  const info = new SharedLocalInfo("c");
  assert.equal(info.startDrain("all", 1000, 100), true);
  const other = seenBy(info);
  assert.equal(other.endsConnection(false, true, 1000, always(0)), false);
  assert.equal(other.endsConnection(false, true, 1030, always(0.29)), true);
  assert.equal(other.endsConnection(false, true, 1030, always(0.31)), false);
  assert.equal(other.endsConnection(true, true, 1100, always(0.99)), true);
  assert.equal(info.startDrain("all", 1050, 100), false, "it goes on already");
  assert.equal(info.startDrain("inbound", 1050, 100), false, "it is a part of what goes on");
});

test("a drain of inbound listeners leaves others alone, until all drain", () => {
  const info = new SharedLocalInfo("c");
  assert.equal(info.startDrain("inbound", 0, 100), true);
  assert.equal(info.endsConnection(true, false, 100, always(0.99)), true);
  assert.equal(info.endsConnection(false, false, 100, always(0)), false);
  assert.equal(info.startDrain("all", 100, 100), true);
  assert.equal(info.endsConnection(false, false, 200, always(0.99)), true);
});
