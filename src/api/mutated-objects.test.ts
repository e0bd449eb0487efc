// Objects of the Gateway API and of Kubernetes with mistakes put into them at random: always findings, never a throw or a hang.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseFile } from "./parse-file.ts";

const meta = { name: "a", namespace: "b", labels: { c: "d" } };
const backendRefs = [{ name: "a", port: 80, weight: 1 }];
const seeds: readonly unknown[] = [
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: meta,
    spec: {
      gatewayClassName: "istio",
      addresses: [{ type: "IPAddress", value: "1.2.3.4" }],
      listeners: [{ name: "a", port: 443, protocol: "HTTPS", hostname: "*.example.com", tls: { certificateRefs: [{ name: "c" }] } }],
    },
  },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: meta,
    spec: {
      parentRefs: [{ name: "a", sectionName: "b" }],
      rules: [
        {
          matches: [{ path: { type: "Exact", value: "/a" }, headers: [{ name: "a", value: "b" }], method: "GET" }],
          filters: [{ type: "RequestMirror", requestMirror: { backendRef: backendRefs[0], percent: 5 } }],
          timeouts: { request: "10s", backendRequest: "1s" },
          backendRefs,
        },
      ],
    },
  },
  { apiVersion: "gateway.networking.k8s.io/v1", kind: "TLSRoute", metadata: meta, spec: { hostnames: ["a.b"], rules: [{ backendRefs }] } },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: meta,
    spec: {
      selector: { matchLabels: { c: "d" } },
      template: { metadata: { labels: { c: "d" } }, spec: { containers: [{ name: "a", ports: [{ containerPort: 1 }] }] } },
    },
  },
  { apiVersion: "v1", kind: "Secret", metadata: meta, type: "kubernetes.io/tls", data: { "tls.crt": "aGk=" } },
  {
    apiVersion: "v1",
    kind: "List",
    items: [{ apiVersion: "v1", kind: "Node", metadata: { name: "n" }, spec: { podCIDRs: ["10.0.0.0/24"] } }],
  },
];

const odd = fc.oneof(
  fc.constantFrom(
    null,
    "",
    "__proto__",
    "\u0000",
    -1,
    0,
    1e308,
    2 ** 53,
    true,
    [],
    {},
    [null],
    { constructor: {} },
    "a".repeat(5_000),
    "1.2.3.4",
    "80",
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

interface Mutation {
  /** Which of all values, counted in reading order. */
  readonly at: number;
  readonly how: "replace" | "remove" | "repeat" | "rename";
  readonly value: unknown;
}

/** The object with one value changed. */
function mutate(root: unknown, { at, how, value }: Mutation): unknown {
  let count = 0;
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) {
      return node.flatMap((item) => {
        if (count++ !== at) return [visit(item)];
        return how === "remove" ? [] : how === "repeat" ? [item, item] : [value];
      });
    }
    if (typeof node !== "object" || node === null) return node;
    const entries = Object.entries(node).flatMap(([key, item]): [string, unknown][] => {
      if (count++ !== at) return [[key, visit(item)]];
      if (how === "remove") return [];
      return how === "rename" ? [[`${key}x`, item]] : [[key, how === "repeat" ? [item, item] : value]];
    });
    return Object.fromEntries(entries);
  };
  return visit(root);
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(45),
  how: fc.constantFrom("replace", "remove", "repeat", "rename"),
  value: odd,
});

test("2,000 objects with mistakes are answered, and errors have a place", () => {
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 3 }), fc.nat(400), (seed, mutations, cut) => {
      const text = JSON.stringify(mutations.reduce(mutate, seed), undefined, 1);
      // Every other document is cut off somewhere too.
      const documents = parseFile(cut % 2 === 0 ? text : text.slice(0, cut), "a.yaml");
      for (const { findings, object } of documents) {
        const errors = findings.filter((finding) => finding.level === "error");
        for (const error of errors) assert.ok(error.place !== undefined && error.place.line >= 1);
        assert.ok(errors.length === 0 || object === undefined);
      }
    }),
    { numRuns: 2_000, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: true },
  );
});
