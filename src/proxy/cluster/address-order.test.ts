import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { UpstreamConnectionOptions_HappyEyeballsConfigSchema as Schema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { UpstreamConnectionOptions_FirstAddressFamilyVersion as FirstFamily } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { inOrder, readAddressOrder } from "./address-order.ts";

function order(config: MessageInitShape<typeof Schema> | undefined, ...addresses: string[]): string {
  const read = readAddressOrder(config === undefined ? undefined : create(Schema, config), assert.fail);
  const sorted = inOrder(
    addresses.map((address) => ({ address, port: 1 })),
    read,
  );
  return sorted.map(({ address }) => address).join(" ");
}

test("families take turns, beginning with that of the first address", () => {
  assert.equal(order(undefined, "1.1.1.1", "1.1.1.2", "::1", "::2", "::3"), "1.1.1.1 ::1 1.1.1.2 ::2 ::3");
  assert.equal(order({}, "::1", "::2", "1.1.1.1"), "::1 1.1.1.1 ::2");
});

test("first_address_family_version begins, with first_address_family_count before each one of the other", () => {
  const { V4, V6 } = FirstFamily;
  assert.equal(order({ firstAddressFamilyVersion: V6 }, "1.1.1.1", "1.1.1.2", "::1"), "::1 1.1.1.1 1.1.1.2");
  assert.equal(order({ firstAddressFamilyVersion: V4 }, "::1", "::2"), "::1 ::2");
  assert.equal(
    order({ firstAddressFamilyVersion: V6, firstAddressFamilyCount: 2 }, "1.1.1.1", "::1", "1.1.1.2", "::2", "::3"),
    "::1 ::2 1.1.1.1 ::3 1.1.1.2",
  );
});

test("a count of 0 is refused", () => {
  const refused: string[] = [];
  readAddressOrder(create(Schema, { firstAddressFamilyCount: 0 }), (path, message) => void refused.push(`${path}: ${message}`));
  assert.deepEqual(refused, ["upstream_connection_options.happy_eyeballs_config.first_address_family_count: must be at least 1"]);
});
