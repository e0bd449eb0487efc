import type { Story } from "./invocation.ts";
import { configMap, destinationRule, service, virtualService } from "./objects.ts";

const UNKNOWN_FIELD = virtualService("unknown", "v1").replace("  http:", "  htpp: []\n  http:");
const DUPLICATE_FIELD = virtualService("duplicate", "v1").replace("  hosts:", "  gateways: [mesh]\n  gateways: [mesh]\n  hosts:");
const INVALID = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: invalid
spec:
  selector:
    istio: ingressgateway
  servers:
    - port:
        number: 443
        name: https
        protocol: HTTPS
      hosts: ["*"]
      tls:
        mode: NOTHING
`;
const WRONG_TYPE = virtualService("wrong", "v1").replace("    - wrong\n", "    other: wrong\n");

/** create, apply on either side, diff. */
export const applyingStories: readonly Story[] = [
  {
    name: "create",
    files: {
      "reviews.yaml": virtualService("reviews", "v1"),
      "two.yaml": `${virtualService("ratings", "v1")}---\n${destinationRule("ratings")}`,
      "list.yaml": `apiVersion: v1\nkind: List\nitems:\n- ${destinationRule("details").trimEnd().replaceAll("\n", "\n  ")}\n`,
      "service.json": JSON.stringify({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web" },
        spec: { clusterIP: "None", ports: [{ port: 80 }] },
      }),
      "unknown.yaml": UNKNOWN_FIELD,
      "duplicate.yaml": DUPLICATE_FIELD,
      "invalid.yaml": INVALID,
      "wrong.yaml": WRONG_TYPE,
      "kind.yaml": "apiVersion: networking.istio.io/v1\nkind: Nothing\nmetadata:\n  name: a\n",
      "version.yaml": virtualService("old", "v1").replace("networking.istio.io/v1", "networking.istio.io/v9"),
      "nameless.yaml": virtualService("x", "v1").replace("  name: x\n", ""),
      "badname.yaml": virtualService("Not_A_Name", "v1"),
      "elsewhere.yaml": virtualService("elsewhere", "v1").replace("metadata:", "metadata:\n  namespace: nowhere"),
      "broken.yaml": "apiVersion: v1\nkind: [",
      "generated.yaml": destinationRule("generated").replace("  name: generated\n", "  generateName: generated-\n"),
    },
    rows: [
      { run: "create -f reviews.yaml" },
      { run: "create -f reviews.yaml" },
      { run: "create -f two.yaml -o name" },
      { run: "create -f list.yaml" },
      { run: "create -f service.json" },
      { run: "create -f - -o jsonpath='{.metadata.generation}'", stdin: destinationRule("piped") },
      { run: "create -f generated.yaml -o jsonpath='{.metadata.generateName}'" },
      { run: "create -f reviews.yaml --dry-run=client -o name" },
      { run: "create -f two.yaml --dry-run=server" },
      { run: "create -f unknown.yaml" },
      { run: "create -f unknown.yaml --validate=warn" },
      { run: "create -f duplicate.yaml" },
      { run: "create -f invalid.yaml", wordsDiffer: "the mesh names the rule of Istio, a cluster the schema's" },
      { run: "create -f wrong.yaml", wordsDiffer: "the order of causes" },
      { run: "create -f kind.yaml" },
      { run: "create -f version.yaml" },
      { run: "create -f nameless.yaml", wordsDiffer: "a cluster's client and server both find it" },
      { run: "create -f badname.yaml", wordsDiffer: "the rule's text" },
      { run: "create -f elsewhere.yaml -n NAMESPACE" },
      { run: "create -f elsewhere.yaml", wordsDiffer: "the client says it where a namespace is chosen" },
      { run: "create -f broken.yaml" },
      { run: "create -f missing.yaml" },
      { run: "create", wordsDiffer: "usage" },
      { run: "get vs,dr -o name" },
    ],
  },
  {
    name: "apply",
    files: {
      "reviews.yaml": virtualService("reviews", "v1"),
      "reviews-v2.yaml": virtualService("reviews", "v2", "      timeout: 5s\n"),
      "folder/a.yaml": destinationRule("reviews"),
      "folder/b.yaml": configMap,
      "folder/deeper/c.yaml": virtualService("deeper", "v1"),
      "folder/note.txt": "not YAML",
      "kustomization/kustomization.yaml": "resources:\n  - rule.yaml\nnamePrefix: my-\nlabels:\n  - pairs:\n      made: here\n",
      "kustomization/rule.yaml": destinationRule("details"),
      "unknown.yaml": UNKNOWN_FIELD,
      "invalid.yaml": INVALID,
      "service.yaml": service,
      "service-admin.yaml": service.replace("    - name: http\n      port: 9080\n", ""),
    },
    rows: [
      { run: "apply -f reviews.yaml --dry-run=client" },
      { run: "apply -f reviews.yaml --dry-run=server" },
      { run: "diff -f reviews.yaml" },
      { run: "apply -f reviews.yaml" },
      { run: "apply -f reviews.yaml" },
      { run: "diff -f reviews.yaml" },
      { run: "diff -f reviews-v2.yaml" },
      { run: "apply -f reviews-v2.yaml --dry-run=server -o jsonpath='{.spec.http[0].timeout}'" },
      { run: "apply -f reviews-v2.yaml" },
      { run: "get vs reviews -o jsonpath='{.metadata.generation} {.spec.http[0].timeout} {.spec.http[0].route[0].destination.subset}'" },
      { run: "apply -f reviews.yaml" },
      { run: "get vs reviews -o jsonpath='{.metadata.generation} {.spec.http[0].timeout} {.spec.http[0].route[0].destination.subset}'" },
      { run: "apply view-last-applied vs/reviews" },
      { run: "apply set-last-applied -f reviews-v2.yaml" },
      { run: "apply -f folder" },
      { run: "apply -f folder -R" },
      { run: "apply -f - -o name", stdin: virtualService("ratings", "v1") },
      { run: "apply -k kustomization" },
      { run: "get dr -l made=here -o name" },
      { run: "apply -f unknown.yaml" },
      { run: "apply -f unknown.yaml --validate=warn -o name" },
      { run: "apply -f unknown.yaml --validate=ignore" },
      { run: "apply -f invalid.yaml", wordsDiffer: "the mesh names the rule of Istio, a cluster the schema's" },
      { run: "apply -f service.yaml" },
      { run: "apply -f service-admin.yaml" },
      { run: "get service reviews -o jsonpath='{.spec.ports[*].name}'" },
      { run: "apply -f reviews.yaml --prune -l tier=shop --prune-allowlist=networking.istio.io/v1/VirtualService" },
      { run: "get vs -o name" },
      { run: "apply -f nothing" },
    ],
  },
  {
    name: "server-side apply",
    files: {
      "reviews.yaml": virtualService("reviews", "v1"),
      "other.yaml": virtualService("reviews", "v2"),
      "timeout.yaml":
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: reviews\n  annotations:\n    note: mine\n",
      "colors.yaml": configMap,
      "stars.yaml": configMap.replace("red", "black").replace("  page: blue\n", ""),
      "page.yaml": configMap.replace("  stars: red\n", ""),
      "service.yaml": service,
      "extra.yaml": service.replace(
        "    - name: http\n      port: 9080\n    - name: admin\n      port: 9090\n",
        "    - name: extra\n      port: 9099\n",
      ),
    },
    rows: [
      { run: "apply --server-side -f reviews.yaml --dry-run=server" },
      { run: "apply --server-side -f reviews.yaml" },
      { run: "apply --server-side -f reviews.yaml" },
      {
        run: "get vs reviews -o jsonpath='{.metadata.generation} {.metadata.managedFields[*].manager} {.metadata.managedFields[*].operation}' --show-managed-fields",
      },
      { run: "apply --server-side -f other.yaml --field-manager=other" },
      { run: "apply --server-side -f timeout.yaml --field-manager=other" },
      { run: "get vs reviews -o jsonpath='{.metadata.managedFields[*].manager} {.metadata.annotations.note}' --show-managed-fields" },
      { run: "apply --server-side -f other.yaml --field-manager=other --force-conflicts" },
      { run: "get vs reviews -o yaml --show-managed-fields" },
      { run: "diff --server-side -f reviews.yaml --force-conflicts" },
      { run: "apply --server-side -f colors.yaml" },
      { run: "apply --server-side -f stars.yaml --field-manager=other" },
      { run: "apply --server-side -f stars.yaml --field-manager=other --force-conflicts" },
      { run: "apply --server-side -f page.yaml" },
      { run: "get cm colors -o jsonpath='{.data}'" },
      { run: "apply --server-side -f service.yaml" },
      { run: "apply --server-side -f extra.yaml --field-manager=other" },
      { run: "get service reviews -o jsonpath='{.spec.ports[*].name}'" },
      { run: "label vs reviews by=hand" },
      { run: "apply -f other.yaml" },
    ],
  },
];
