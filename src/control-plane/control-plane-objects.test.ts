// Applied objects and a control plane: live at once, there again after a restart, beside those of files.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Finding } from "#api/finding";
import type { ObjectWrite } from "#control-plane/config/object-store";
import type { StoredObject } from "#control-plane/config/stored-object";
import { SqliteJournal } from "#control-plane/config/sqlite/sqlite-journal";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default, labels: { app: reviews } }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
`;
const VIRTUAL_SERVICES = { group: "networking.istio.io", resource: "virtualservices" };

function start(directory: string, findings: Finding[] = []): Promise<ControlPlane> {
  return startControlPlane({
    sources: [join(directory, "mesh.d.yaml")],
    recursive: false,
    grpc: { address: "127.0.0.1", port: 0 },
    http: { address: "127.0.0.1", port: 0 },
    stateDirectory: join(directory, "state"),
    journal: () => new SqliteJournal({ file: join(directory, "state", "objects.db") }),
    version: "1.2.3",
    clock: realClock,
    log: silentLog,
    onFindings: (fresh) => findings.push(...fresh),
  });
}

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "control-plane-objects-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "mesh.d.yaml"), SERVICE);
  return directory;
}

function creation(kind: string, resource: { readonly group: string; readonly resource: string }, name: string, spec: unknown): ObjectWrite {
  const namespaced = kind !== "Namespace";
  const apiVersion = resource.group === "" ? "v1" : `${resource.group}/v1`;
  return {
    verb: "create",
    name: { ...resource, namespace: namespaced ? "default" : "", name },
    object: { apiVersion, kind, metadata: { name }, spec },
  };
}

async function liveVirtualServices(controlPlane: ControlPlane): Promise<readonly string[]> {
  const response = await fetch(`http://127.0.0.1:${controlPlane.httpPort}/debug/configz`);
  const objects = (await response.json()) as readonly { readonly kind: string; readonly metadata: { readonly name: string } }[];
  return objects.filter(({ kind }) => kind === "VirtualService").map(({ metadata }) => metadata.name);
}

test("applied objects are live, and there again after a restart", async (t) => {
  const directory = directoryFor(t);
  const first = await start(directory);
  await first.objects.write([
    creation("Namespace", { group: "", resource: "namespaces" }, "default", {}),
    creation("VirtualService", VIRTUAL_SERVICES, "reviews", {
      hosts: ["reviews"],
      http: [{ route: [{ destination: { host: "reviews" } }] }],
    }),
  ]);
  assert.deepEqual(await liveVirtualServices(first), ["reviews"]);
  await first.close();
  const second = await start(directory);
  assert.deepEqual(await liveVirtualServices(second), ["reviews"]);
  await second.objects.write([{ verb: "delete", name: { ...VIRTUAL_SERVICES, namespace: "default", name: "reviews" } }]);
  assert.deepEqual(await liveVirtualServices(second), []);
  await second.close();
});

/** As the API fills it in when a client applies the same. */
function shownSpec(port: number): unknown {
  return {
    type: "ClusterIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    selector: { app: "reviews" },
    ports: [{ name: "http", port, protocol: "TCP", targetPort: port }],
  };
}

test("clients see what files hold, with the API's defaults, and cannot change it", async (t) => {
  const directory = directoryFor(t);
  const controlPlane = await start(directory);
  const name = { group: "", resource: "services", namespace: "default", name: "reviews" };
  const service = await controlPlane.objects.get(name);
  assert.deepEqual(service["spec"], shownSpec(9080));
  assert.deepEqual(service.metadata.labels, { app: "reviews" });
  assert.match(String(service.metadata.uid), /^[0-9a-f-]{36}$/u);
  const again = { verb: "modify", name, change: (current: unknown) => ({ ...(current as StoredObject), spec: shownSpec(9080) }) } as const;
  const [applied] = await controlPlane.objects.write([again]);
  assert.equal(applied?.outcome, "unchanged");
  await assert.rejects(
    controlPlane.objects.write([{ verb: "delete", name }]),
    /services "reviews" is forbidden: it is read from .*mesh\.d\.yaml:2; edit that file$/u,
  );
  const watch = await controlPlane.objects.watch(
    { group: "", resource: "services" },
    { resourceVersion: String(service.metadata.resourceVersion) },
  );
  writeFileSync(join(directory, "mesh.d.yaml"), SERVICE.replace("9080", "9081"));
  for await (const event of watch) {
    assert.ok(event.type === "MODIFIED");
    assert.deepEqual(event.object["spec"], shownSpec(9081));
    assert.equal(event.object.metadata.uid, service.metadata.uid);
    break;
  }
  await controlPlane.close();
});
