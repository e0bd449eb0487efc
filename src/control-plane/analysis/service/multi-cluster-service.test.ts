import assert from "node:assert/strict";
import test from "node:test";
import { analyzeYaml } from "#control-plane/analysis/testing";

const service = (spec: string, name = "a"): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: b}, spec: ${spec}}`;
const http = "{name: http, port: 80, targetPort: 8080}";

function differences(...specs: readonly string[]): readonly string[] {
  const clusters = Object.fromEntries(specs.map((spec, index) => [`cluster${index + 1}`, service(spec)]));
  const findings = analyzeYaml("", { analyzer: "services.MultiClusterServiceAnalyzer", clusters });
  return findings.map(({ code, object, message }) => `${code} ${object?.namespace}/${object?.name} ${message.replace(/^.*differs /u, "")}`);
}

test("what a Service's clusters do not agree on is named with the clusters", () => {
  const ports = "IST0170 b/a between the clusters cluster1, cluster2: the ports differ";
  assert.deepEqual(differences(`{ports: [${http}]}`, `{ports: [${http}, {name: extra, port: 81}]}`), [ports]);
  assert.deepEqual(differences(`{ports: [${http}]}`, `{ports: [${http.replace("http", "web")}]}`), [ports]);
  assert.deepEqual(differences(`{ports: [${http}]}`, "{ports: [{name: http, port: 80, targetPort: 8080, protocol: UDP}]}"), [ports]);
  assert.deepEqual(differences(`{clusterIP: None, ports: [${http}]}`, `{ports: [${http}]}`), [
    "IST0170 b/a between the clusters cluster1, cluster2: it is headless in one of them",
  ]);
  assert.deepEqual(differences(`{type: LoadBalancer, ports: [${http}]}`, `{type: NodePort, ports: [${http}]}`), [
    "IST0170 b/a between the clusters cluster1, cluster2: the types differ",
  ]);
});

test("the order of ports and defaults do not matter, and a Service of one cluster agrees with itself", () => {
  const other = "{name: other, port: 81}";
  assert.deepEqual(
    differences(`{ports: [${http}, ${other}]}`, `{type: ClusterIP, ports: [${other}, ${http}]}`, `{ports: [${other}, ${http}]}`),
    [],
  );
  assert.deepEqual(differences(`{ports: [${http}]}`), []);
});
