import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeConnection } from "#proxy/http/connection.fake";
import type { SocketAddress } from "#proxy/net/connection";
import type { ConnectCallbacks, Connector } from "#proxy/net/connector";
import { ManualClock } from "#runtime/clock";
import { HappyEyeballs } from "./happy-eyeballs.ts";

const at = (address: string): SocketAddress => ({ address, port: 80 });
const refused = { kind: "connect-refused", detail: "no" } as const;

function bench(first: string, ...more: string[]) {
  const clock = new ManualClock();
  const asked: { address: string; callbacks: ConnectCallbacks; cancelled: boolean }[] = [];
  const connector: Connector = {
    connect: ({ address }, _timeoutMs, callbacks) => {
      const one = { address, callbacks, cancelled: false };
      asked.push(one);
      return { cancel: () => (one.cancelled = true) };
    },
  };
  const outcome: string[] = [];
  const pending = new HappyEyeballs(
    connector,
    () => more.map(at),
    () => ({ firstFamily: undefined, firstFamilyCount: 1 }),
    clock,
  ).connect(at(first), 1000, {
    onConnected: () => outcome.push("connected"),
    onConnectFailed: ({ kind }) => outcome.push(kind),
  });
  return { clock, asked, outcome, pending, addresses: () => asked.map(({ address }) => address) };
}

test("addresses are tried in turn, families alternating, each after a while or when one fails", () => {
  const { clock, asked, outcome, addresses } = bench("10.0.0.1", "10.0.0.2", "fd00::1");
  assert.deepEqual(addresses(), ["10.0.0.1"]);
  clock.advance(300);
  assert.deepEqual(addresses(), ["10.0.0.1", "fd00::1"]);
  asked[1]!.callbacks.onConnectFailed(refused);
  assert.deepEqual(addresses(), ["10.0.0.1", "fd00::1", "10.0.0.2"]);
  asked[2]!.callbacks.onConnected(new FakeConnection(), undefined);
  assert.deepEqual(outcome, ["connected"]);
  assert.equal(asked[0]!.cancelled, true);
  const late = new FakeConnection();
  asked[0]!.callbacks.onConnected(late, undefined);
  assert.equal(late.closed, "now");
  assert.equal(clock.pending, 0);
});

test("it fails when the last of them has failed, or when the time is over", () => {
  const all = bench("10.0.0.1", "10.0.0.2");
  all.asked[0]!.callbacks.onConnectFailed(refused);
  all.asked[1]!.callbacks.onConnectFailed(refused);
  assert.deepEqual(all.outcome, ["connect-refused"]);
  const slow = bench("10.0.0.1", "10.0.0.2");
  slow.clock.advance(1000);
  assert.deepEqual(slow.outcome, ["connect-timeout"]);
  assert.ok(slow.asked.every(({ cancelled }) => cancelled));
  const given = bench("10.0.0.1", "10.0.0.2");
  given.pending.cancel();
  assert.equal(given.clock.pending, 0);
});
