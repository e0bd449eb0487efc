import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, ConnectionInfo } from "#proxy/net/connection";
import { ChainConnections, OpenConnection } from "./open-connection.ts";
import type { FilterChain, ListenerConfig } from "./listener-config.ts";

interface Bench {
  readonly chain: ChainConnections;
  readonly told: string[];
  readonly open: (name: string) => OpenConnection;
}

function bench(): Bench {
  const told: string[] = [];
  const names = new Map<unknown, string>();
  const chain = new ChainConnections({ filter: { accept: () => {} } } as unknown as FilterChain);
  const listener = { onConnectionGone: (open: OpenConnection): void => void told.push(`${names.get(open)} gone`) };
  return {
    chain,
    told,
    open(name) {
      const open = new OpenConnection(chain, {} as ListenerConfig, listener);
      names.set(open, name);
      open.serve({} as Connection, {} as ConnectionInfo, undefined);
      open.onDrain(() => told.push(`${name} drains`));
      open.onClosed(() => told.push(`${name} closed`));
      return open;
    },
  };
}

test("a chain knows its connections, wherever in the list one of them leaves", () => {
  for (const order of ["012", "021", "102", "120", "201", "210"]) {
    const { chain, open } = bench();
    const all = ["a", "b", "c"].map(open);
    const left = new Set(all);
    for (const at of order) {
      const one = all[Number(at)]!;
      one.onConnectionClosed();
      left.delete(one);
      assert.deepEqual(new Set(chain.all()), left, order);
      assert.equal(chain.size, left.size);
      assert.deepEqual([one.next, one.previous], [undefined, undefined], "who is gone keeps nobody");
    }
  }
});

test("filters hear of the end of a connection before its listener does, and of draining at once where it has begun", () => {
  const { chain, told, open } = bench();
  const one = open("a");
  one.drain();
  one.onConnectionClosed();
  chain.draining = true;
  open("late");
  assert.deepEqual(told, ["a drains", "a closed", "a gone", "late drains"]);
});
