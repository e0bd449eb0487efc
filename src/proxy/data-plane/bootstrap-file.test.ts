import assert from "node:assert/strict";
import { test } from "node:test";
import { EchoSchema } from "#envoy/gen/envoy/extensions/filters/network/echo/v3/echo_pb";
import { ConfigError } from "#proxy/config-error";
import { bootstrapOfText, withPlaces } from "./bootstrap-file.ts";
import { parseBootstrap } from "./bootstrap.ts";

const cluster = (more: string): string => `static_resources:
  clusters:
  - name: a
    connect_timeout: 1s
    load_assignment:
      cluster_name: a
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 1 } } } }] }]
${more}`;

function problems(text: string): string {
  try {
    bootstrapOfText([{ name: "envoy.yaml", text }], {});
    return "";
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
}

test("texts are merged, the flags' names of the node win", () => {
  const json = bootstrapOfText(
    [
      { name: "envoy.yaml", text: `node: { id: file, cluster: c }\n${cluster("")}` },
      { name: "--config-yaml", text: "node: { cluster: other }\n" },
    ],
    { id: "flag" },
  );
  const { node, staticResources } = parseBootstrap(json);
  assert.deepEqual([node.id, node.cluster], ["flag", "other"]);
  assert.equal(staticResources.clusters.length, 1);
});

test("what a static resource asks for and does not get is named with file, line and field", () => {
  assert.equal(
    problems(cluster("    upstream_config: { name: x }\n")),
    "Bootstrap: envoy.yaml:8:5: static_resources.clusters[0].upstream_config: not served by this proxy",
  );
});

test("what the bootstrap itself asks for and does not get is named", () => {
  assert.match(problems("overload_manager: {}\n"), /envoy\.yaml:1:1: overload_manager: not served by this proxy/);
  assert.match(
    problems("layered_runtime:\n  layers:\n  - name: l\n    static_layer: { my.key: [3], envoy.reloadable_features.x: true }\n"),
    /envoy\.yaml:4:21: layered_runtime\.layers\[0\]\.static_layer\["my\.key"\]: is neither a number/,
  );
  assert.match(problems("dynamic_resources: { lds_config: { ads: {} } }\n"), /ads_config: must be set/);
});

test("static resources that take a name or an address of one before them are named", () => {
  const listener = (name: string, port: number): string => `
  - name: ${name}
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains: [{ filters: [{ name: e, typed_config: { "@type": type.googleapis.com/${EchoSchema.typeName} } }] }]`;
  const found = (...listeners: readonly string[]): string => problems(`static_resources:\n  listeners:${listeners.join("")}\n`);
  assert.match(found(listener("a", 1), listener("a", 2)), /envoy\.yaml:6:5: static_resources\.listeners\[1\]\.name: "a" is there twice$/);
  assert.match(
    found(listener("a", 1), listener("b", 1)),
    /envoy\.yaml:7:5: static_resources\.listeners\[1\]\.address: 127\.0\.0\.1:1 belongs to listener "a"$/,
  );
  assert.equal(found(listener("a", 0), listener("b", 0), listener("c", 1)), "");
  assert.match(problems(cluster("  - name: a\n")), /static_resources\.clusters\[1\]\.name: "a" is there twice$/);
});

test("statistics that the matcher leaves out are not shown", () => {
  const matcher = (text: string): ((name: string) => boolean) | undefined =>
    parseBootstrap(bootstrapOfText([{ name: "b", text }], {})).keepsStat;
  assert.equal(matcher("{}"), undefined);
  const only = matcher("stats_config: { stats_matcher: { inclusion_list: { patterns: [{ prefix: http. }] } } }");
  assert.deepEqual([only?.("http.a"), only?.("cluster.a")], [true, false]);
  const without = matcher("stats_config: { stats_matcher: { exclusion_list: { patterns: [{ prefix: http. }] } } }");
  assert.deepEqual([without?.("http.a"), without?.("cluster.a")], [false, true]);
  assert.equal(matcher("stats_config: { stats_matcher: { reject_all: true } }")?.("http.a"), false);
});

test("what shows up only when the bootstrap is put into effect has its place, too", () => {
  const error = new ConfigError("Bootstrap", [{ path: "static_resources.clusters[0].name", message: "taken" }]);
  assert.equal(
    withPlaces(error, [{ name: "envoy.yaml", text: cluster("") }]).message,
    "Bootstrap: envoy.yaml:3:5: static_resources.clusters[0].name: taken",
  );
});
