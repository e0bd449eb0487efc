// 200 changes of configuration under steady load, GET and POST: no failed request, no reset, no retry.
// Runs alone: it measures how fast changes are live.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { call, callThroughProxy, eventually, LAUNCHER, ROOT, startMesh } from "../harness/mesh.ts";
import type { TestMesh } from "../harness/mesh.ts";
import { startLoad } from "../harness/load.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const CHANGES = 200;
const PAUSE_MS = 150;

function virtualService(routes: readonly (readonly [subset: string, weight: number])[], retriesOff: boolean): string {
  const route = routes
    .map(([subset, weight]) => `        - destination: { host: reviews, subset: ${subset} }\n          weight: ${weight}`)
    .join("\n");
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - route:
${route}
${retriesOff ? "      retries: { attempts: 0 }\n" : ""}`;
}

function ratingsWithoutRetries(): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings }
spec:
  hosts: [ratings]
  http:
    - route: [{ destination: { host: ratings, subset: v1 } }]
      retries: { attempts: 0 }
`;
}

/** One more endpoint of reviews v3: the address of one that runs. */
function workloadEntry(address: string): string {
  return `apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: reviews-extra }
spec:
  address: ${address}
  ports: { http: 9080 }
  labels: { app: reviews, version: v3 }
`;
}

async function retries(mesh: TestMesh): Promise<number> {
  let sum = 0;
  for (const proxy of (await mesh.status()).proxies) {
    const text = (await call(`http://${proxy.address}:${proxy.adminPort}/stats?filter=upstream_rq_retry$`)).body;
    for (const match of text.matchAll(/upstream_rq_retry: (\d+)/g)) sum += Number(match[1]);
  }
  return sum;
}

async function changeUnderLoad(retriesOff: boolean): Promise<void> {
  const rules = readFileSync(join(ROOT, "samples/bookinfo/destination-rule-all.yaml"), "utf8");
  const mesh = await startMesh({
    files: {
      "destination-rule-all.yaml": rules,
      "task.yaml": virtualService([["v1", 100]], retriesOff),
      ...(retriesOff ? { "ratings.yaml": ratingsWithoutRetries() } : {}),
    },
  });
  try {
    const productpage = await mesh.sidecar("productpage-v1");
    const proxy = { address: productpage.address, port: productpage.httpProxyPort };
    const v3 = await mesh.sidecar("reviews-v3");
    const joined = spawn(
      process.execPath,
      [LAUNCHER, "run", "--group", "reviews-v2", "--data-dir", mesh.dataDirectory, "--", "node", join(mesh.directory, "reviews.ts")],
      {
        env: { ...process.env, NO_COLOR: "1", SERVICE_VERSION: "v2", PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"]}` },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let joinedOutput = "";
    joined.stdout.on("data", (chunk: Buffer) => (joinedOutput += chunk.toString()));
    joined.stderr.on("data", (chunk: Buffer) => (joinedOutput += chunk.toString()));
    await eventually("a second reviews-v2 is in", 15_000, async () => {
      if (joined.exitCode !== null) throw new Error(joinedOutput);
      const found = (await mesh.status()).proxies.filter(({ name }) => name.startsWith("reviews-v2-"));
      return found.length === 2 ? true : undefined;
    });
    const reviews = { url: "http://reviews:9080/reviews/0", proxy } as const;
    const body = JSON.stringify({ Reviewer1: 5, Reviewer2: 4 });
    const load = startLoad([
      { method: "GET", url: `${mesh.gateway}/api/v1/products/0/reviews` },
      { method: "GET", url: `${mesh.gateway}/productpage` },
      { method: "GET", ...reviews },
      { method: "GET", ...reviews },
      { method: "POST", url: "http://ratings:9080/ratings/0", proxy, body, headers: { "content-type": "application/json" } },
      { method: "POST", url: "http://ratings:9080/ratings/0", proxy, body, headers: { "content-type": "application/json" } },
    ]);
    const splits = [
      [["v1", 100]],
      [["v2", 100]],
      [["v3", 100]],
      [
        ["v1", 50],
        ["v3", 50],
      ],
      [
        ["v1", 80],
        ["v2", 20],
      ],
      [
        ["v2", 1],
        ["v3", 99],
      ],
    ] as const;
    let extra = false;
    for (let i = 0; i < CHANGES; i++) {
      if (i % 5 === 4) {
        if (extra) mesh.remove("extra.yaml");
        else mesh.write("extra.yaml", workloadEntry(v3.address));
        extra = !extra;
      } else if (i % 10 === 7) {
        // The subset goes from the rule and comes back; no route names it meanwhile.
        mesh.write("task.yaml", virtualService([["v1", 100]], retriesOff));
        await new Promise((done) => setTimeout(done, PAUSE_MS));
        mesh.write("destination-rule-all.yaml", i % 20 === 7 ? rules.replace(/ {4}- name: v3\n {6}labels:\n {8}version: v3\n/, "") : rules);
      } else {
        if (i % 10 === 8) mesh.write("destination-rule-all.yaml", rules);
        mesh.write("task.yaml", virtualService(splits[i % splits.length] ?? splits[0], retriesOff));
      }
      if (i === CHANGES / 2) joined.kill("SIGTERM");
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
    mesh.write("destination-rule-all.yaml", rules);
    mesh.write("task.yaml", virtualService([["v3", 100]], retriesOff));
    await eventually("the last change is live", 5000, async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => callThroughProxy(proxy, reviews.url)));
      return answers.every(({ body: text }) => text.includes('"red"')) ? true : undefined;
    });
    await eventually("the drained instance has ended", 15_000, () =>
      joined.exitCode !== null || joined.signalCode !== null ? true : undefined,
    );
    const report = await load.stop();
    assert.deepEqual(
      report.failures,
      [],
      `${report.failures.length} of ${report.sent} requests failed; the mesh said:\n${mesh
        .output()
        .split("\n")
        .filter((line) => !/" 200 /.test(line))
        .slice(-80)
        .join("\n")}`,
    );
    assert.ok(report.sent > 2000, `only ${report.sent} requests were sent`);
    assert.equal(await retries(mesh), 0);
    const rejected = JSON.stringify(JSON.parse((await mesh.debug("/debug/syncz")).body)).match(/"error":"[^"]+"/g) ?? [];
    assert.deepEqual(rejected, []);
  } finally {
    await mesh.stop();
  }
}

test("200 changes under load fail no request and cause no retry", { timeout: 180_000 }, () => changeUnderLoad(false));
test("200 changes under load fail no request with retries switched off", { timeout: 180_000 }, () => changeUnderLoad(true));
