// The tasks of Istio's documentation on Bookinfo, step by step as they stand there, once with kubectl and once with mizzen in kubectl's
// place. What counts is what the gateway answers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { freePort } from "../harness/free-port.ts";
import { call, callThroughProxy, eventually, LAUNCHER, ROOT, startMesh, type TestMesh } from "../harness/mesh.ts";
import { kubectlBinary } from "../harness/tools.ts";

const NETWORKING = join(ROOT, "samples/bookinfo/networking");
const RULES = join(ROOT, "samples/bookinfo/destination-rule-all.yaml");

type Tool = (args: readonly string[], stdin?: string) => Promise<string>;

/** Runs to its end. @throws Error with what it said when it fails */
function run(command: string, args: readonly string[], environment: Readonly<Record<string, string>>, stdin = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, NO_COLOR: "1", ...environment }, stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.on("error", () => undefined); // it may end without having read
    child.stdin.end(stdin);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}`));
    });
  });
}

const TOOLS: Readonly<Record<string, (mesh: TestMesh) => Tool>> = {
  kubectl: (mesh) => (args, stdin) => run(kubectlBinary(), args, { KUBECONFIG: join(mesh.dataDirectory, "kubeconfig") }, stdin),
  mizzen: (mesh) => (args, stdin) => run(process.execPath, [LAUNCHER, ...args, "--data-dir", mesh.dataDirectory], {}, stdin),
};

interface Page {
  readonly status: number;
  readonly stars: "none" | "black" | "red" | "unavailable" | "error";
  readonly ms: number;
}

async function page(mesh: TestMesh, user?: string): Promise<Page> {
  const headers = user === undefined ? {} : { cookie: await signIn(mesh, user) };
  const { status, body, ms } = await call(`${mesh.gateway}/productpage`, { headers });
  const stars = body.includes("Error fetching product reviews")
    ? "error"
    : body.includes("Ratings service is currently unavailable")
      ? "unavailable"
      : ((/class="stars (black|red)"/u.exec(body)?.[1] as "black" | "red" | undefined) ?? "none");
  return { status, stars, ms };
}

async function signIn(mesh: TestMesh, user: string): Promise<string> {
  const answer = await call(`${mesh.gateway}/login`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: `username=${user}&passwd=${user}`,
  });
  const cookies = [answer.headers["set-cookie"] ?? []].flat();
  assert.ok(cookies.length > 0, "signing in gives a cookie");
  return cookies.map((cookie) => cookie.split(";")[0]).join("; ");
}

async function pages(mesh: TestMesh, count: number, user?: string): Promise<readonly Page["stars"][]> {
  const seen: Page["stars"][] = [];
  for (let left = count; left > 0; left--) {
    const { status, stars } = await page(mesh, user);
    assert.equal(status, 200);
    seen.push(stars);
  }
  return seen;
}

const MIRROR = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
    - reviews
  http:
    - route:
        - destination:
            host: reviews
            subset: v1
          weight: 100
      mirror:
        host: reviews
        subset: v3
      mirrorPercentage:
        value: 100.0
`;

const CIRCUIT_BREAKER = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: details
spec:
  host: details
  trafficPolicy:
    connectionPool:
      tcp:
        maxConnections: 1
      http:
        http1MaxPendingRequests: 1
        maxRequestsPerConnection: 1
  subsets:
    - name: v1
      labels:
        version: v1
`;

function gatewayOn(port: number): string {
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: details-gateway
spec:
  selector:
    istio: ingressgateway
  servers:
    - port:
        number: ${port}
        name: http
        protocol: HTTP
      hosts:
        - details.example.com
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: details-outside
spec:
  hosts:
    - details.example.com
  gateways:
    - details-gateway
  http:
    - match:
        - uri:
            prefix: /details
      route:
        - destination:
            host: details
            port:
              number: 9080
`;
}

