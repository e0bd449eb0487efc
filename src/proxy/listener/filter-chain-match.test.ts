import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  FilterChainMatchSchema,
  FilterChainMatch_ConnectionSourceType as SourceType,
} from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { compileChainMatch, matchChain } from "./filter-chain-match.ts";
import type { ChainInput } from "./filter-chain-match.ts";

type Init = MessageInitShape<typeof FilterChainMatchSchema>;

function match(chains: readonly Init[], input: Partial<ChainInput>): number | undefined {
  const compiled = chains.map((init) =>
    compileChainMatch(create(FilterChainMatchSchema, init), "m", (path, message) => assert.fail(`${path}: ${message}`)),
  );
  return matchChain(compiled, {
    destination: { address: "10.0.0.1", port: 8080 },
    source: { address: "10.9.9.9", port: 4000 },
    ...input,
  });
}

const range = (addressPrefix: string, prefixLen: number): { addressPrefix: string; prefixLen: number } => ({ addressPrefix, prefixLen });

test("the most specific chain takes the connection, in Envoy's order of criteria", () => {
  assert.equal(match([{}], {}), 0);
  assert.equal(match([{}, { destinationPort: 8080 }], {}), 1);
  assert.equal(match([{ destinationPort: 9 }, {}], {}), 1);
  assert.equal(match([{ destinationPort: 9 }], {}), undefined);
  assert.equal(match([{ prefixRanges: [range("10.0.0.0", 8)] }, { prefixRanges: [range("10.0.0.0", 24)] }], {}), 1);
  assert.equal(match([{ prefixRanges: [range("0.0.0.0", 0)] }, {}], {}), 0);
  assert.equal(match([{ transportProtocol: "raw_buffer" }, {}], {}), 0);
  assert.equal(match([{ sourcePrefixRanges: [range("10.9.0.0", 16)] }, {}], {}), 0);
  assert.equal(match([{ sourcePorts: [1, 4000] }, {}], {}), 0);
  assert.equal(match([{ directSourcePrefixRanges: [range("10.8.0.0", 16)] }, {}], {}), 1);
});

test("a step that has chosen never falls back to what is less specific", () => {
  assert.equal(match([{ destinationPort: 8080, sourcePorts: [1] }, {}], {}), undefined);
});

test("a source is local by loopback or by being the destination's own address", () => {
  const local = { sourceType: SourceType.SAME_IP_OR_LOOPBACK };
  const external = { sourceType: SourceType.EXTERNAL };
  assert.equal(match([local, external], { source: { address: "127.0.0.1", port: 1 } }), 0);
  assert.equal(match([local, external], { source: { address: "10.0.0.1", port: 1 } }), 0);
  assert.equal(match([local, external], {}), 1);
});

test("what needs tls or protocol detection is refused by name", () => {
  const problems: string[] = [];
  compileChainMatch(
    create(FilterChainMatchSchema, {
      serverNames: ["a"],
      applicationProtocols: ["h2c"],
      transportProtocol: "tls",
      prefixRanges: [range("x", 8)],
    }),
    "filter_chains[0].filter_chain_match",
    (path, message) => problems.push(`${path}: ${message}`),
  );
  assert.deepEqual(problems, [
    "filter_chains[0].filter_chain_match.server_names: tls is not served yet",
    "filter_chains[0].filter_chain_match.application_protocols: protocol detection is not served yet",
    'filter_chains[0].filter_chain_match.transport_protocol: "tls" is not served yet',
    'filter_chains[0].filter_chain_match.prefix_ranges[0]: "x" is not an IP address',
  ]);
});
