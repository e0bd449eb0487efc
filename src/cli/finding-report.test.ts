import assert from "node:assert/strict";
import test from "node:test";
import { parse } from "yaml";
import type { Finding } from "#api/finding";
import { reportText } from "./finding-report.ts";

const finding: Finding = {
  level: "error",
  code: "IST0101",
  message: 'referenced host not found: "reviewz"',
  object: { kind: "VirtualService", namespace: "default", name: "reviews" },
  field: "spec.http[0].route[0].destination.host",
  place: { file: "a.yaml", line: 2, column: 9 },
  hint: 'did you mean "reviews"?',
};
const text = "apiVersion: x\n  host: reviewz\n";
const textOf = (file: string): string | undefined => (file === "a.yaml" ? text : undefined);

test("a finding reads as istioctl's line, with the source and the fix below", () => {
  assert.equal(
    reportText([finding], { format: "log", colors: false, textOf }),
    'Error [IST0101] (VirtualService default/reviews a.yaml:2) referenced host not found: "reviewz"\n' +
      "     2 |   host: reviewz\n" +
      "       |         ^\n" +
      '       = did you mean "reviews"?\n',
  );
});

test("no line of a Secret is printed, nor of a file with one where nobody knows whose line it is", () => {
  const secret: Finding = { ...finding, object: { kind: "Secret", namespace: "default", name: "s" } };
  const { object: _, ...nobodys } = finding;
  const shown = (said: Finding, content: string): boolean =>
    reportText([said], { format: "log", colors: false, textOf: () => content }).includes("reviewz\n");
  assert.equal(shown(secret, text), false);
  assert.equal(shown(nobodys, `${text}---\n{"kind": "Secret"}`), false);
  assert.equal(shown(nobodys, text), true);
  assert.equal(shown(finding, `${text}---\nkind: Secret`), true);
});

test("what validation says of a field begins with the field", () => {
  const said: Finding = { level: "warning", code: "MZ0002", message: "must be 0 or more", field: "spec.weight" };
  assert.equal(reportText([said], { format: "log", colors: false, textOf }), "Warning [MZ0002] spec.weight: must be 0 or more\n");
});

test("colours are the level's, and the source cannot steer the terminal", () => {
  const shown = reportText([finding], { format: "log", colors: true, textOf: () => "x\n  \u001b[2Jhost\n" });
  assert.ok(shown.startsWith("\u001b[31mError\u001b[39m [IST0101]"));
  assert.ok(!shown.includes("\u001b[2J"));
});

test("JSON and YAML have istioctl's fields", () => {
  const expected = [
    {
      code: "IST0101",
      level: "Error",
      message: finding.message,
      origin: "VirtualService default/reviews",
      reference: "a.yaml:2",
      column: 9,
      documentationUrl: "https://istio.io/latest/docs/reference/config/analysis/ist0101/",
      field: finding.field,
      hint: finding.hint,
    },
  ];
  assert.deepEqual(JSON.parse(reportText([finding], { format: "json", colors: false, textOf })), expected);
  assert.deepEqual(parse(reportText([finding], { format: "yaml", colors: false, textOf })), expected);
  assert.equal(reportText([], { format: "json", colors: false, textOf }), "[]\n");
});
