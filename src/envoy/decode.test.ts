import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, ScalarType, toBinary } from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonObject, Message } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { MetadataSchema, NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { DeltaDiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { decodeMessage } from "./decode.ts";

const SCHEMAS: readonly DescMessage[] = [
  RouteConfigurationSchema,
  ClusterSchema,
  ListenerSchema,
  ClusterLoadAssignmentSchema,
  HttpConnectionManagerSchema,
  DeltaDiscoveryResponseSchema,
  NodeSchema,
  MetadataSchema,
  StructSchema,
];

type Choose = (below: number) => number;

function scalar(type: ScalarType, choose: Choose): unknown {
  switch (type) {
    case ScalarType.STRING:
      return ["", "a", "ü€", "outbound|80||a.b"][choose(4)];
    case ScalarType.BOOL:
      return choose(2) === 1;
    case ScalarType.BYTES:
      return Uint8Array.from({ length: choose(4) }, () => choose(256));
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return [0, 0.5, -2, 1024][choose(4)];
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return [0, 1, -1, 2_147_483_647, -2_147_483_648][choose(5)];
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return [0, 1, 300, 4_294_967_295][choose(4)];
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return [0n, 1n, 18_446_744_073_709_551_615n][choose(3)];
    default:
      return [0n, 1n, -1n, 9_223_372_036_854_775_807n][choose(4)];
  }
}

function json(choose: Choose): JsonObject {
  return { text: "t", none: null, flag: choose(2) === 1, list: [1, "two", { three: 3 }], inner: choose(2) === 1 ? { deep: {} } : {} };
}

function messageIn(field: DescField, desc: DescMessage, choose: Choose, depth: number): unknown {
  if (desc.typeName === StructSchema.typeName && field.parent.typeName !== "google.protobuf.Value") return json(choose);
  const value = anything(desc, choose, depth - 1);
  const wrapped = desc.typeName.startsWith("google.protobuf.") && desc.typeName.endsWith("Value") && desc.fields.length === 1;
  if (!wrapped || field.fieldKind !== "message" || field.oneof !== undefined) return value;
  return (value as Message & { readonly value: unknown }).value;
}

function valueOf(field: DescField, choose: Choose, depth: number): unknown {
  const some = <T>(make: () => T): T[] => Array.from({ length: choose(3) }, make);
  switch (field.fieldKind) {
    case "scalar":
      return scalar(field.scalar, choose);
    case "enum":
      return field.enum.values[choose(field.enum.values.length)]?.number;
    case "message":
      return depth === 0 ? undefined : messageIn(field, field.message, choose, depth);
    case "list":
      if (field.listKind === "scalar") return some(() => scalar(field.scalar, choose));
      if (field.listKind === "enum") return some(() => field.enum.values[0]?.number);
      return depth === 0 ? [] : some(() => messageIn(field, field.message, choose, depth));
    case "map":
      if (field.mapKind === "message" && depth === 0) return {};
      return Object.fromEntries(
        some(() => [
          field.mapKey === ScalarType.STRING ? `key${choose(9)}` : choose(9),
          field.mapKind === "message"
            ? messageIn(field, field.message, choose, depth)
            : field.mapKind === "enum"
              ? 0
              : scalar(field.scalar, choose),
        ]),
      );
  }
}

/** A message with some fields set, all the way down. */
function anything(desc: DescMessage, choose: Choose, depth: number): Message {
  const init: Record<string, unknown> = {};
  for (const member of desc.members) {
    if (choose(3) > 0) continue;
    const field = member.kind === "oneof" ? member.fields[choose(member.fields.length)] : member;
    if (field === undefined) continue;
    const value = valueOf(field, choose, depth);
    if (value === undefined) continue;
    init[member.localName] = member.kind === "oneof" ? { case: field.localName, value } : value;
  }
  return create(desc, init);
}

function generator(seed: number): Choose {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function result(read: () => unknown): unknown {
  try {
    return { message: read() };
  } catch {
    return "refused";
  }
}

const seeds = fc.nat({ max: 2 ** 31 });

test("messages of Envoy's API are what the library makes of the same bytes", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SCHEMAS), seeds, (schema, seed) => {
      const bytes = toBinary(schema, anything(schema, generator(seed), 5));
      assert.deepStrictEqual(decodeMessage(schema, bytes), fromBinary(schema, bytes));
    }),
    { numRuns: 600 },
  );
});

test("what stands twice is merged as the library does", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SCHEMAS), seeds, seeds, (schema, one, other) => {
      const bytes = Buffer.concat([one, other].map((seed) => toBinary(schema, anything(schema, generator(seed), 4))));
      assert.deepStrictEqual(decodeMessage(schema, bytes), fromBinary(schema, bytes));
    }),
    { numRuns: 400 },
  );
});

test("bytes that are cut off or changed are refused, or read, where the library does", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SCHEMAS), seeds, fc.nat(), fc.nat(255), (schema, seed, at, byte) => {
      const bytes = Uint8Array.from(toBinary(schema, anything(schema, generator(seed), 3)));
      if (bytes.length === 0) return;
      const cut = bytes.subarray(0, at % bytes.length);
      assert.deepStrictEqual(
        result(() => decodeMessage(schema, cut)),
        result(() => fromBinary(schema, cut)),
      );
      bytes[(at * 7) % bytes.length] = byte;
      assert.deepStrictEqual(
        result(() => decodeMessage(schema, bytes)),
        result(() => fromBinary(schema, bytes)),
      );
    }),
    { numRuns: 400 },
  );
});

test("a message may be a hundred levels deep, and no deeper", () => {
  let bytes: Uint8Array = new Uint8Array(0);
  // A Value in a ListValue in a Value ...: two levels each.
  const wrap = (field: number, inner: Uint8Array): Uint8Array => {
    const length: number[] = [];
    let rest = inner.length;
    for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
    return Buffer.concat([Uint8Array.from([(field << 3) | 2, ...length, rest]), inner]);
  };
  const deep = (levels: number): Uint8Array => {
    bytes = new Uint8Array(0);
    for (let i = 0; i < levels; i++) bytes = wrap(1, wrap(6, bytes));
    return wrap(1, Buffer.concat([wrap(1, Buffer.from("k")), wrap(2, wrap(6, bytes))]));
  };
  for (const levels of [10, 40, 48, 49, 50, 60])
    assert.deepStrictEqual(
      result(() => decodeMessage(StructSchema, deep(levels))),
      result(() => fromBinary(StructSchema, deep(levels))),
      `${levels}`,
    );
});
