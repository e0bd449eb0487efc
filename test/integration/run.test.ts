// Applications that join from another terminal: with and without YAML, with probes that fail and recover, and all the ways to go.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../harness/free-port.ts";
import { call, eventually, LAUNCHER, startMesh } from "../harness/mesh.ts";
import type { TestMesh } from "../harness/mesh.ts";

// What a user's own program may look like: it knows PORT and HOST, and nothing of the mesh.
const PROGRAM = `
const http = require("node:http");
let healthy = true;
http.createServer((request, response) => {
  if (request.url === "/flip") { healthy = !healthy; return response.end(String(healthy)); }
  if (request.url === "/health") { response.statusCode = healthy ? 200 : 500; return response.end(); }
  if (request.url === "/environment") return response.end(JSON.stringify(process.env));
  if (request.url === "/slow") return setTimeout(() => response.end("slow"), 800);
  if (request.url.startsWith("/call/")) {
    return fetch(request.url.slice(6)).then(async (answer) => response.end(await answer.text()), (error) => response.end(String(error.cause)));
  }
  response.end(process.argv[2] ?? "application");
}).listen(Number(process.argv[3] ?? process.env.PORT), process.env.HOST);
`;

const GROUPS = `apiVersion: v1
kind: Service
metadata: {name: probed}
spec: {ports: [{port: 8000, name: http}], selector: {app: probed}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: probed-http}
spec:
  template: {labels: {app: probed}, ports: {http: 8000}}
  probe: {periodSeconds: 1, failureThreshold: 1, httpGet: {path: /health, port: 8000}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: probed-tcp}
spec:
  template: {labels: {app: probed}, ports: {http: 8000}}
  probe: {periodSeconds: 1, failureThreshold: 1, tcpSocket: {port: 8000}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: probed-exec}
spec:
  template: {labels: {app: probed}, ports: {http: 8000}}
  probe: {periodSeconds: 1, failureThreshold: 1, exec: {command: [test, -f, PATH_OF_A_FILE]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hello}
spec:
  hosts: [hello.example]
  gateways: [bookinfo-gateway]
  http: [{route: [{destination: {host: hello}}]}]
`;

let mesh: TestMesh;
let program: string;
let flag: string;
const running = new Set<ChildProcess>();

before(async () => {
  mesh = await startMesh();
  program = join(mesh.directory, "program.cjs");
  flag = join(mesh.directory, "flag");
  writeFileSync(program, PROGRAM);
  writeFileSync(flag, "");
  mesh.write("groups.yaml", GROUPS.replace("PATH_OF_A_FILE", flag));
});
after(async () => {
  for (const child of running) child.kill("SIGKILL");
  await mesh.stop();
});

interface Run {
  readonly child: ChildProcess;
  readonly exited: Promise<number | string | null>;
  output(): string;
  says(pattern: RegExp): Promise<string>;
}

