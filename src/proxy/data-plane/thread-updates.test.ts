import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeValues } from "#proxy/runtime/runtime";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import type { ProxyUpdate } from "#proxy/xds-client/proxy-update";
import { ListenerSockets } from "./listener-sockets.ts";
import type { ThreadHandle } from "./thread-handle.ts";
import type { AddProxyCommand, ThreadCommand } from "./thread-messages.ts";
import { ThreadUpdates } from "./thread-updates.ts";

const NOTHING: ProxyUpdate = {
  secrets: [],
  clusters: [],
  assignments: [],
  routes: [],
  listeners: [],
  removedSecrets: [],
  removedClusters: [],
  removedAssignments: [],
  removedRoutes: [],
  removedListeners: [],
};

test("a thread knows what runtime layers say before it serves anything, also the one that takes a dead one's place", () => {
  const sent: string[] = [];
  const thread = {
    online: true,
    send: (command: ThreadCommand) => {
      sent.push(command.type === "runtime" ? `runtime ${[...command.values.keys()].join()}` : command.type);
      return true;
    },
  } as unknown as ThreadHandle;
  let values: RuntimeValues = runtimeValues({ a: 1 });
  const updates = new ThreadUpdates({
    threads: [thread],
    add: { type: "add-proxy", proxy: "p" } as unknown as AddProxyCommand,
    sockets: new ListenerSockets(),
    runtime: () => values,
    snapshot: () => NOTHING,
    health: () => [],
  });
  assert.deepEqual(sent.splice(0), ["add-proxy", "runtime a"]);
  values = runtimeValues({ a: 1, b: 2 });
  updates.tellRuntime(values);
  assert.deepEqual(sent.splice(0), ["runtime a,b"]);
  updates.replaced(thread);
  assert.deepEqual(sent.splice(0), ["add-proxy", "runtime a,b", "update"]);
  values = new Map();
  updates.replaced(thread);
  assert.deepEqual(sent.splice(0), ["add-proxy", "update"], "most proxies have none");
  updates.close();
});
