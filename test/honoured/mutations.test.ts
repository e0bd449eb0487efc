// Every honoured field acts: when it changes, what is compiled changes.
import assert from "node:assert/strict";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { after, test } from "node:test";
import { HONOURED_FIELDS } from "#proxy/honoured/table";
import type { FieldRow } from "#proxy/honoured/rows";
import { BASES, messageNamed } from "./bases.ts";
import { Mutations } from "./mutations.ts";

/** Fields that decide whether something else is refused, and nothing beyond that. */
const DECIDE_ACCEPTANCE: ReadonlySet<string> = new Set([
  // Of a filter that is not there.
  "envoy.config.route.v3.FilterConfig.is_optional",
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter.is_optional",
  // Of a direct response's body.
  "envoy.config.route.v3.RouteConfiguration.max_direct_response_body_size_bytes",
]);

/** The one member that is served of a oneof that must be set: it comes and goes with the field that holds its message. */
const ONLY_CHOICE: ReadonlyMap<string, readonly [type: string, field: string]> = new Map([
  ["envoy.type.v3.HashPolicy.source_ip", ["envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "hash_policy"]],
]);

const mutations = new Mutations(BASES);
after(() => mutations[Symbol.dispose]());

function* rowsOf(kind: FieldRow["kind"]): Generator<readonly [type: string, field: string]> {
  for (const [type, rows] of HONOURED_FIELDS) for (const [field, row] of rows) if (row.kind === kind) yield [type, field];
}

function fieldOf(type: string, name: string): [DescMessage, DescField] {
  const desc = messageNamed(type);
  const field = desc.fields.find((one) => one.name === name);
  assert.ok(field !== undefined, `${type}.${name}`);
  return [desc, field];
}

function matters(type: string, name: string): boolean {
  return mutations.matters(...fieldOf(type, name));
}

test("every configuration to start from is accepted, and compiled twice it is the same", () => {
  for (const { kind, json } of BASES) {
    const outcome = mutations.outcome(kind, json);
    assert.ok(typeof outcome !== "string", JSON.stringify(json));
    assert.ok("fingerprint" in outcome, "refused" in outcome ? outcome.refused.message : "");
    assert.deepEqual(mutations.outcome(kind, json), outcome, JSON.stringify(json));
  }
});

test("every honoured field makes a difference to what is compiled", () => {
  const withoutEffect: string[] = [];
  for (const [type, name] of rowsOf("honoured")) {
    const field = `${type}.${name}`;
    const only = ONLY_CHOICE.get(field);
    const acts =
      only !== undefined
        ? matters(...only)
        : DECIDE_ACCEPTANCE.has(field)
          ? mutations.decidesAcceptance(...fieldOf(type, name))
          : matters(type, name);
    if (!acts) withoutEffect.push(field);
  }
  assert.deepEqual(withoutEffect, []);
});

test("a field that nothing was made of is found out", () => {
  for (const [type, name] of rowsOf("harmless")) {
    if (mutations.instancesOf(type).length === 0) continue;
    assert.equal(mutations.matters(...fieldOf(type, name), 5), false, `${type}.${name} is listed as harmless and acts`);
  }
});
