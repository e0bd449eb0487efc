// The commands around a running mesh, as somebody who knows istioctl and kubectl types them; what they print, how they fail, how the
// mesh ends.
// Runs alone: it measures how fast a mesh ends.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { call, eventually, LAUNCHER, runCli, startMesh } from "../harness/mesh.ts";
import type { TestMesh } from "../harness/mesh.ts";

// A workload that wants to stay: only a second Ctrl-C, or time, ends it.
const STUBBORN = `apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata:
  name: stubborn-v1
  annotations: {mizzen.io/run: "trap '' TERM; while :; do sleep 1; done"}
spec:
  template: {labels: {app: stubborn}}
`;

let mesh: TestMesh;
const work = mkdtempSync(join(tmpdir(), "mizzen-cli-"));
before(async () => {
  mesh = await startMesh({ env: { NO_COLOR: "", FORCE_COLOR: "1" } });
  await call(`${mesh.gateway}/productpage`);
});
after(async () => {
  await mesh.stop();
  rmSync(work, { recursive: true, force: true });
});

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function assertFails(answer: Answer, code: number, says: RegExp): void {
  assert.equal(answer.code, code, answer.stderr);
  assert.match(answer.stderr, says);
  assert.equal(answer.stdout, "");
  assert.equal(answer.stderr.trimEnd().split("\n").length, 1, `more than a line: ${answer.stderr}`);
}

