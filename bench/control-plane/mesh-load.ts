// The load that the control plane is measured with: ServiceEntries with 10 endpoints each, and for every second one a VirtualService
// with two rules and a DestinationRule with two subsets. The same in every run: nothing in it is random.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ENDPOINTS = 10;
const OBJECTS_A_FILE = 50;

function serviceEntry(index: number): string {
  const [high, low] = [Math.floor(index / 250), index % 250];
  const endpoints = Array.from(
    { length: ENDPOINTS },
    (_, endpoint) =>
      `  - { address: 10.${high}.${low}.${endpoint + 1}, labels: { version: v${(endpoint % 2) + 1} }, ports: { http: 8080 } }\n`,
  ).join("");
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: svc-${index}, namespace: default }
spec:
  hosts: [svc-${index}.load.example.com]
  addresses: [240.${high}.${low}.1]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints:
${endpoints}`;
}

function destinationRule(index: number): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: svc-${index}, namespace: default }
spec:
  host: svc-${index}.load.example.com
  trafficPolicy: { connectionPool: { tcp: { maxConnections: ${100 + index} } }, outlierDetection: { consecutive5xxErrors: 5 } }
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
`;
}

/** `mark` stands in a header match, so that a client can tell this version of the rule from another by its bytes. */
export function virtualService(index: number, mark: string): string {
  const host = `svc-${index}.load.example.com`;
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: svc-${index}, namespace: default }
spec:
  hosts: [${host}]
  http:
  - match: [{ headers: { x-canary: { exact: "${mark}" } } }, { uri: { prefix: /api/v${index} } }]
    timeout: 5s
    retries: { attempts: 2, perTryTimeout: 1s, retryOn: "5xx" }
    route: [{ destination: { host: ${host}, subset: v2 } }]
  - route:
    - { destination: { host: ${host}, subset: v1 }, weight: 80 }
    - { destination: { host: ${host}, subset: v2 }, weight: 20 }
`;
}

export function virtualServiceFile(directory: string, index: number): string {
  return join(directory, `vs-${String(index).padStart(5, "0")}.yaml`);
}

/** Replaces what was in the directory. Rules for every second service, each VirtualService in a file of its own. */
export function writeMeshLoad(directory: string, services: number): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const rules = Math.ceil(services / 2);
  for (const [name, count, text] of [
    ["se", services, serviceEntry],
    ["dr", rules, destinationRule],
  ] as const) {
    for (let first = 0; first < count; first += OBJECTS_A_FILE) {
      const documents = Array.from({ length: Math.min(OBJECTS_A_FILE, count - first) }, (_, offset) => text(first + offset));
      writeFileSync(join(directory, `${name}-${String(first).padStart(5, "0")}.yaml`), documents.join("---\n"));
    }
  }
  for (let index = 0; index < rules; index++) writeFileSync(virtualServiceFile(directory, index), virtualService(index, "MARK0"));
}
