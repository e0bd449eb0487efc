import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { findingText } from "./finding.ts";
import { parseFile, type ParsedDocument } from "./parse-file.ts";

const virtualService = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
  - reviews
  http:
  - match:
    - headers:
        end-user:
          exact: jason
    timeout: 1m30s
    route:
    - destination:
        host: reviews
        subset: v2
      weight: 80
    - destination:
        host: reviews
        subset: v1
      weight: 20
`;

function texts(documents: readonly ParsedDocument[]): readonly string[] {
  return documents.flatMap((document) => document.findings.map(findingText));
}

function only(text: string, file = "a.yaml"): ParsedDocument {
  const documents = parseFile(text, file);
  assert.equal(documents.length, 1, texts(documents).join("\n"));
  return documents[0] as ParsedDocument;
}

/** The one finding of the sample after a change. */
function afterChange(from: string, to: string): string {
  assert.ok(virtualService.includes(from));
  return texts([only(virtualService.replace(from, to))]).join("\n");
}

test("an object is decoded with lowerCamel names, milliseconds and plain values", () => {
  const document = only(virtualService);
  assert.deepEqual(document.findings, []);
  assert.deepEqual(document.object, {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", namespace: "default", labels: {}, annotations: {} },
    spec: {
      hosts: ["reviews"],
      http: [
        {
          match: [{ headers: { "end-user": { exact: "jason" } } }],
          timeout: 90_000,
          route: [
            { destination: { host: "reviews", subset: "v2" }, weight: 80 },
            { destination: { host: "reviews", subset: "v1" }, weight: 20 },
          ],
        },
      ],
    },
  });
});

test("an unknown field is refused at its key, with its path and a likely name", () => {
  assert.equal(
    afterChange("      weight: 80", "      wieght: 80"),
    'a.yaml:18:7: error MZ0002 VirtualService default/reviews spec.http[0].route[0].wieght: unknown field "wieght" in HTTPRouteDestination (did you mean "weight"?)',
  );
});

test("a wrong type is refused at its value", () => {
  assert.match(
    afterChange("weight: 80", "weight: lots"),
    /^a\.yaml:18:15: error MZ0002 .* spec\.http\[0\]\.route\[0\]\.weight: must be a whole number, is "lots"$/u,
  );
  assert.match(afterChange("subset: v2", "subset: 2"), /subset: must be a string, is a number \(write "2" in quotes\)$/u);
  assert.match(afterChange("exact: jason", "exact: yes"), /exact: must be a string, is a boolean \(write "yes" in quotes\)$/u);
  assert.match(afterChange("timeout: 1m30s", "timeout: 5"), /timeout: must be a duration, is 5 \(write 5s for seconds\)$/u);
  assert.match(afterChange("  hosts:\n  - reviews", "  hosts: reviews"), /spec\.hosts: must be a list, is "reviews"/u);
});

test("rules that are broken are refused with the field's place", () => {
  assert.match(afterChange("weight: 80", "weight: -1"), /^a\.yaml:18:15: error IST0106 .*weight: must be 0 or more, is -1$/u);
  assert.match(afterChange("timeout: 1m30s", "timeout: 0s"), /timeout: a duration must be 1ms or more/u);
  assert.match(
    afterChange("        host: reviews\n        subset: v2", "        subset: v2"),
    /^a\.yaml:16:9: error MZ0002 .*destination\.host: is required and missing/u,
  );
});

test("all violations are gathered and the object is withheld", () => {
  const document = only(
    virtualService.replace("weight: 80", "wieght: 80").replace("timeout: 1m30s", "timeout: soon").replace("subset: v1", "subsett: v1"),
  );
  assert.equal(document.findings.length, 3);
  assert.equal(document.object, undefined);
  assert.deepEqual(document.key, { kind: "VirtualService", namespace: "default", name: "reviews" });
});

test("proto3 JSON's other spellings are understood", () => {
  const document =
    only(`{"apiVersion": "networking.istio.io/v1alpha3", "kind": "DestinationRule", "metadata": {"name": "a", "namespace": "b"},
    "spec": {"host": "a", "traffic_policy": {"load_balancer": {"simple": 4}, "outlier_detection": {"consecutive_5xx_errors": "7", "interval": null},
    "connectionPool": {"tcp": {"maxConnections": "10"}}}}}`);
  const spec = document.object?.spec as { trafficPolicy: Record<string, unknown> };
  assert.deepEqual(spec.trafficPolicy, {
    loadBalancer: { simple: "ROUND_ROBIN" },
    outlierDetection: { consecutive5xxErrors: 7 },
    connectionPool: { tcp: { maxConnections: 10 } },
  });
});

test("a field in both spellings, and two members of a oneof, are refused", () => {
  const twice =
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: [a], export_to: [a], exportTo: [b], http: [{redirect: {uri: /a}}]}\n";
  assert.match(texts([only(twice)]).join(), /spec\.exportTo: is written twice, as exportTo and as exportTo|written twice/u);
  assert.match(afterChange("exact: jason", "exact: jason\n          prefix: j"), /prefix: cannot stand beside exact/u);
});

test("a known field without an effect is named by an info and decoded all the same", () => {
  const server = "{port: {number: 80, protocol: HTTP, name: http}, hosts: [a.com], defaultEndpoint: 127.0.0.1:1}";
  const document = only(
    `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: default}\nspec:\n  servers: [${server}]\n`,
  );
  assert.deepEqual(texts([document]), [
    "a.yaml:5:78: info MZ0004 Gateway default/gw spec.servers[0].defaultEndpoint: is accepted and has no effect yet",
  ]);
  assert.ok(document.object !== undefined);
});

test("kinds that are known by name have no object and say so", () => {
  const known = only("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {anything: 1}\n");
  assert.equal(known.object, undefined);
  assert.deepEqual(
    known.findings.map((finding) => `${finding.level} ${finding.code}`),
    ["info MZ0004"],
  );
});

test("kinds without an effect are decoded and say so; harmless ones say nothing", () => {
  const text = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a, namespace: b}\nspec: {minAvailable: 1}\n";
  const budget = only(text);
  assert.deepEqual(texts([budget]), [
    "a.yaml:1:1: info MZ0004 PodDisruptionBudget b/a: kind PodDisruptionBudget is accepted and has no effect yet",
  ]);
  assert.deepEqual(budget.object?.spec, { minAvailable: 1 });
  assert.match(texts([only(text.replace("minAvailable", "minavailable"))]).join(), /error MZ0002 .*did you mean "minAvailable"/u);
  const namespace = only("apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {b: c}}\n");
  assert.deepEqual(namespace.findings, []);
  assert.deepEqual(namespace.key, { kind: "Namespace", namespace: "", name: "a" });
  assert.deepEqual(namespace.object?.metadata.labels, { b: "c" });
});

test("two groups may have a kind of one name", () => {
  const istio = only("apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {}\n");
  const kubernetes = only(
    "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {gatewayClassName: b, listeners: [{name: c, port: 80, protocol: HTTP}]}\n",
  );
  assert.deepEqual([istio.key?.kind, kubernetes.key?.kind, kubernetes.object?.kind], ["Gateway", "KubernetesGateway", "KubernetesGateway"]);
  assert.match(texts([kubernetes]).join(), /info MZ0004 Gateway default\/a: /u);
  assert.equal(only("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n").key?.kind, "Service.serving.knative.dev");
});

test("an unknown kind is refused within a known group and passed over in a foreign one", () => {
  assert.match(
    texts([only("apiVersion: networking.istio.io/v1\nkind: VirtualServce\nmetadata: {name: a}\n")]).join(),
    /^a\.yaml:2:7: error MZ0003 .*did you mean "VirtualService"/u,
  );
  assert.match(texts([only("apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a}\n")]).join(), /info MZ0003/u);
  assert.match(
    texts([only("apiVersion: networking.istio.io/v2\nkind: Gateway\nmetadata: {name: a}\n")]).join(),
    /error MZ0003 .*use networking\.istio\.io\/v1,/u,
  );
});

test("apiVersion, kind and name are asked for", () => {
  assert.match(texts([only("kind: Service\n")]).join(), /apiVersion is required/u);
  assert.match(texts([only("apiversion: v1\nkind: Service\n")]).join(), /did you mean "apiVersion"/u);
  assert.match(texts([only("apiVersion: v1\n")]).join(), /kind is required/u);
  assert.match(
    texts([only("apiVersion: v1\nkind: Service\nmetadata: {}\nspec: {ports: [{port: 80}]}\n")]).join(),
    /metadata\.name: is required/u,
  );
  assert.match(texts([only("- a\n")]).join(), /must be a Kubernetes object/u);
});

test("a syntax error has a place, keeps the object's name and spares the other documents", () => {
  const documents = parseFile(
    `${virtualService}---\n${virtualService.replace("    timeout: 1m30s", "   timeout: 1m30s")}---\n${virtualService}`,
    "a.yaml",
  );
  assert.deepEqual(
    documents.map((document) => document.object !== undefined),
    [true, false, true],
  );
  assert.equal(documents[1]?.findings[0]?.code, "MZ0001");
  assert.equal(documents[1]?.findings[0]?.place?.line, 36);
  assert.deepEqual(documents[1]?.key, { kind: "VirtualService", namespace: "default", name: "reviews" });
  assert.deepEqual(
    documents.map((document) => document.startLine),
    [1, 23, 46],
  );
});

test("files that were joined without a marker between them get a hint at it", () => {
  const one = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
  const hints = parseFile(one + one, "a.yaml").flatMap(({ findings }) => findings.map(({ hint }) => hint));
  assert.deepEqual(hints, ["begin another object with a line ---", "begin another object with a line ---", "keep one of them"]);
});

test("a key that is written twice is a syntax error at the second", () => {
  assert.match(
    afterChange("    timeout: 1m30s", "    timeout: 1s\n    timeout: 2s"),
    /^a\.yaml:14:5: error MZ0001 .*key "timeout" is written twice/u,
  );
});

test("anchors, aliases and merge keys are followed", () => {
  const document = only(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http:
  - &base
    timeout: 2s
    route: &to [{destination: {host: a}}]
  - <<: *base
    timeout: 3s
    match: [{uri: {prefix: /}}]
`);
  const spec = document.object?.spec as { http: unknown[] };
  assert.deepEqual(spec.http[1], { timeout: 3000, route: [{ destination: { host: "a" } }], match: [{ uri: { prefix: "/" } }] });
});

