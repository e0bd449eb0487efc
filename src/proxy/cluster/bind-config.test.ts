import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { DefaultLocalAddressSelectorSchema } from "#envoy/gen/envoy/config/upstream/local_address_selector/v3/default_local_address_selector_pb";
import { RawBufferSchema } from "#envoy/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb";
import { hasLinuxOptions } from "#proxy/net/socket-option";
import { readBind, sourceFor } from "./bind-config.ts";

const registry = createRegistry(DefaultLocalAddressSelectorSchema, RawBufferSchema);
const at = (address: string): JsonObject => ({ address, port_value: 0 });
/** SO_KEEPALIVE of Linux. */
const option = (value: number, state = "STATE_PREBIND"): JsonObject => ({ level: 1, name: 9, int_value: value, state });
const selector = (type: string): JsonObject => ({ name: "s", typed_config: { "@type": `type.googleapis.com/${type}` } });

function read(bind: JsonObject) {
  const refused: string[] = [];
  const wire = fromJson(ClusterSchema, { upstream_bind_config: bind }, { registry });
  const read = readBind(wire, (path, message) => void refused.push(`${path}: ${message}`));
  const source = (address: string): string => {
    const { address: own, options } = sourceFor({ address, port: 1 }, read) ?? { address: undefined, options: [] };
    return [own ?? "any", ...options.map(({ level, name, value }) => `${level}/${name}=${value[0]}`)].join(" ");
  };
  return { refused, source };
}

test("connections begin at the address of their family, else at source_address", () => {
  const two = read({ source_address: at("127.0.0.2"), extra_source_addresses: [{ address: at("::1") }] });
  assert.deepEqual([two.source("10.0.0.1"), two.source("::9"), two.source("/run/app.sock")], ["127.0.0.2", "::1", "any"]);
  const old = read({ source_address: at("::1"), additional_source_addresses: [at("127.0.0.2")] });
  assert.deepEqual([old.source("10.0.0.1"), old.source("::9")], ["127.0.0.2", "::1"]);
  const one = read({ source_address: at("127.0.0.2"), local_address_selector: selector(DefaultLocalAddressSelectorSchema.typeName) });
  assert.deepEqual([one.source("::9"), one.refused], ["127.0.0.2", []]);
  assert.equal(read({}).source("10.0.0.1"), "any");
});

test("socket_options are those of the address, where it has some of its own, even none", () => {
  const bind = { source_address: at("127.0.0.2"), socket_options: [option(1)] };
  const v6 = (more: JsonObject): string => read({ ...bind, extra_source_addresses: [{ address: at("::1"), ...more }] }).source("::9");
  assert.equal(read(bind).source("10.0.0.1"), "127.0.0.2 1/9=1");
  assert.equal(v6({}), "::1 1/9=1");
  assert.equal(v6({ socket_options: { socket_options: [option(0)] } }), "::1 1/9=0");
  assert.equal(v6({ socket_options: {} }), "::1");
  assert.equal(read({ socket_options: [option(1)] }).source("10.0.0.1"), "any 1/9=1");
});

if (hasLinuxOptions)
  test("freebind is an option of each family, but of no path", () => {
    const { source } = read({ source_address: at("192.0.2.1"), freebind: true, socket_options: [option(1)] });
    assert.deepEqual([source("10.0.0.1"), source("/run/app.sock")], ["192.0.2.1 0/15=1 1/9=1", "any 1/9=1"]);
    assert.equal(read({ source_address: at("::2"), freebind: true }).source("::1"), "::2 41/78=1");
  });

test("what no connection could follow is refused with its path", () => {
  const path = "upstream_bind_config";
  assert.deepEqual(read({ extra_source_addresses: [{ address: at("::1") }] }).refused, [
    `${path}.extra_source_addresses: needs source_address`,
  ]);
  assert.deepEqual(read({ source_address: at("127.0.0.1"), extra_source_addresses: [{ address: at("127.0.0.2") }] }).refused, [
    `${path}.extra_source_addresses: must be of another family than source_address`,
  ]);
  const three = { source_address: at("127.0.0.1"), additional_source_addresses: [at("::1"), at("::2")] };
  assert.deepEqual(read(three).refused, [`${path}.additional_source_addresses: may have one address only`]);
  const both = { ...three, extra_source_addresses: [{ address: at("::1") }] };
  assert.equal(read(both).refused[0], `${path}.additional_source_addresses: is set beside extra_source_addresses, which takes its place`);
  assert.deepEqual(read({ source_address: { address: "x", port_value: 1 } }).refused, [
    `${path}.source_address.port_value: must be 0`,
    `${path}.source_address.address: "x" is not an IP address`,
  ]);
  assert.deepEqual(read({ socket_options: [option(1, "STATE_BOUND")] }).refused, [
    `${path}.socket_options[0].state: only STATE_PREBIND has an effect on upstream connections`,
  ]);
  assert.deepEqual(read({ local_address_selector: selector(RawBufferSchema.typeName) }).refused, [
    `${path}.local_address_selector.typed_config: ${RawBufferSchema.typeName} is not known to this proxy`,
  ]);
});