async function statistic(mesh: TestMesh, workload: string, pattern: RegExp): Promise<number> {
  const { address, adminPort } = await mesh.sidecar(workload);
  const { body } = await call(`http://${address}:${adminPort}/stats`);
  return [...body.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
}

for (const [name, toolFor] of Object.entries(TOOLS)) {
  describe(`Bookinfo's tasks by ${name}`, () => {
    let mesh: TestMesh;
    let tool: Tool;

    /** Applies, and waits until every proxy has it: what follows is the outcome, not the way there. */
    async function apply(file: string, stdin?: string): Promise<void> {
      const output = await tool(["apply", "-f", file, ...(name === "mizzen" ? ["--wait"] : [])], stdin);
      if (name === "mizzen") assert.match(output, /\nlive on (\d+) of \1 proxies in \d+ ms\n$/);
      else
        for (const [, kind = "", object = ""] of output.matchAll(/^(\w+)\.networking\.istio\.io\/(\S+) /gmu)) {
          const waited = await mesh.cli("wait", "--for=distribution", `${kind}/${object}`);
          assert.equal(waited.code, 0, waited.stderr);
        }
    }

    before(async () => {
      // The documentation applies the rules in a step of its own: they are no file of the mesh.
      mesh = await startMesh({ files: { "destination-rule-all.yaml": "" } });
      tool = toolFor(mesh);
      await apply(RULES);
    });
    after(() => mesh?.stop());

    it("request routing: all to v1, then jason to v2", async () => {
      await apply(join(NETWORKING, "virtual-service-all-v1.yaml"));
      assert.deepEqual([...new Set(await pages(mesh, 6))], ["none"]);
      await apply(join(NETWORKING, "virtual-service-reviews-test-v2.yaml"));
      assert.deepEqual([...new Set(await pages(mesh, 3, "jason"))], ["black"]);
      assert.deepEqual([...new Set(await pages(mesh, 3))], ["none"]);
    });

    it("fault injection: a delay that finds a bug, and an abort", async () => {
      await apply(join(NETWORKING, "virtual-service-ratings-test-delay.yaml"));
      const delayed = await page(mesh, "jason");
      assert.equal(delayed.stars, "error");
      assert.ok(delayed.ms >= 5900 && delayed.ms < 9000, `the page gives up after 6 s, not ${delayed.ms} ms`);
      assert.ok((await page(mesh)).ms < 2000);
      await apply(join(NETWORKING, "virtual-service-ratings-test-abort.yaml"));
      assert.equal((await page(mesh, "jason")).stars, "unavailable");
      assert.equal((await page(mesh)).stars, "none");
    });

    it("traffic shifting: half to v3, then all", async () => {
      await apply(join(NETWORKING, "virtual-service-all-v1.yaml"));
      await apply(join(NETWORKING, "virtual-service-reviews-50-v3.yaml"));
      const seen = await pages(mesh, 100);
      const red = seen.filter((stars) => stars === "red").length;
      // Beyond five standard deviations once in two million runs.
      assert.ok(red >= 25 && red <= 75, `${red} of 100 pages have red stars`);
      assert.equal(seen.filter((stars) => stars === "none").length, 100 - red);
      await apply(join(NETWORKING, "virtual-service-reviews-v3.yaml"));
      assert.deepEqual([...new Set(await pages(mesh, 6))], ["red"]);
    });

    it("request timeouts: half a second for reviews while ratings are late", async () => {
      await apply(join(NETWORKING, "virtual-service-reviews-timeout.yaml"));
      const { stars, ms } = await page(mesh);
      assert.equal(stars, "error");
      assert.ok(ms >= 950 && ms < 2000, `two tries of half a second, not ${ms} ms`);
      await apply(join(NETWORKING, "virtual-service-all-v1.yaml"));
      assert.equal((await page(mesh)).stars, "none");
    });

    it("mirroring: v1 answers, v3 gets a copy of every request", async () => {
      await apply("-", MIRROR);
      const before = await statistic(mesh, "reviews-v3", /^http\.inbound\S*\.downstream_rq_total: (\d+)$/gmu);
      assert.deepEqual([...new Set(await pages(mesh, 5))], ["none"]);
      await eventually("v3 has got the copies", 30_000, async () => {
        const now = await statistic(mesh, "reviews-v3", /^http\.inbound\S*\.downstream_rq_total: (\d+)$/gmu);
        return now - before === 5 ? true : undefined;
      });
    });

    it("circuit breaking: what is too much for one connection is refused", async () => {
      await apply("-", CIRCUIT_BREAKER);
      const { address, httpProxyPort } = await mesh.sidecar("productpage-v1");
      const through = { address, port: httpProxyPort };
      const answers = await Promise.all(Array.from({ length: 30 }, () => callThroughProxy(through, "http://details:9080/details/0")));
      const statuses = answers.map(({ status }) => status);
      assert.ok(statuses.includes(200) && statuses.includes(503), `got ${[...new Set(statuses)].join(", ")}`);
      const refused = answers.find(({ status }) => status === 503);
      assert.equal(refused?.headers["x-envoy-overloaded"], "true");
      await apply(RULES);
      assert.equal((await callThroughProxy(through, "http://details:9080/details/0")).status, 200);
    });

    it("ingress gateways: a host of its own on a port of its own", async () => {
      const port = await freePort();
      await apply("-", gatewayOn(port));
      const ask = (path: string, host: string): Promise<number> =>
        call(`http://127.0.0.1:${port}${path}`, { headers: { host } }).then(({ status }) => status);
      await eventually("the port is open", 30_000, async () => (await ask("/details/0", "details.example.com")) === 200 || undefined);
      assert.equal(await ask("/other", "details.example.com"), 404);
      assert.equal(await ask("/details/0", "elsewhere.example.com"), 404);
    });

    it("cleaning up: what was applied goes, and reviews are of every version again", async () => {
      await tool(["delete", "-f", join(NETWORKING, "virtual-service-all-v1.yaml")]);
      await eventually("all versions answer", 30_000, async () => new Set(await pages(mesh, 9)).size === 3 || undefined);
    });
  });
}
