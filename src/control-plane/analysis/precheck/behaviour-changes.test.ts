import assert from "node:assert/strict";
import test from "node:test";
import { analyzeYaml } from "#control-plane/analysis/testing";
import { behaviourChangesAnalyzer, minorVersion } from "./behaviour-changes.ts";

const service = (name: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: istio-system}, spec: {ports: [{name: http, port: 9411}]}}`;

function codes(yaml: string, fromMinor: number): readonly string[] {
  return analyzeYaml(yaml, { analyzer: behaviourChangesAnalyzer(fromMinor) }).map(({ code, object }) => `${code} ${object?.name ?? ""}`);
}

test("an upgrade from 1.21 or before ends tracing to zipkin by default, where there is a zipkin", () => {
  assert.deepEqual(codes(service("zipkin"), 21), ["IST0169 zipkin"]);
  assert.deepEqual(codes(service("zipkin"), 22), []);
  assert.deepEqual(codes(service("jaeger"), 10), []);
});

test("versions are 1.N", () => {
  assert.deepEqual(["1.20", "1.20.3", "1", "2.1", "1.x", "1.20-rc1"].map(minorVersion), [
    20,
    20,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
