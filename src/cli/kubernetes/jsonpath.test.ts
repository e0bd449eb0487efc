import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePath, parseTemplate, render, valuesAt } from "./jsonpath.ts";

const LIST = {
  kind: "List",
  items: [
    { metadata: { name: "reviews", labels: { "app.kubernetes.io/name": "r" } }, spec: { hosts: ["a", "b"], weight: 10 } },
    { metadata: { name: "ratings" }, spec: { hosts: ["c"], weight: 90, ready: true } },
  ],
};

function rendered(template: string): string {
  return render(parseTemplate(template), LIST);
}

// Expectations are what kubectl prints for the same templates.
const TEMPLATES: Readonly<Record<string, string>> = {
  "{.kind}": "List",
  "{.items[0].metadata.name}": "reviews",
  "{.items[-1].metadata.name}": "ratings",
  "{.items[*].metadata.name}": "reviews ratings",
  "{.items[*].spec.hosts}": '["a","b"] ["c"]',
  "{.items[*].spec.hosts[*]}": "a b c",
  "{.items[0].spec.hosts[0:1]}": "a",
  "{.items[0,1].metadata.name}": "reviews ratings",
  "{..weight}": "10 90",
  "{$.items[1].spec.ready}": "true",
  "{.items[0].metadata.labels.app\\.kubernetes\\.io/name}": "r",
  "{.items[0].metadata.labels['app.kubernetes.io/name']}": "r",
  '{.items[?(@.metadata.name=="ratings")].spec.weight}': "90",
  "{.items[?(@.spec.weight>50)].metadata.name}": "ratings",
  "{.items[?(@.spec.weight!=90)].metadata.name}": "reviews",
  "{.items[?(@.spec.ready)].metadata.name}": "ratings",
  '{range .items[*]}{.metadata.name}{"\\t"}{.spec.weight}{"\\n"}{end}': "reviews\t10\nratings\t90\n",
  "{range .items[*]}[{range .spec.hosts[*]}{@},{end}]{end}": "[a,b,][c,]",
  "name: {.kind} {.nothing}!": "name: List !",
  "no braces": "no braces",
};

test("templates give what kubectl gives", () => {
  for (const [template, expected] of Object.entries(TEMPLATES)) assert.equal(rendered(template), expected, template);
});

test("what is wrong with a template is said", () => {
  for (const [template, why] of [
    ["{.spec.hosts", /unclosed action/],
    ["{range .items[*]}x", /\{range\} without an \{end\}/],
    ["{end}", /\{end\} without a \{range\}/],
    ["{.items[0}", /unterminated array/],
    ["{.items[x]}", /invalid array index x/],
    ["{.items[?(name==1)]}", /unrecognized "name"/],
  ] as const)
    assert.throws(() => rendered(template), why, template);
});

test("a path that leads nowhere has no values", () => {
  assert.deepEqual(valuesAt(LIST, parsePath(".items[7].spec")), []);
  assert.deepEqual(valuesAt(LIST, parsePath(".kind.x")), []);
  assert.deepEqual(valuesAt({}, parsePath(".toString")), []);
});
