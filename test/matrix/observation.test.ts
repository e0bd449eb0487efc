import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, observe, tally } from "./observation.ts";
import type { EchoReport, Outcome } from "../replay/traffic.ts";

const report: EchoReport = {
  destination: "10.244.0.5:8080",
  protocol: "http/1.1",
  tls: undefined,
  proxyProtocol: undefined,
  method: "GET",
  path: "/",
  headers: { host: "web", "x-request-id": "1", "x-echo-tag": "1.1" },
};
const answered = (headers: Record<string, string>, echo: EchoReport = report): Outcome => ({
  kind: "answered",
  status: 200,
  headers,
  report: echo,
  body: "",
  certificate: undefined,
});

test("what varies from call to call is not observed, but that it is there", () => {
  const first = observe(answered({ date: "now" }), [], false);
  assert.equal(
    observe(answered({ date: "later" }, { ...report, headers: { host: "web", "x-request-id": "2", "x-echo-tag": "1.2" } }), [], false),
    first,
  );
  assert.notEqual(observe(answered({}), [], false), first);
});

test("every arrival counts, in whatever order; where any endpoint may answer only how many", () => {
  assert.equal(observe(answered({}), ["b", "a"], false), observe(answered({}), ["a", "b"], false));
  assert.notEqual(observe(answered({}), ["a"], false), observe(answered({}), ["a", "b"], false));
  assert.equal(observe(answered({}), ["a"], true), observe(answered({}), ["b"], true));
});

test("a difference names the field", () => {
  const a = tally([observe(answered({}), [], false)]);
  const b = tally([observe(answered({}, { ...report, destination: "10.244.0.6:8080" }), [], false)]);
  assert.equal(difference(a, a), undefined);
  assert.equal(difference(a, b), 'report.destination: expected "10.244.0.5:8080", got "10.244.0.6:8080"');
});

test("shares may differ by chance only", () => {
  const shares = (a: number, b: number) =>
    new Map([
      ["a", a],
      ["b", b],
    ]);
  assert.equal(difference(shares(190, 50), shares(195, 45)), undefined);
  assert.match(difference(shares(216, 24), shares(120, 120)) ?? "", /90.0 % against 50.0 %/);
  assert.equal(difference(shares(216, 24), new Map([["a", 240]])), "expected b, got a");
});
