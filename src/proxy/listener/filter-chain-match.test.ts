import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  FilterChainMatchSchema,
  FilterChainMatch_ConnectionSourceType as SourceType,
} from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { compileFilterChainMatches } from "./filter-chain-match.ts";
import type { ChainInput } from "./filter-chain-match.ts";

type Init = MessageInitShape<typeof FilterChainMatchSchema>;

function match(chains: readonly Init[], input: Partial<ChainInput>): number | undefined {
  const matcher = compileFilterChainMatches(
    chains.map((init) => create(FilterChainMatchSchema, init)),
    (path, message) => assert.fail(`${path}: ${message}`),
  );
  const source = input.source ?? { address: "10.9.9.9", port: 4000 };
  return matcher({
    destination: { address: "10.0.0.1", port: 8080 },
    directSource: source,
    serverName: "",
    transportProtocol: "raw_buffer",
    applicationProtocols: [],
    ...input,
    source,
  });
}

function problems(chains: readonly Init[]): string[] {
  const found: string[] = [];
  compileFilterChainMatches(
    chains.map((init) => create(FilterChainMatchSchema, init)),
    (path, message) => found.push(`${path}: ${message}`),
  );
  return found;
}

const range = (addressPrefix: string, prefixLen: number): { addressPrefix: string; prefixLen: number } => ({ addressPrefix, prefixLen });

test("a chain without criteria takes everything, no chain takes nothing", () => {
  assert.equal(match([{}], {}), 0);
  assert.equal(match([], {}), undefined);
  assert.equal(compileFilterChainMatches([undefined], () => {})({} as ChainInput), 0);
});

test("a port that a chain names is lost to the chains that name none", () => {
  assert.equal(match([{}, { destinationPort: 8080 }], {}), 1);
  assert.equal(match([{ destinationPort: 9 }, {}], {}), 1);
  assert.equal(match([{ destinationPort: 9 }], {}), undefined);
  assert.equal(match([{ destinationPort: 8080, transportProtocol: "tls" }, {}], {}), undefined);
});

test("the longest destination range wins, written in any form", () => {
  const ranges = [{ prefixRanges: [range("10.0.0.0", 8)] }, { prefixRanges: [range("10.0.0.77", 24)] }, {}];
  assert.equal(match(ranges, {}), 1);
  assert.equal(match(ranges, { destination: { address: "10.1.0.1", port: 1 } }), 0);
  assert.equal(match(ranges, { destination: { address: "11.1.0.1", port: 1 } }), 2);
  assert.equal(match([...ranges, { prefixRanges: [range("10.0.0.1", 32)] }], {}), 3);
  const six = [{ prefixRanges: [range("2001:db8::", 32)] }, { prefixRanges: [range("2001:db8::1", 128)] }];
  assert.equal(match(six, { destination: { address: "2001:db8::1", port: 1 } }), 1);
  assert.equal(match(six, { destination: { address: "2001:db8::2", port: 1 } }), 0);
  assert.equal(match(six, {}), undefined);
});

test("server names match exactly, then by wildcard from the longest, then not at all, without case", () => {
  const chains = [
    { serverNames: ["www.example.com", "API.example.com"] },
    { serverNames: ["*.example.com"] },
    { serverNames: ["*.com"] },
    {},
  ];
  const by = (serverName: string): number | undefined => match(chains, { serverName });
  assert.equal(by("www.example.com"), 0);
  assert.equal(by("Api.Example.COM"), 0);
  assert.equal(by("other.example.com"), 1);
  assert.equal(by("a.b.example.com"), 1);
  assert.equal(by("example.com"), 2);
  assert.equal(by("com"), 3);
  assert.equal(by(""), 3);
  assert.equal(match([{ serverNames: ["a.b"] }], { serverName: "" }), undefined);
});