test("every process of the mesh is gone after kill -9 of mizzen up, and the next one starts", async () => {
  const doomed = await startMesh({ keepDirectory: true });
  const status = await doomed.status();
  const pids = [status.controlPlane.pid, status.dataPlane.pid, ...status.proxies.map(({ pid }) => pid)].filter((pid) => pid !== undefined);
  assert.ok(pids.length > 7);
  // The process that supervises, not its launcher: nobody is left to end anything in order.
  process.kill(doomed.handle().pid, "SIGKILL");
  const alive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await eventually("no orphan is left", 10_000, () => !pids.some(alive) || undefined);
  const stale = await doomed.cli("proxy-status");
  assertFails(stale, 1, /^mizzen: no mesh is running \(looked in .*\); start one with `mizzen up -f DIR`/);
  const again = spawn(process.execPath, [LAUNCHER, "up", "-f", doomed.directory, "--data-dir", doomed.dataDirectory], {
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  again.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await eventually("the next start is ready", 15_000, () => output.includes("Ready in") || undefined);
  again.kill("SIGTERM");
  await new Promise((done) => again.on("close", done));
  rmSync(join(doomed.directory, ".."), { recursive: true, force: true });
});

test("mizzen up shows Envoy's access log behind coloured names", async () => {
  const line = await eventually("the gateway logs the request", 5000, () =>
    mesh
      .output()
      .split("\n")
      .find((one) => one.includes("istio-ingressgateway-1/proxy") && one.includes("GET /productpage ")),
  );
  // The name's colour, the name, and the colour ends before the line itself.
  assert.ok(line.startsWith("\u001B["), line);
  assert.match(line, /^.\[\d+mistio-ingressgateway-1\/proxy *\|.\[39m \[/);
  assert.match(
    line,
    /\] "GET \/productpage HTTP\/1\.1" 200 - via_upstream - "-" 0 \d+ \d+ \d+ "127\.0\.0\.1" "-" "[0-9a-f-]{36}" "127\.0\.0\.1:\d+" "[\d.]+:9080" outbound\|9080\|\|productpage\.default\.svc\.cluster\.local [\d.:]+ 127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+ - -$/,
  );
  assert.ok(!(await mesh.cli("ps")).stdout.includes("\u001B"), "no colour where NO_COLOR is set");
});

test("proxy-status shows each proxy, as a table, JSON and YAML", async () => {
  const { stdout, code } = await mesh.cli("ps");
  assert.equal(code, 0);
  const [head, ...rows] = stdout.trimEnd().split("\n");
  assert.match(head ?? "", /^NAME +CDS +LDS +EDS +RDS +VERSION +CAPTURED$/);
  assert.equal(rows.length, 7);
  for (const row of rows) assert.match(row, /^\S+\.(?:default|istio-system) +(?:SYNCED +){4}\d+\.\d+\.\d+ +(?:yes|-|NOT CAPTURED)$/);
  assert.match(stdout, /^productpage-v1-1\.default .* yes$/m);
  assert.match(stdout, /^details-v1-1\.default .* NOT CAPTURED$/m);
  const json = JSON.parse((await mesh.cli("proxy-status", "-o", "json")).stdout) as { name: string; types: Record<string, string> }[];
  assert.equal(json.find(({ name }) => name === "istio-ingressgateway-1.istio-system")?.types["LDS"], "SYNCED");
  assert.match((await mesh.cli("ps", "-o", "yaml")).stdout, /^- name: details-v1-1\.default$/m);
});

test("proxy-config shows istioctl's tables for names as istioctl takes them", async () => {
  const table = async (...args: string[]): Promise<string> => {
    const answer = await mesh.cli("pc", ...args);
    assert.equal(answer.code, 0, answer.stderr);
    return answer.stdout;
  };
  const listeners = await table("listeners", "productpage-v1-1.default");
  assert.match(listeners, /^ADDRESSES +PORT +MATCH +DESTINATION\n/);
  assert.match(listeners, /Route: http_proxy/);
  assert.match(await table("route", "istio-ingressgateway"), /^NAME +VHOST NAME +DOMAINS +MATCH +VIRTUAL SERVICE\n[^]*bookinfo\.default/);
  const clusters = await table("c", "pod/productpage-v1-1");
  assert.match(clusters, /^SERVICE FQDN +PORT +SUBSET +DIRECTION +TYPE +DESTINATION RULE\n/);
  assert.match(clusters, /^reviews\.default\.svc\.cluster\.local +9080 +v2 +outbound +EDS +reviews\.default$/m);
  const endpoints = await table("ep", "productpage-v1");
  assert.match(endpoints, /^ENDPOINT +STATUS +OUTLIER CHECK +CLUSTER\n/);
  assert.match(endpoints, /^\S+:9080 +HEALTHY +OK +outbound\|9080\|v3\|reviews\.default\.svc\.cluster\.local$/m);
  for (const kind of ["listeners", "routes", "clusters"]) {
    const items = JSON.parse(await table(kind, "reviews-v1", "-o", "json")) as unknown[];
    assert.ok(Array.isArray(items) && items.length > 0, kind);
    assert.match(await table(kind, "reviews-v1", "-o", "yaml"), /^- /);
  }
});

test("the running mesh is found by a file that only its user can read, and a second one is refused", async () => {
  assert.equal(mesh.handle().sources[0], mesh.directory);
  const readable = readdirSync(mesh.dataDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => (statSync(file).mode & 0o077) !== 0);
  assert.deepEqual(readable, []);
  assert.equal(statSync(mesh.dataDirectory).mode & 0o777, 0o700);
  const second = await mesh.cli("up", "-f", mesh.directory);
  assertFails(
    second,
    1,
    new RegExp(`^mizzen: a mesh is already running: pid ${mesh.handle().pid}, serving ${mesh.directory}; stop it with`),
  );
});

test("what cannot be done is said in one line with the next step, and by the exit code", async () => {
  const nobody = { MIZZEN_DATA_DIR: join(work, "nobody") };
  const noMesh = /^mizzen: no mesh is running .*; start one with `mizzen up -f DIR`/;
  for (const args of [["ps"], ["down"], ["pc", "routes", "x"]]) assertFails(await runCli(args, nobody), 1, noMesh);
  assertFails(await runCli(["up", "-f", "no/such"], nobody), 1, /^mizzen: there is no file or directory no\/such; give one with -f/);
  assertFails(await runCli(["up"], nobody), 2, /^mizzen: nothing to run: give a directory with -f DIR/);
  assertFails(await runCli(["up", "--sample", "nope"], nobody), 1, /^mizzen: there is no sample "nope"; try --sample bookinfo/);
  assertFails(await runCli(["up", "-f", ".", "--log-level", "loud"], nobody), 2, /^mizzen: --log-level loud is not one of debug/);
  assertFails(await runCli(["frob"], nobody), 2, /^mizzen: unknown command 'frob'; see mizzen --help/);
  assertFails(await runCli(["pc", "routes"], nobody), 2, /^mizzen: missing required argument 'proxy'/);
  assertFails(await mesh.cli("pc", "frobs", "productpage-v1-1"), 2, /^mizzen: "frobs" is not one of listeners, routes/);
  assertFails(await mesh.cli("pc", "routes", "nope"), 1, /^mizzen: there is no proxy "nope"; the mesh has istio-ingressgateway-1\./);
  assertFails(await mesh.cli("pc", "routes", "reviews"), 1, /^mizzen: "reviews" could be reviews-v1-1\.default or /);
  assertFails(await mesh.cli("ps", "-o", "xml"), 2, /^mizzen: -o xml is not one of table, json, yaml/);
  const file = join(work, "file");
  writeFileSync(file, "");
  assertFails(
    await runCli(["up", "-f", "."], { MIZZEN_DATA_DIR: join(file, "below") }),
    1,
    /^mizzen: cannot use the data directory .*--data-dir/,
  );
});

test("help and version are there for everybody who asks", async () => {
  const help = await runCli(["--help"]);
  assert.equal(help.code, 0);
  assert.deepEqual(await runCli([]), help, "asked for nothing, it says what there is");
  for (const command of ["up", "down", "run", "proxy-status", "proxy-config", "control-plane", "version", "completion"]) {
    assert.match(help.stdout, new RegExp(`^  ${command}`, "m"));
    const own = await runCli([command, "--help"]);
    assert.equal(own.code, 0);
    assert.match(own.stdout, new RegExp(`^Usage: mizzen ${command}`));
  }
  const { clientVersion } = JSON.parse((await runCli(["version", "-o", "json"])).stdout) as { clientVersion: { version: string } };
  assert.equal((await runCli(["version"])).stdout, `mizzen ${clientVersion.version}\n`);
});

test("completion knows the proxies of the running mesh", async () => {
  const names = await runCli(["complete", "--", "pc", "routes", "re"], { MIZZEN_DATA_DIR: mesh.dataDirectory });
  assert.deepEqual(names.stdout.trimEnd().split("\n"), ["reviews-v1-1.default", "reviews-v2-1.default", "reviews-v3-1.default"]);
  const script = (await runCli(["completion", "bash"])).stdout;
  const checked = spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
  assert.deepEqual([checked.status, checked.stderr], [0, ""]);
});

test("JSON logs are JSON in every line, and a second Ctrl-C ends what does not want to end", async () => {
  const stubborn = await startMesh({ args: ["--log-format", "json"], files: { "stubborn.yaml": STUBBORN, "bad.yaml": "kind: Nope\n" } });
  await call(`${stubborn.gateway}/productpage`);
  await eventually("the request is logged", 5000, () => stubborn.output().includes("GET /productpage") || undefined);
  const workload = (await stubborn.status()).proxies.find(({ name }) => name === "stubborn-v1-1");
  assert.ok(workload?.pid !== undefined);
  const { pid } = workload;
  const ended = new Promise<number | null>((done) => stubborn.child.on("exit", done));
  stubborn.child.kill("SIGINT");
  await eventually(
    "it says that it stops",
    5000,
    () => stubborn.output().includes("stopping (SIGINT); again to kill at once") || undefined,
  );
  await new Promise((done) => setTimeout(done, 500));
  assert.equal(process.kill(pid, 0), true, "it is given time");
  const started = performance.now();
  stubborn.child.kill("SIGINT");
  assert.equal(await ended, 1);
  assert.ok(performance.now() - started < 2000);
  await eventually("the workload is gone", 2000, () => {
    try {
      process.kill(pid, 0);
      return undefined;
    } catch {
      return true;
    }
  });
  for (const line of stubborn.output().trimEnd().split("\n")) {
    const entry = JSON.parse(line) as { time: string; message: string };
    assert.match(entry.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal(typeof entry.message, "string");
  }
  await stubborn.stop();
});

test("Ctrl-C ends everything in order", async () => {
  const ended = new Promise<number | null>((done) => mesh.child.on("exit", done));
  mesh.child.kill("SIGINT");
  assert.equal(await ended, 0);
  assert.match(mesh.output(), /\nstopping \(SIGINT\); again to kill at once\n[^]*stopped\n$/);
});
