import assert from "node:assert/strict";
import test from "node:test";
import { analyze } from "./analyze.ts";
import { madeObject, type AnalyzedObject } from "./analyzed-object.ts";
import type { Analyzer, Report } from "./analyzer.ts";
import { MESSAGES } from "./messages.ts";
import { meshNetworksObject, seenKinds, workloadPods } from "./mesh-objects.ts";
import { meshNetworksAnalyzer } from "./service/mesh-networks.ts";

const pod = madeObject({ kind: "Pod", namespace: "default", name: "p" }, {});

function analyzer(name: string, run: (report: Report) => void, more: Partial<Analyzer> = {}): Analyzer {
  return { name, description: "", inputs: ["Pod"], analyze: ({ report }) => run(report), ...more };
}

function run(analyzers: readonly Analyzer[], objects: readonly AnalyzedObject[] = [pod], kinds?: ReadonlySet<string>) {
  return analyze({ objects, analyzers, meshConfig: {}, wallMs: 0, seenKinds: kinds });
}

const says = (object: AnalyzedObject, ...fields: readonly string[]): Analyzer =>
  analyzer("says", (report) => {
    for (const field of fields) report(object, MESSAGES.Deprecated, ["it"], { field });
  });

test("a finding is said once, unless it stands at two fields", () => {
  assert.equal(run([says(pod, "spec.a", "spec.a")]).findings.length, 1);
  assert.equal(run([says(pod, "spec.a", "spec.b")]).findings.length, 2);
  const near = analyzer("near", (report) => {
    for (const field of ["spec.a", "spec.b"]) report(pod, MESSAGES.Deprecated, ["it"], { near: field });
  });
  assert.deepEqual(
    run([near]).findings.map(({ field }) => field),
    ["spec.a"],
  );
});

test("errors stand before warnings, and codes in their order", () => {
  const several = analyzer("several", (report) => {
    report(pod, MESSAGES.AlphaAnnotation, ["a"]);
    report(pod, MESSAGES.PodMissingProxy, ["p"]);
    report(pod, MESSAGES.Deprecated, ["it"]);
    report(pod, MESSAGES.ImageAutoWithoutInjectionError, ["Pod", "p"]);
  });
  assert.deepEqual(
    run([several]).findings.map(({ code }) => code),
    ["IST0147", "IST0002", "IST0103", "IST0136"],
  );
});

test("an annotation suppresses findings about its object", () => {
  const suppressing = (codes: string): AnalyzedObject => ({ ...pod, annotations: { "galley.istio.io/analyze-suppress": codes } });
  assert.equal(run([says(suppressing("IST0001,IST0002"), "spec")]).findings.length, 0);
  assert.equal(run([says(suppressing("*"), "spec")]).findings.length, 0);
  assert.equal(run([says(suppressing("IST0101"), "spec")]).findings.length, 1);
});

test("an analyzer that throws is named, and the others go on", () => {
  const broken = analyzer("broken", () => {
    throw new Error("oops");
  });
  assert.deepEqual(
    run([broken, says(pod, "spec")]).findings.map(({ code, message }) => `${code} ${message}`),
    ["IST0001 internal error: analyzer broken: oops", "IST0002 deprecated: it"],
  );
});

test("an analyzer is left out when the files hold nothing of what it needs", () => {
  const needy = analyzer("needy", (report) => report(pod, MESSAGES.Deprecated, ["it"]), { needs: ["Service"] });
  assert.deepEqual(run([needy], [pod], seenKinds([pod])).skipped, ["needy"]);
  assert.equal(run([needy]).findings.length, 1);
  const service = madeObject({ kind: "Service", namespace: "default", name: "s" }, {});
  assert.equal(run([needy], [pod], seenKinds([pod, service])).findings.length, 1);
});

test("workloads stand in for pods, also those that validation refuses", () => {
  const group = madeObject({ kind: "WorkloadGroup", namespace: "default", name: "g" }, { metadata: { labels: { app: "a" } } });
  const entry = madeObject({ kind: "WorkloadEntry", namespace: "default", name: "e" }, { labels: { app: "b" } });
  assert.deepEqual(
    workloadPods([group, entry, pod]).map(({ key, labels }) => [key.name, labels]),
    [
      ["g", { app: "a" }],
      ["e", { app: "b" }],
    ],
  );
  assert.ok(seenKinds([group]).has("Pod"));
});

test("objects of Kubernetes' own namespaces are not looked at", () => {
  const own = madeObject({ kind: "Pod", namespace: "kube-system", name: "p" }, {});
  let seen = 0;
  const counting: Analyzer = {
    ...analyzer("counting", () => undefined),
    analyze: ({ objects }) => void (seen = objects.list("Pod").length),
  };
  run([counting], [pod, own]);
  assert.equal(seen, 1);
});

test("a service registry that MeshNetworks names must exist", () => {
  const networks = "networks: {n: {endpoints: [{fromRegistry: Kubernetes}, {fromRegistry: nowhere}], gateways: []}}";
  const objects = [meshNetworksObject("istio-system", networks)];
  assert.deepEqual(
    run([meshNetworksAnalyzer], objects).findings.map(({ code, message }) => `${code} ${message}`),
    ["IST0126 there is no service registry nowhere, which the network n names"],
  );
  const labels = { "istio/multiCluster": "true" };
  const secret = madeObject({ kind: "Secret", namespace: "istio-system", name: "s" }, { data: { nowhere: "" } }, { labels });
  assert.deepEqual(run([meshNetworksAnalyzer], [...objects, secret]).findings, []);
});
