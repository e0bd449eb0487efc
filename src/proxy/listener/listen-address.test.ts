import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { ConfigError } from "#proxy/config-error";
import { Violations } from "#proxy/field-check";
import { listenAddresses } from "./listen-address.ts";
import type { ListenAddress } from "./listen-address.ts";

const at = (address: string, more: JsonObject = {}): JsonObject => ({ socketAddress: { address, portValue: 80, ...more } });

function read(json: JsonObject): ListenAddress[] {
  const violations = new Violations();
  const addresses = listenAddresses(fromJson(ListenerSchema, json), violations);
  violations.throwIfAny("l");
  return addresses;
}

function described(json: JsonObject): string[][] {
  return read(json).map(({ options }) => options.options.map(({ description, prebind }) => `${description}${prebind ? " first" : ""}`));
}

function problems(json: JsonObject): string[] {
  try {
    read(json);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.replace("l: ", "").split("; ");
  }
}

test("an address is an IP address with a port, or a pipe with the mode of its file", () => {
  assert.deepEqual(read({ address: at("127.0.0.1"), additionalAddresses: [{ address: { pipe: { path: "/run/x", mode: 0o600 } } }] }), [
    { address: { address: "127.0.0.1", port: 80 }, options: { options: [], ipv4Compat: false, multipath: false, mode: 0 } },
    { address: { address: "/run/x", port: 0 }, options: { options: [], ipv4Compat: false, multipath: false, mode: 0o600 } },
  ]);
  assert.deepEqual(read({ address: at("::", { ipv4Compat: true }), enableMptcp: true })[0]?.options, {
    options: [],
    ipv4Compat: true,
    multipath: true,
    mode: 0,
  });
});

test("flags of the listener become options of each of its sockets, of the family of its address", () => {
  const [four, six] = read({
    address: at("127.0.0.1"),
    additionalAddresses: [{ address: at("::1") }],
    transparent: true,
    freebind: true,
    tcpFastOpenQueueLength: 5,
  }).map(({ options }) => options.options.map(({ level, name, value, prebind }) => [level, name, value[0], prebind]));
  assert.deepEqual(four, [
    [0, 19, 1, true],
    [0, 15, 1, true],
    [6, 23, 5, false],
  ]);
  assert.deepEqual(six, [
    [41, 75, 1, true],
    [41, 78, 1, true],
    [6, 23, 5, false],
  ]);
});

test("an address has options of its own, else the listener's, each with its value and its time", () => {
  const socketOptions = [
    { description: "a", level: 1, name: 9, intValue: 1 },
    { level: 6, name: 13, bufValue: "AQI=", state: "STATE_LISTENING" },
  ];
  const own = { socketOptions: [{ description: "own", level: 1, name: 9, intValue: 1, state: "STATE_BOUND" }] };
  const additionalAddresses = [{ address: at("127.0.0.2"), socketOptions: own }, { address: at("127.0.0.3") }];
  const listener = { address: at("127.0.0.1"), socketOptions, additionalAddresses };
  assert.deepEqual(described(listener), [["a first", "6/13"], ["own"], ["a first", "6/13"]]);
  const [first] = read(listener);
  assert.deepEqual(
    first?.options.options.map(({ value }) => [...value]),
    [
      [1, 0, 0, 0],
      [1, 2],
    ],
  );
});

test("what no socket can be is refused by name", () => {
  const pipe = (path: string, mode = 0): JsonObject => ({ pipe: { path, mode } });
  assert.match(problems({ address: pipe("x") }).join(), /^address\.pipe\.path: /);
  assert.match(problems({ address: pipe("/x", 0o1000) }).join(), /^address\.pipe\.mode: /);
  assert.match(problems({ address: pipe("@x", 0o600) }).join(), /^address\.pipe\.mode: /);
  assert.match(problems({ address: pipe("/x"), freebind: true }).join(), /^address\.pipe: /);
  assert.match(problems({ address: at("127.0.0.1", { protocol: "UDP" }) }).join(), /^address\.socket_address\.protocol: /);
  assert.match(problems({ address: { envoyInternalAddress: { serverListenerName: "x" } } }).join(), /^address: /);
  assert.match(problems({ address: at("127.0.0.1"), socketOptions: [{ level: 1 }] }).join(), /^socket_options\[0\]: /);
});
