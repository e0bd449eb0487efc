import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  FilterChainSchema,
  type FilterChain,
  type ListenerFilterChainMatchPredicate as Predicate,
} from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { inspectors } from "./listener-filters.ts";

function chain(destinationPort: number, transportProtocol: string, applicationProtocols: string[] = []): FilterChain {
  const port = destinationPort === 0 ? {} : { destinationPort };
  return create(FilterChainSchema, { filterChainMatch: { ...port, transportProtocol, applicationProtocols } });
}

function off(predicate: Predicate | undefined): string {
  const { rule } = predicate ?? { rule: { case: undefined } };
  switch (rule.case) {
    case "destinationPortRange":
      return rule.value.end === rule.value.start + 1 ? String(rule.value.start) : assert.fail("more than one port");
    case "orMatch":
      return rule.value.rules.map(off).join("|");
    case "notMatch":
      return `!(${off(rule.value)})`;
    default:
      return "nowhere";
  }
}

function shown(chains: readonly FilterChain[]): readonly string[] {
  return inspectors(chains).map(
    ({ name, filterDisabled }) => `${name.slice("envoy.filters.listener.".length)} off at ${off(filterDisabled)}`,
  );
}

test("inspection is off at ports where no chain asks for it, and TLS comes before HTTP", () => {
  const passThrough = [chain(0, "tls"), chain(0, "raw_buffer", ["http/1.1", "h2c"]), chain(0, "raw_buffer")];
  assert.deepEqual(shown([chain(15_006, ""), ...passThrough]), ["tls_inspector off at 15006", "http_inspector off at 15006"]);
  assert.deepEqual(shown([chain(15_006, ""), ...passThrough, chain(9000, "raw_buffer"), chain(80, "tls")]), [
    "tls_inspector off at 9000|15006",
    "http_inspector off at 80|9000|15006",
  ]);
});

test("where ports without a chain of their own need no TLS inspection, it is on only where a port does", () => {
  assert.deepEqual(shown([chain(0, "raw_buffer"), chain(80, "tls"), chain(81, "raw_buffer")]), ["tls_inspector off at !(80)"]);
  assert.deepEqual(shown([chain(80, "raw_buffer")]), []);
});