test("what was hostile ends in a finding: depth, aliases, size, tags", () => {
  const laugh = `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 20 }, (_, index) => `a${index + 1}: &a${index + 1} [${Array.from({ length: 9 }, () => `*a${index}`).join(",")}]`).join("\n")}`;
  assert.match(texts(parseFile(laugh, "a.yaml")).join(), /more than 500000 values/u);
  assert.match(texts(parseFile("[".repeat(100_000), "a.yaml")).join(), /nested more than 100 levels/u);
  assert.match(texts(parseFile("- ".repeat(100_000), "a.yaml")).join(), /nested more than 100 levels/u);
  assert.match(texts(parseFile(" ".repeat(3 * 1024 * 1024 + 1), "a.yaml")).join(), /larger than 3 MiB/u);
  assert.match(texts(parseFile("---\n".repeat(10_001), "a.yaml")).join(), /more than 10000 documents/u);
  assert.match(texts(parseFile("a: !!binary aGk=\n", "a.yaml")).join(), /tag .* is not used/u);
  assert.match(texts(parseFile("a: *b\n", "a.yaml")).join(), /error MZ0001/u);
});

test("__proto__ is a key like any other", () => {
  const document = only(
    'apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {"__proto__": x, constructor: z}}\nspec: {ports: [{port: 80}]}\n',
  );
  const labels = document.object?.metadata.labels ?? {};
  assert.deepEqual(Object.keys(labels), ["__proto__", "constructor"]);
  assert.equal(Object.getPrototypeOf(labels), Object.prototype);
  assert.match(
    texts([only("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {__proto__: {}, ports: [{port: 80}]}\n")]).join(),
    /unknown field "__proto__"/u,
  );
});