/** `mizzen run ARGS`, as from another terminal. */
function run(...args: string[]): Run {
  const child = spawn(process.execPath, [LAUNCHER, "run", "--data-dir", mesh.dataDirectory, ...args], {
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | string | null>((done) => {
    child.on("close", (code, signal) => {
      running.delete(child);
      done(code ?? signal);
    });
  });
  return {
    child,
    exited,
    output: () => output,
    says: (pattern) =>
      eventually(`mizzen run says ${pattern}`, 10_000, () => pattern.exec(output)?.[0]).catch((error: unknown) => {
        throw new Error(`it said:\n${output}`, { cause: error });
      }),
  };
}

/** How many endpoints the gateway has for a service's port. */
async function endpoints(host: string): Promise<number> {
  const { stdout, stderr, code } = await mesh.cli("proxy-config", "endpoints", "istio-ingressgateway");
  assert.equal(code, 0, stderr);
  return stdout.split("\n").filter((line) => line.endsWith(`||${host}.default.svc.cluster.local`)).length;
}

const hasEndpoints = (host: string, wanted: number): Promise<true> =>
  eventually(`${host} has ${wanted} endpoints`, 8000, async () => ((await endpoints(host)) === wanted ? true : undefined));

const hello = (path: string) => call(`${mesh.gateway}${path}`, { headers: { host: "hello.example" } });

test("an application joins as a service without YAML, is told what it needs, and is drained on SIGTERM", async () => {
  const port = await freePort();
  const one = run("--service", "hello", "--port", String(port), "--", process.execPath, program);
  await one.says(/hello-v1-1 is live/);
  for (const part of ["kind: Service", "kind: WorkloadGroup", `port: ${port}`]) assert.ok(one.output().includes(part), one.output());
  await eventually("the gateway's route is there", 5000, async () => (await hello("/")).status === 200);
  const environment = JSON.parse((await hello("/environment")).body) as Record<string, string>;
  const proxy = environment["HTTP_PROXY"];
  assert.match(proxy ?? "", /^http:\/\/127\.\d+\.\d+\.\d+:\d+$/);
  assert.deepEqual(
    ["PORT", "HOST", "http_proxy", "NODE_USE_ENV_PROXY", "NO_PROXY", "no_grpc_proxy"].map((name) => environment[name]),
    [String(port), "127.0.0.1", proxy, "1", "localhost,127.0.0.1,::1", "*"],
  );
  assert.match((await hello("/call/http://reviews:9080/reviews/0")).body, /"podname":"reviews-v/);
  assert.match((await mesh.cli("ps")).stdout, /hello-v1-1\.default .* yes\n/);

  const two = run("--service", "hello", "--port", String(port), "--", process.execPath, program, "second");
  await two.says(/port \d+ of this machine is taken/);
  await two.says(/hello-v1-2 is live/);
  assert.equal(await endpoints("hello"), 2);

  const slow = [hello("/slow"), hello("/slow"), hello("/slow"), hello("/slow")];
  await new Promise((done) => setTimeout(done, 100));
  one.child.kill("SIGTERM");
  const during: number[] = [];
  for (let nth = 0; nth < 40; nth++) during.push((await hello("/")).status);
  assert.deepEqual([...new Set([...during, ...(await Promise.all(slow)).map(({ status }) => status)])], [200], "no request fails");
  assert.equal(await one.exited, 0);
  assert.match(one.output(), /draining/);
  assert.equal(await endpoints("hello"), 1);

  two.child.kill("SIGTERM");
  assert.equal(await two.exited, 0);
  await eventually("the service is gone with its last instance", 5000, async () => (await hello("/")).status === 503);
});

test("an instance joins a group and leaves when its probe fails, by http, tcp and exec", async () => {
  const runs = new Map<string, Run>();
  const ports = new Map<string, string>();
  for (const kind of ["http", "tcp", "exec"]) runs.set(kind, run("--group", `probed-${kind}`, "--", process.execPath, program));
  for (const [kind, started] of runs) {
    await started.says(/is live/);
    ports.set(kind, /127\.0\.0\.1:(\d+) \(PORT\)/.exec(started.output())?.[1] ?? "");
  }
  assert.equal(await endpoints("probed"), 3);
  assert.equal((await call(`http://127.0.0.1:${ports.get("http")}/flip`)).body, "false");
  await hasEndpoints("probed", 2);
  assert.equal((await call(`http://127.0.0.1:${ports.get("http")}/flip`)).body, "true");
  await hasEndpoints("probed", 3);

  rmSync(flag);
  await hasEndpoints("probed", 2);
  writeFileSync(flag, "");
  await hasEndpoints("probed", 3);

  // The command itself is killed: its program must not stay behind, nor its endpoint.
  runs.get("tcp")?.child.kill("SIGKILL");
  await hasEndpoints("probed", 2);
  await eventually("the program ends with its command", 5000, async () =>
    call(`http://127.0.0.1:${ports.get("tcp")}/`).then(
      () => undefined,
      () => true as const,
    ),
  );
  for (const kind of ["http", "exec"]) {
    runs.get(kind)?.child.kill("SIGTERM");
    assert.equal(await runs.get(kind)?.exited, 0);
  }
  await hasEndpoints("probed", 0);
});

test("mizzen run ends as its program ends", async () => {
  const port = await freePort();
  const [seven, killed, fine] = await Promise.all(
    ["exit 7", "kill -9 $$", "exit 0"].map(
      (script, nth) => run("--service", `ends-${nth}`, "--port", String(port + nth), "--", "sh", "-c", script).exited,
    ),
  );
  assert.deepEqual([seven, killed, fine], [7, 137, 0]);
});

test("what cannot join is told why, in one line", async () => {
  const wrong: readonly [readonly string[], number, RegExp][] = [
    [["--group", "nope", "--", "sh"], 1, /^mizzen: there is no WorkloadGroup nope; known: details-v1, /],
    [["--service", "Hello", "--port", "3000", "--", "sh"], 1, /^mizzen: "Hello" cannot be the name of a service/],
    [["--service", "hello", "--", "sh"], 2, /^mizzen: --service needs --port/],
    [["--service", "hello", "--port", "3000"], 2, /^mizzen: no command: put it behind --/],
    [["--service", "hello", "--port", "3000", "--", "no-such-program"], 1, /^mizzen: there is no program "no-such-program" on PATH/],
    [["--", "sh"], 2, /^mizzen: say what joins/],
  ];
  for (const [args, code, says] of wrong) {
    const answer = run(...args);
    assert.equal(await answer.exited, code, answer.output());
    assert.match(answer.output(), says);
    assert.equal(answer.output().trimEnd().split("\n").length, 1, answer.output());
  }
});

test("a program that listens elsewhere is told so, and ends with the mesh", async () => {
  const [port, elsewhere] = [await freePort(), await freePort()];
  const lost = run("--service", "lost", "--port", String(port), "--", process.execPath, program, "lost", String(elsewhere));
  await lost.says(new RegExp(`lost-v1-1 is not live yet: nothing answers on 127\\.0\\.0\\.1:${port}`));
  const down = await mesh.cli("down");
  assert.equal(down.code, 0, down.stderr);
  assert.match(down.stdout, /^stopped the mesh \(pid \d+\)\n$/);
  await lost.says(/the mesh is being stopped/);
  assert.equal(await lost.exited, 0);
});
