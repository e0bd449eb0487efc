// `npm run bench -- store live`: how long an edit takes until it is live on all 10 proxies of a mesh, by what it is made with: a file, kubectl,
// `mizzen apply`, and the Kubernetes API without a command's start. Each proxy has acknowledged it then.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import type { StoredObject } from "#control-plane/config/stored-object";
import type { ObjectDistribution } from "#control-plane/xds/distribution";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";
import { connectionOf } from "../../test/harness/kubeconfig.ts";
import { eventually, LAUNCHER, startMesh, type TestMesh } from "../../test/harness/mesh.ts";
import { kubectlBinary } from "../../test/harness/tools.ts";

/** Bookinfo has 6 sidecars and a gateway. */
const MORE_WORKLOADS = 3;
const PROXIES = 7 + MORE_WORKLOADS;
const EDITS = 10;
const DEADLINE_MS = 20_000;

/** How edits are made, and the service whose route is edited: an object that stands in a file is not written by the API. */
const WAYS = {
  file: "ratings",
  API: "details",
  "kubectl apply": "reviews",
  "mizzen apply": "productpage",
  "mizzen apply --wait": "productpage",
} as const;
type Way = keyof typeof WAYS;

export interface LiveRow {
  readonly way: Way;
  readonly liveP50Ms: number;
  readonly liveMaxMs: number;
  /** Until the command has ended. 0: there is none. */
  readonly endP50Ms: number;
}

function workload(index: number): string {
  return `apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata:
  name: ratings-more-${index}
  annotations: { mizzen.io/run: node ratings.ts }
spec:
  metadata: { labels: { app: ratings, version: more-${index} } }
  template: { labels: { app: ratings, version: more-${index} }, ports: { http: 9080 }, serviceAccount: bookinfo-ratings }
  probe: { periodSeconds: 2, httpGet: { path: /health, port: 9080 } }
`;
}

function virtualService(host: string, mark: string): StoredObject {
  const http = [{ route: [{ destination: { host } }], headers: { response: { set: { "x-mark": mark } } } }];
  const metadata = { name: `edit-of-${host}`, namespace: "default" };
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata, spec: { hosts: [host], http } };
}

class LiveMesh {
  readonly #mesh: TestMesh;
  readonly #port: number;
  readonly #objects: KubernetesObjectStore;
  #edits = 0;

  private constructor(mesh: TestMesh, port: number) {
    this.#mesh = mesh;
    this.#port = port;
    this.#objects = new KubernetesObjectStore({ connection: connectionOf(this.#kubeconfig), clock: realClock, random: realRandom });
  }

  static async start(): Promise<LiveMesh> {
    const files = { "more.yaml": Array.from({ length: MORE_WORKLOADS }, (_, index) => workload(index)).join("---\n") };
    const mesh = await startMesh({ files });
    const live = new LiveMesh(mesh, (await mesh.status()).controlPlane.httpPort);
    await eventually(`${PROXIES} proxies are connected`, 60_000, async () => {
      const proxies = (await (await fetch(`http://127.0.0.1:${live.#port}/debug/syncz`)).json()) as readonly unknown[];
      return proxies.length === PROXIES || undefined;
    });
    return live;
  }

  get #kubeconfig(): string {
    return join(this.#mesh.dataDirectory, "kubeconfig");
  }

  async stop(): Promise<void> {
    await this.#objects.close();
    await this.#mesh.stop();
  }

  async measure(way: Way): Promise<LiveRow> {
    const live: number[] = [];
    const end: number[] = [];
    // The first makes the object and is not counted.
    for (let edit = 0; edit <= EDITS; edit++) {
      const took = await this.#edit(way);
      if (edit === 0) continue;
      live.push(took.liveMs);
      end.push(took.endMs);
    }
    return { way, liveP50Ms: median(live), liveMaxMs: Math.max(...live), endP50Ms: median(end) };
  }

  async #edit(way: Way): Promise<{ readonly liveMs: number; readonly endMs: number }> {
    const host = WAYS[way];
    const name = `edit-of-${host}`;
    const object = virtualService(host, `edit-${++this.#edits}`);
    const before = (await this.#distribution(name))?.generation ?? 0;
    const file = join(this.#mesh.dataDirectory, `${name}.json`);
    if (way !== "file") writeFileSync(file, JSON.stringify(object));
    const startedMs = performance.now();
    let failure: unknown;
    const ended = this.#make(way, object, file).then(
      () => performance.now() - startedMs,
      (error: unknown) => {
        failure = error;
        return 0;
      },
    );
    while (true) {
      const found = await this.#distribution(name);
      if (found !== undefined && found.generation > before && found.live.length === PROXIES) break;
      if (failure !== undefined) throw new Error(`${way} failed`, { cause: failure });
      if (performance.now() - startedMs > DEADLINE_MS) throw new Error(`${way}: not live on ${PROXIES} proxies: ${JSON.stringify(found)}`);
      await new Promise((resume) => setTimeout(resume, 1));
    }
    const liveMs = performance.now() - startedMs;
    const endMs = await ended;
    return { liveMs, endMs: way === "file" || way === "API" ? 0 : endMs };
  }

  async #make(way: Way, object: StoredObject, file: string): Promise<void> {
    switch (way) {
      case "file":
        return this.#mesh.write(`${object.metadata.name}.json.yaml`, JSON.stringify(object));
      case "API": {
        const name = { group: "networking.istio.io", resource: "virtualservices", namespace: "default", name: object.metadata.name ?? "" };
        const change = (current: StoredObject | undefined): StoredObject => ({
          ...object,
          metadata: { ...current?.metadata, ...object.metadata },
        });
        await this.#objects.write([{ verb: "modify", name, change, mayCreate: true }]);
        return;
      }
      case "kubectl apply":
        return run(kubectlBinary(), ["--kubeconfig", this.#kubeconfig, "apply", "-f", file]);
      case "mizzen apply":
      case "mizzen apply --wait":
        return run(process.execPath, [LAUNCHER, ...way.split(" ").slice(1), "-f", file, "--data-dir", this.#mesh.dataDirectory]);
    }
  }

  async #distribution(name: string): Promise<ObjectDistribution | undefined> {
    const query = new URLSearchParams({ kind: "VirtualService", namespace: "default", name });
    const response = await fetch(`http://127.0.0.1:${this.#port}/debug/config_distribution?${query.toString()}`);
    const text = await response.text();
    return response.ok ? (JSON.parse(text) as ObjectDistribution) : undefined;
  }
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", fail);
    child.on("close", (code) => (code === 0 ? done() : fail(new Error(`${program} ended with ${code}`))));
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export async function measureApplyToLive(): Promise<readonly LiveRow[]> {
  const mesh = await LiveMesh.start();
  try {
    const rows: LiveRow[] = [];
    for (const way of Object.keys(WAYS) as Way[]) rows.push(await mesh.measure(way));
    return rows;
  } finally {
    await mesh.stop();
  }
}
