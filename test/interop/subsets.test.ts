// Subsets of hosts by metadata through a real Envoy and through our proxy: which hosts answer for which metadata, with each fallback, and
// what is counted must be the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import { call } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";

const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const HOSTS: readonly JsonObject[] = [
  { version: "1", stage: "prod" },
  { version: "2", stage: "prod" },
  { version: "2", stage: "dev" },
  { version: ["3", "4"], stage: "dev" },
  {},
];
const WANTED: readonly JsonObject[] = [
  {},
  { version: "1" },
  { version: "2" },
  { version: "4" },
  { version: "9" },
  { stage: "dev" },
  { version: "2", stage: "dev" },
  { version: "2", stage: "x" },
  { version: "9", stage: "x" },
  { fallback_list: [{ version: "9" }, { version: "2", stage: "dev" }] },
];
const KEYS: JsonObject[] = [{ keys: ["version"] }, { keys: ["stage", "version"] }];

const SCENARIOS: readonly (readonly [what: string, config: JsonObject])[] = [
  ["no fallback", { subsetSelectors: KEYS }],
  ["any endpoint", { subsetSelectors: KEYS, fallbackPolicy: "ANY_ENDPOINT" }],
  ["a default subset", { subsetSelectors: KEYS, fallbackPolicy: "DEFAULT_SUBSET", defaultSubset: { stage: "prod" } }],
  [
    "a default subset that is empty, then any",
    { subsetSelectors: KEYS, fallbackPolicy: "DEFAULT_SUBSET", defaultSubset: { stage: "x" }, panicModeAny: true },
  ],
  ["lists, and a list of metadata", { subsetSelectors: KEYS, listAsAny: true, metadataFallbackPolicy: "FALLBACK_LIST" }],
  [
    "fallbacks of selectors",
    {
      fallbackPolicy: "ANY_ENDPOINT",
      subsetSelectors: [
        { keys: ["version"], fallbackPolicy: "NO_FALLBACK" },
        { keys: ["stage", "version"], fallbackPolicy: "KEYS_SUBSET", fallbackKeysSubset: ["version"] },
      ],
    },
  ],
];

async function measure(kind: "envoy" | "mizzen", lbSubsetConfig: JsonObject): Promise<unknown> {
  const backends = await Promise.all(HOSTS.map((_, at) => startRecordingBackend(() => `HTTP/1.1 200 x\r\ncontent-length: 1\r\n\r\n${at}`)));
  const lbEndpoints = backends.map(({ port }, at) => ({
    endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: port } } },
    metadata: { filterMetadata: { "envoy.lb": HOSTS[at]! } },
  }));
  const routes = [
    ...WANTED.map((wanted, at) => ({
      match: { path: `/${at}` },
      route: { cluster: CLUSTER, metadataMatch: { filterMetadata: { "envoy.lb": wanted } } },
    })),
    {
      match: { path: "/weighted" },
      route: {
        metadataMatch: { filterMetadata: { "envoy.lb": { version: "2" } } },
        weightedClusters: { clusters: [{ name: CLUSTER, weight: 1, metadataMatch: { filterMetadata: { "envoy.lb": { stage: "dev" } } } }] },
      },
    },
    { match: { prefix: "/" }, route: { cluster: CLUSTER } },
  ];
  const cluster = { lbSubsetConfig, commonLbConfig: { healthyPanicThreshold: {} } };
  const proxy = await startLoneProxy(kind, { backendPort: backends[0]!.port, cluster, routes, endpoints: [{ lbEndpoints }] });
  try {
    const seen: [string, string][] = [];
    for (const path of [...WANTED.keys(), "weighted", "none"]) {
      const answers = new Set<string>();
      for (let i = 0; i < 12; i++) {
        const { status, body } = await call(`http://127.0.0.1:${proxy.port}/${path}`);
        answers.add(status === 200 ? body : String(status));
      }
      seen.push([String(path), [...answers].sort().join(" ")]);
    }
    const stats = await proxy.stats(/^cluster\.outbound.*\.(lb_subsets|upstream_cx_none_healthy)/);
    // Envoy's main thread has subsets of its own, which no request asks for.
    const once = (name: string, value: number): number => (kind === "envoy" && /_(active|created)$/.test(name) ? value / 2 : value);
    return { seen, stats: Object.fromEntries([...stats].map(([name, value]) => [name.replace(/^.*local\./, ""), once(name, value)])) };
  } finally {
    await proxy.stop();
    for (const backend of backends) await backend.close();
  }
}

for (const [what, config] of SCENARIOS) {
  test(`chooses among subsets as Envoy does: ${what}`, async () => {
    const [envoy, ours] = await Promise.all([measure("envoy", config), measure("mizzen", config)]);
    assert.deepEqual(ours, envoy);
  });
}
