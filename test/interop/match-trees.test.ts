// Matcher trees of filter chains and of network RBAC in a real Envoy and in our proxy, from one bootstrap: which chain takes a connection,
// and who is let in.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { freePort } from "../harness/free-port.ts";
import { call } from "../harness/mesh.ts";
import { KINDS, startStandalone } from "./standalone.ts";
import type { ProxyKind } from "./standalone.ts";
import { TcpClient } from "./tcp-client.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-match-trees-"));
after(() => rmSync(folder, { recursive: true }));

const extension = (type: string, config: JsonObject = {}): JsonObject => ({
  name: type,
  typedConfig: { "@type": `type.googleapis.com/${type}`, ...config },
});
const input = (name: string, family = "network"): JsonObject => extension(`envoy.extensions.matching.common_inputs.${family}.v3.${name}`);
const to = (value: string): JsonObject => ({ action: extension("google.protobuf.StringValue", { value }) });
const network = (name: string, config: JsonObject): JsonObject => extension(`envoy.extensions.filters.network.${name}`, config);
const says = (inlineString: string): JsonObject => network("direct_response.v3.Config", { response: { inlineString } });
const branch = (predicate: JsonObject, onMatch: JsonObject): JsonObject => ({ predicate, onMatch });
const single = (name: string, valueMatch: JsonObject): JsonObject => ({ singlePredicate: { input: input(name), valueMatch } });
const list = (...matchers: JsonObject[]): JsonObject => ({ matcherList: { matchers } });
const range = (addressPrefix: string, prefixLen: number): JsonObject => ({ addressPrefix, prefixLen });
const deeper = { matcher: list(branch(single("TransportProtocolInput", { exact: "tls" }), to("a"))) };
const ranges = (exclusive: boolean): JsonObject => ({
  matcherTree: {
    input: input("SourceIPInput"),
    customMatch: extension("xds.type.matcher.v3.IPMatcher", {
      rangeMatchers: [
        { ranges: [range("127.0.0.0", 8)], onMatch: to("a"), exclusive },
        { ranges: [range("127.0.0.1", 32)], onMatch: deeper },
      ],
    }),
  },
});
const map = (name: string, kind: "exactMatchMap" | "prefixMatchMap", entries: JsonObject): JsonObject => ({
  matcherTree: { input: input(name), [kind]: { map: entries } },
});

const TREES: readonly JsonObject[] = [
  list(branch(single("SourceIPInput", { prefix: "127." }), deeper), branch(single("SourceTypeInput", { exact: "local" }), to("b"))),
  list(
    branch({ notMatcher: single("ServerNameInput", { exact: "a.example" }) }, to("a")),
    branch(single("ServerNameInput", { suffix: "x" }), to("b")),
  ),
  list(
    branch(
      { andMatcher: { predicate: [single("SourceTypeInput", { exact: "local" }), single("TransportProtocolInput", { contains: "raw" })] } },
      to("b"),
    ),
  ),
  map("SourceIPInput", "exactMatchMap", { "127.0.0.1": deeper }),
  { ...map("SourceIPInput", "exactMatchMap", { "127.0.0.1": deeper }), onNoMatch: to("b") },
  map("DestinationIPInput", "prefixMatchMap", { "127.": to("a"), "127.0.0": deeper }),
  map("ApplicationProtocolInput", "exactMatchMap", { "'http/1.1'": to("a") }),
  map("DirectSourceIPInput", "exactMatchMap", { "127.0.0.1": to("nobody") }),
  ranges(false),
  ranges(true),
  {},
];

const action = (name: string): JsonObject => ({ action: extension("envoy.config.rbac.v3.Action", { name: "p", action: name }) });
const RBAC: readonly JsonObject[] = [
  { matcherTree: { input: input("SourceIPInput"), exactMatchMap: { map: { "127.0.0.1": action("ALLOW") } } } },
  { matcherTree: { input: input("SourceIPInput"), exactMatchMap: { map: { "127.0.0.1": action("DENY") } } }, onNoMatch: action("ALLOW") },
  { matcherTree: { input: input("SubjectInput", "ssl"), exactMatchMap: { map: { x: action("ALLOW") } } } },
  { matcherTree: { input: input("UriSanInput", "ssl"), exactMatchMap: { map: { x: action("DENY") } } }, onNoMatch: action("LOG") },
];

function listeners(ports: readonly number[]): JsonObject[] {
  const address = (index: number): JsonObject => ({ socketAddress: { address: "127.0.0.1", portValue: ports[index] ?? 0 } });
  return [
    ...TREES.map((filterChainMatcher, index) => ({
      name: `tree${index}`,
      statPrefix: `tree${index}`,
      address: address(index),
      listenerFilters: [extension("envoy.extensions.filters.listener.http_inspector.v3.HttpInspector")],
      filterChains: ["a", "b"].map((name) => ({ name, filters: [says(name)] })),
      defaultFilterChain: { name: "default", filters: [says("default")] },
      filterChainMatcher,
    })),
    ...RBAC.map((matcher, index) => ({
      name: `rbac${index}`,
      address: address(TREES.length + index),
      filterChains: [
        {
          filters: [
            network("rbac.v3.RBAC", { statPrefix: `p${index}`, matcher, shadowMatcher: matcher }),
            extension("envoy.extensions.filters.network.echo.v3.Echo"),
          ],
        },
      ],
    })),
  ];
}

async function outcomeOf(kind: ProxyKind): Promise<readonly string[]> {
  const [adminPort = 0, ...ports] = await Promise.all([0, ...TREES, ...RBAC].map(() => freePort()));
  const bootstrap = join(folder, `${kind}.json`);
  const admin = { address: { socketAddress: { address: "127.0.0.1", portValue: adminPort } } };
  writeFileSync(bootstrap, JSON.stringify({ admin, staticResources: { listeners: listeners(ports) } }));
  const proxy = await startStandalone(kind, bootstrap, adminPort);
  try {
    const answers: string[] = [];
    for (const [index, port] of ports.entries()) {
      const client = new TcpClient(port);
      client.say("GET / HTTP/1.1\r\n\r\n");
      await client.hears("an answer", (got) => got !== "");
      await client.end();
      answers.push(`${index} ${client.got.trim()}`);
    }
    const { body } = await call(`http://127.0.0.1:${adminPort}/stats?filter=rbac|no_filter_chain_match`);
    return [
      ...answers,
      ...body
        .split("\n")
        .filter((line) => !line.startsWith("listener.admin") && !line.endsWith(": 0"))
        .toSorted(),
    ];
  } finally {
    await proxy.stop();
  }
}

test("matcher trees lead where Envoy's do", async () => {
  const [envoy, ours] = [await outcomeOf(KINDS[0] ?? "envoy"), await outcomeOf(KINDS[1] ?? "mizzen")];
  assert.ok(new Set(envoy.map((line) => line.split(" ")[1])).size > 4, envoy.join("\n"));
  assert.deepEqual(ours, envoy);
});