test("a List is taken apart", () => {
  const documents = parseFile(
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n- apiVersion: v1\n  kind: Service\n  metadata: {name: b}\n  spec: {ports: [{port: 0}]}\n",
    "a.yaml",
  );
  assert.deepEqual(
    documents.map((document) => document.key?.kind),
    ["Namespace", "Service"],
  );
  assert.match(texts(documents).join(), /^a\.yaml:8:\d+: error IST0106 Service default\/b spec\.ports\[0\]\.port/u);
  assert.notEqual(documents[0]?.hash, documents[1]?.hash);
});

test("MeshConfig comes out of Istio's ConfigMap with places in the outer file", () => {
  const head =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: istio\n  namespace: istio-system\ndata:\n  meshNetworks: 'networks: {}'\n  mesh: |-\n    accessLogFile: /dev/stdout\n";
  const document = only(`${head}    connectTimeout: 3s\n`);
  assert.deepEqual(document.findings, []);
  assert.deepEqual(document.key, { kind: "MeshConfig", namespace: "istio-system", name: "istio" });
  assert.deepEqual(document.object?.spec, { accessLogFile: "/dev/stdout", connectTimeout: 3000 });
  assert.match(
    texts([only(`${head}    conectTimeout: 3s\n`)]).join(),
    /^a\.yaml:10:5: error MZ0002 MeshConfig .*did you mean "connectTimeout"/u,
  );
  assert.match(texts([only(`${head}    accessLogFormat: [\n`)]).join(), /^a\.yaml:\d+:\d+: error MZ0001/u);
  assert.deepEqual(document.placeOf("spec.connectTimeout"), { file: "a.yaml", line: 10, column: 21 });
});