test("transport and application protocols: what was found, else what asks for none", () => {
  const chains = [
    { transportProtocol: "tls", applicationProtocols: ["istio", "istio-peer-exchange"] },
    { transportProtocol: "tls" },
    { transportProtocol: "raw_buffer", applicationProtocols: ["http/1.1", "h2c"] },
    { transportProtocol: "raw_buffer" },
  ];
  const tls = (...applicationProtocols: string[]): number | undefined => match(chains, { transportProtocol: "tls", applicationProtocols });
  assert.equal(tls("h2", "istio"), 0);
  assert.equal(tls("h2"), 1);
  assert.equal(tls(), 1);
  assert.equal(match(chains, { applicationProtocols: ["h2c"] }), 2);
  assert.equal(match(chains, {}), 3);
  assert.equal(match(chains, { transportProtocol: "" }), undefined);
  assert.equal(match([{ applicationProtocols: ["b"] }, { applicationProtocols: ["a"] }], { applicationProtocols: ["a", "b"] }), 1);
});

test("sources match by the peer of the socket, by kind, by the client's address, and by port", () => {
  const client = { address: "10.9.9.9", port: 4000 };
  const proxied = { source: client, directSource: { address: "10.8.0.1", port: 7 } };
  assert.equal(match([{ directSourcePrefixRanges: [range("10.8.0.0", 16)] }, {}], proxied), 0);
  assert.equal(match([{ directSourcePrefixRanges: [range("10.8.0.0", 16)] }, {}], {}), 1);
  assert.equal(match([{ sourcePrefixRanges: [range("10.9.0.0", 16)] }, {}], proxied), 0);
  assert.equal(match([{ sourcePorts: [1, 4000] }, {}], {}), 0);
  assert.equal(match([{ sourcePorts: [1] }, {}], {}), 1);
  const local = { sourceType: SourceType.SAME_IP_OR_LOOPBACK };
  const external = { sourceType: SourceType.EXTERNAL };
  assert.equal(match([local, external, {}], { source: { address: "127.0.0.1", port: 1 } }), 0);
  assert.equal(match([local, external, {}], { source: { address: "10.0.0.1", port: 1 } }), 0);
  assert.equal(match([local, external, {}], {}), 1);
  assert.equal(match([local, {}], {}), 1);
});

test("a step that has chosen never comes back to what is less specific", () => {
  assert.equal(match([{ serverNames: ["a.b"], transportProtocol: "tls" }, { serverNames: ["*.b"] }, {}], { serverName: "a.b" }), undefined);
  assert.equal(match([{ applicationProtocols: ["h2"], sourcePorts: [1] }, {}], { applicationProtocols: ["h2"] }), undefined);
});

test("chains that overlap are refused as in Envoy, however they are written", () => {
  const taken = "takes the same connections as filter_chains[0]";
  const at = "filter_chains[1].filter_chain_match";
  assert.deepEqual(problems([{}, {}]), [`${at}: ${taken}`]);
  assert.deepEqual(problems([{ serverNames: ["a", "b"] }, { serverNames: ["B", "c"] }]), [`${at}: ${taken}`]);
  assert.deepEqual(problems([{ prefixRanges: [range("10.0.0.0", 8)] }, { prefixRanges: [range("10.1.2.3", 8)] }]), [`${at}: ${taken}`]);
  assert.deepEqual(problems([{ sourcePorts: [1, 2] }, { sourcePorts: [2] }]), [`${at}: ${taken}`]);
  assert.deepEqual(problems([{ serverNames: ["a"] }, { serverNames: ["*.a"] }, { transportProtocol: "tls" }, { destinationPort: 1 }]), []);
});

test("what cannot be matched is refused with its path", () => {
  const chain = {
    serverNames: ["a*", "*.b.*", "*"],
    prefixRanges: [range("x", 8), range("10.0.0.0", 33)],
    destinationPort: 65_536,
    sourcePorts: [1, 0],
  };
  assert.deepEqual(
    problems([chain]).map((text) => text.replace("filter_chains[0].filter_chain_match.", "").split(":")[0]),
    [
      "destination_port",
      "source_ports[1]",
      "server_names[0]",
      "server_names[1]",
      "server_names[2]",
      "prefix_ranges[0]",
      "prefix_ranges[1]",
    ],
  );
});

test("who comes through a pipe is on this machine", () => {
  const pipe = { address: "/run/x", port: 0 };
  const chains: Init[] = [{ sourceType: SourceType.EXTERNAL }, { sourceType: SourceType.SAME_IP_OR_LOOPBACK }];
  assert.equal(match(chains, { source: pipe, destination: { address: "10.0.0.1", port: 80 } }), 1);
});
