import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { configRegistry } from "#envoy/config-registry";
import { ConfigError } from "./config-error.ts";
import { MessageText } from "./message-text.ts";

function problems(text: string): string[] {
  try {
    new MessageText("c.yaml", text).read(ClusterSchema, configRegistry);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.violations.map(({ path, message }) => `${path}: ${message}`);
  }
}

test("a message is read from YAML and from JSON, with proto names and JSON names", () => {
  for (const text of ["name: a\nconnect_timeout: 1s\n", '{"name": "a", "connectTimeout": "1s"}']) {
    const cluster = new MessageText("c.yaml", text).read(ClusterSchema, configRegistry);
    assert.equal(cluster.name, "a");
    assert.equal(cluster.connectTimeout?.seconds, 1n);
  }
});

test("everything that is wrong is named at once, with its line and its field", () => {
  const text = `name: a
conect_timeout: 1s
type: STATICK
load_assignment:
  endpoints:
  - lb_endpoints:
    - endpoint: { address: { socket_address: { port_value: high, port: 1 } } }
typed_extension_protocol_options:
  x.y: { "@type": type.googleapis.com/no.such.Type }
`;
  const found = problems(text);
  assert.match(found[0] ?? "", /^c\.yaml:2:1: conect_timeout: no such field in envoy\.config\.cluster\.v3\.Cluster$/);
  assert.match(found[1] ?? "", /^c\.yaml:3:1: type: .*STATICK/);
  const address = "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address";
  assert.ok(found[2]?.startsWith(`c.yaml:7:48: ${address}.port_value: `), String(found[2]));
  assert.ok(found[3]?.startsWith(`c.yaml:7:66: ${address}.port: no such field`), String(found[3]));
  assert.equal(found[4], 'c.yaml:9:3: typed_extension_protocol_options["x.y"]: type no.such.Type is not known to this proxy');
  assert.equal(found.length, 5);
});

test("two fields of which one alone may be set, and text that is no YAML, are named with their line", () => {
  assert.deepEqual(problems("name: a\ntype: EDS\ncluster_type: { name: x }\n"), ["c.yaml:3:1: cluster_type: cannot be set beside type"]);
  assert.match(problems("name: [a\n")[0] ?? "", /^c\.yaml:\d+:\d+: /);
  assert.match(problems("- a\n")[0] ?? "", /must be a Cluster/);
});

test("the place of a path is that of the deepest field that was written", () => {
  const text = new MessageText("c.yaml", "static_resources:\n  clusters:\n  - name: a\n  - name: b\n");
  assert.equal(text.place("static_resources.clusters[1].name"), "c.yaml:4:5");
  assert.equal(text.place("staticResources.clusters[1].type"), "c.yaml:4:5");
  assert.equal(text.place("admin.address"), "c.yaml:1:1");
});