test("a file named mesh.yaml holds MeshConfig's fields as they stand", () => {
  assert.deepEqual(only("accessLogEncoding: JSON\n", "conf/mesh.yaml").object?.spec, { accessLogEncoding: "JSON" });
  assert.match(texts([only("accessLogEncoding: JSON\n", "conf/other.yaml")]).join(), /apiVersion is required/u);
});

test("a document can say where a field stands, or the nearest one above it", () => {
  const document = only(`# a comment\n${virtualService}`);
  assert.deepEqual(document.placeOf("spec.http[0].route[1].weight"), { file: "a.yaml", line: 23, column: 15 });
  assert.deepEqual(document.placeOf("spec.http[0].retries.attempts"), document.placeOf("spec.http[0]"));
  assert.equal(document.placeOf("")?.line, 2);
});

test("the hash changes with the document's text and not with its neighbours", () => {
  const [first, second] = parseFile(`${virtualService}---\n${virtualService} `, "a.yaml");
  assert.equal(only(virtualService).hash, first?.hash);
  assert.notEqual(first?.hash, second?.hash);
});

test("empty and comment-only documents are passed over; a byte order mark does no harm", () => {
  assert.deepEqual(parseFile("", "a.yaml"), []);
  assert.deepEqual(parseFile("# nothing\n---\n\n---\n# more\n", "a.yaml"), []);
  assert.ok(only(`\uFEFF${virtualService}`).object !== undefined);
  assert.ok(only(virtualService.replaceAll("\n", "\r\n")).object !== undefined);
  assert.ok(only(`%YAML 1.1\n---\n${virtualService}...\n`).object !== undefined);
});

test("whatever the text, the answer is documents and findings with places", () => {
  const words = [
    "spec:",
    "- ",
    "  ",
    "\n",
    "---\n",
    "http",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "|\n",
    '"',
    "'",
    "#",
    "\t",
    "!!str ",
    "? ",
    "<<: ",
    "__proto__",
    "\u0000",
    "é",
    "null",
    "1e9",
  ];
  const broken = fc.tuple(
    fc.nat({ max: virtualService.length }),
    fc.nat({ max: 20 }),
    fc.array(fc.constantFrom(...words), { maxLength: 6 }),
  );
  const mutated = fc.array(broken, { minLength: 1, maxLength: 4 }).map((changes) => {
    let text = virtualService;
    for (const [at, length, insert] of changes) text = text.slice(0, at) + insert.join("") + text.slice(at + length);
    return text;
  });
  const random = fc
    .array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 })), { maxLength: 40 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(mutated, mutated, random), (text) => {
      for (const document of parseFile(text, "a.yaml")) {
        assert.ok(document.startLine >= 1);
        const failed = document.findings.some((finding) => finding.level === "error");
        assert.ok(!failed || document.object === undefined);
        const lines = text.split("\n").length;
        for (const finding of document.findings) {
          const place = finding.place;
          assert.ok(place !== undefined && place.line >= 1 && place.column >= 1 && place.line <= lines + 1, findingText(finding));
        }
      }
    }),
    { numRuns: 1500 },
  );
});

test("a text that ends with a colon in a list in brackets is a text, as kubectl reads it", () => {
  const text =
    "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: a}, spec: {hosts: [a.b], addresses: [1.2.3.4, 2001:db8::]}}";
  const spec = only(text).object?.spec as { addresses: string[] } | undefined;
  assert.deepEqual(spec?.addresses, ["1.2.3.4", "2001:db8::"]);
});

test("MeshNetworks in Istio's ConfigMap are checked, with places", () => {
  const text = `apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: ""
  meshNetworks: |
    networks:
      one:
        endpoints:
        - fromRegistry: a.b
        gateways:
        - {address: 1.2.3.4, port: 70000}
`;
  const said = texts(parseFile(text, "a.yaml"));
  assert.match(
    said[0] ?? "",
    /^a\.yaml:10:25: error IST0106 .* data\.meshNetworks\.networks\.one\.endpoints\[0\]\.fromRegistry: "a\.b" is no name/u,
  );
  assert.match(said[1] ?? "", /^a\.yaml:12:36: error .*gateways\[0\]\.port: a port is between/u);
  assert.deepEqual(texts(parseFile(text.replace(/networks:\n[^]*$/u, "networks: {}\n"), "a.yaml")), []);
});
