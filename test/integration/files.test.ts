// The directory of a running mesh, as people and editors change it: what is saved is live in under a second, what is broken is refused
// with its place while the last good version serves, and a taken port costs one listener.
// Runs alone: it measures how fast changes are live.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../harness/free-port.ts";
import { call, eventually, startMesh } from "../harness/mesh.ts";
import type { TestMesh } from "../harness/mesh.ts";

let mesh: TestMesh;
before(async () => {
  mesh = await startMesh();
});
after(() => mesh.stop());

const LIVE_MS = 1000;

function virtualService(name: string, http: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
spec:
  hosts: ["*"]
  gateways: [bookinfo-gateway]
  http:
${http.trimEnd().replaceAll(/^/gm, "    ")}
`;
}

const answering = (name: string, text: string): string =>
  virtualService(name, `- match: [{uri: {exact: /${name}}}]\n  directResponse: {status: 200, body: {string: "${text}"}}`);

async function body(path: string): Promise<string> {
  return (await call(`${mesh.gateway}${path}`)).body;
}

/** Waits until the path answers so, and says how long that took since now. */
async function liveAfter(path: string, text: string): Promise<number> {
  const started = performance.now();
  await eventually(`${path} answers ${text}`, 5000, async () => (await body(path)) === text);
  return performance.now() - started;
}

/** What `mizzen up` printed since. */
function printing(): (pattern: RegExp, what?: string) => Promise<string> {
  const from = mesh.output().length;
  return (pattern, what = String(pattern)) =>
    eventually(`mizzen up prints ${what}`, 5000, () => pattern.exec(mesh.output().slice(from))?.[0]).catch((error: unknown) => {
      throw new Error(`it printed:\n${mesh.output().slice(from)}`, { cause: error });
    });
}

test("a saved file is live in under a second, and so is its removal", async () => {
  const times: number[] = [];
  for (let nth = 0; nth < 5; nth++) {
    mesh.write("live.yaml", answering("live", `n${nth}`));
    times.push(await liveAfter("/live", `n${nth}`));
  }
  assert.ok(Math.max(...times) < LIVE_MS, `took ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`);
  mesh.remove("live.yaml");
  const started = performance.now();
  await eventually("the route is gone", 5000, async () => (await call(`${mesh.gateway}/live`)).status === 404);
  assert.ok(performance.now() - started < LIVE_MS);
});

test("each feature of HTTP routes works as written", async () => {
  mesh.write(
    "features.yaml",
    virtualService(
      "features",
      `
- match: [{uri: {exact: /f/post}, method: {exact: POST}}]
  directResponse: {status: 201, body: {string: posted}}
- match: [{uri: {prefix: /f/h}, headers: {x-a: {exact: "1"}}}]
  directResponse: {status: 200, body: {string: exact}}
- match: [{uri: {prefix: /f/h}, headers: {x-a: {prefix: ab}}}]
  directResponse: {status: 200, body: {string: prefix}}
- match: [{uri: {prefix: /f/h}, headers: {x-a: {regex: "c+d"}}}]
  directResponse: {status: 200, body: {string: regex}}
- match: [{uri: {prefix: /f/h}, headers: {x-p: {}}}]
  directResponse: {status: 200, body: {string: present}}
- match: [{uri: {prefix: /f/h}, withoutHeaders: {x-n: {}}, authority: {prefix: foo}}]
  directResponse: {status: 200, body: {string: authority}}
- match: [{uri: {regex: "/f/r[0-9]+"}}]
  redirect: {uri: /gone, authority: other.example, redirectCode: 308}
- match: [{uri: {prefix: /f/q}, queryParams: {v: {exact: "2"}}}]
  directResponse: {status: 200, body: {string: query}}
- match: [{uri: {prefix: /f/reviews/}}]
  rewrite: {uri: /reviews/, authority: reviews}
  headers: {response: {set: {x-resp: "yes"}, remove: [content-type]}}
  route:
    - {destination: {host: reviews, subset: v2, port: {number: 9080}}, weight: 50}
    - {destination: {host: reviews, subset: v3, port: {number: 9080}}, weight: 50}
- match: [{uri: {prefix: /f/abort}}]
  fault: {abort: {httpStatus: 555, percentage: {value: 100}}}
  route: [{destination: {host: details}}]
- match: [{uri: {prefix: /f/slow}}]
  fault: {delay: {fixedDelay: 0.3s, percentage: {value: 100}}}
  rewrite: {uri: /health}
  route: [{destination: {host: details}}]
`,
    ),
  );
  await eventually("the routes are live", 5000, async () => (await call(`${mesh.gateway}/f/abort`)).status === 555);
  const get = (path: string, headers: Record<string, string> = {}) => call(`${mesh.gateway}${path}`, { headers });
  assert.equal((await call(`${mesh.gateway}/f/post`, { method: "POST", body: "x" })).status, 201);
  assert.equal((await get("/f/post")).status, 404);
  assert.equal((await get("/f/h", { "x-a": "1" })).body, "exact");
  assert.equal((await get("/f/h", { "x-a": "abc" })).body, "prefix");
  assert.equal((await get("/f/h", { "x-a": "ccd" })).body, "regex");
  assert.equal((await get("/f/h", { "x-p": "" })).body, "present");
  assert.equal((await get("/f/h", { host: "foo.example" })).body, "authority");
  assert.equal((await get("/f/h", { host: "foo.example", "x-n": "1" })).status, 404);
  const redirect = await get("/f/r12");
  assert.deepEqual([redirect.status, redirect.headers["location"]], [308, "http://other.example/gone"]);
  assert.equal((await get("/f/q?v=2")).body, "query");
  const names = new Set<string>();
  for (let nth = 0; nth < 30; nth++) {
    const reviews = await get("/f/reviews/0");
    assert.deepEqual([reviews.status, reviews.headers["x-resp"], reviews.headers["content-type"]], [200, "yes", undefined]);
    names.add((JSON.parse(reviews.body) as { podname: string }).podname);
  }
  assert.deepEqual([...names].toSorted(), ["reviews-v2-1", "reviews-v3-1"]);
  const slow = await get("/f/slow");
  assert.equal(slow.status, 200);
  assert.ok(slow.ms >= 300, `a delay of 300 ms took ${slow.ms.toFixed(0)} ms`);
  mesh.remove("features.yaml");
});

const good = answering("broken", "good");
const broken: readonly [what: string, text: string, place: string, says: RegExp][] = [
  ["a tab", good.replace("  hosts", "\thosts"), "6:1", /error MZ0001 .*tabs are not allowed/],
  [
    "an unknown field",
    good.replace("  hosts:", "  host:"),
    "6:3",
    /error MZ0002 VirtualService default\/broken spec\.host: .*did you mean "hosts"\?/,
  ],
  ["a wrong type", good.replace('["*"]', "[3]"), "6:11", /spec\.hosts\[0\]: must be a string, is a number \(write "3" in quotes\)/],
  [
    "a weight below 0",
    virtualService("broken", "- route:\n    - destination: {host: reviews}\n      weight: -1"),
    "11:19",
    /error IST0106 .*spec\.http\[0\]\.route\[0\]\.weight: must be 0 or more, is -1/,
  ],
  [
    "a missing host",
    virtualService("broken", "- route: [{destination: {subset: v1}}]"),
    "9:29",
    /spec\.http\[0\]\.route\[0\]\.destination\.host: is required and missing \(add host/,
  ],
  ["an unknown kind", good.replace("VirtualService", "VirtualServce"), "2:7", /error MZ0003 .*did you mean "VirtualService"\?/],
];

test("a broken file is refused with its place, and the last good version stays live", async () => {
  mesh.write("broken.yaml", good);
  await liveAfter("/broken", "good");
  for (const [what, text, place, says] of broken) {
    const printed = printing();
    mesh.write("broken.yaml", `${text}---\n${answering("beside", what)}`);
    const line = await printed(new RegExp(`[^\\n]*broken\\.yaml:${place}: error [^\\n]*`), `the place of ${what}`);
    assert.match(line, says);
    if (what === "a tab") continue; // The rest of a file with a syntax error may be anything.
    await liveAfter("/beside", what);
    // A file that names another kind holds the object no more; everything else is the last good version.
    if (what !== "an unknown kind") assert.equal(await body("/broken"), "good", what);
  }
  const printed = printing();
  mesh.write("broken.yaml", answering("broken", "repaired"));
  await liveAfter("/broken", "repaired");
  await printed(/gone: [^\n]*broken\.yaml:2:7: error MZ0003/);
  mesh.remove("broken.yaml");
});

test("editors' ways of saving lose nothing", async () => {
  const file = join(mesh.directory, "edited.yaml");
  mesh.write("edited.yaml", answering("edited", "one"));
  await liveAfter("/edited", "one");
  // vim: a backup, a new file under the old name, swap files beside it
  writeFileSync(join(mesh.directory, ".edited.yaml.swp"), "b0VIM");
  renameSync(file, `${file}~`);
  writeFileSync(file, answering("edited", "two"));
  rmSync(`${file}~`);
  rmSync(join(mesh.directory, ".edited.yaml.swp"));
  await liveAfter("/edited", "two");
  // sed -i: a file beside it, renamed over
  writeFileSync(join(mesh.directory, "sedX1"), answering("edited", "three"));
  renameSync(join(mesh.directory, "sedX1"), file);
  await liveAfter("/edited", "three");
  // truncate, and write a moment later
  writeFileSync(file, "");
  for (let nth = 0; nth < 5; nth++) assert.equal(await body("/edited"), "three");
  writeFileSync(file, answering("edited", "four"));
  await liveAfter("/edited", "four");
  mesh.remove("edited.yaml");
});

test("a folder as Kubernetes mounts it is followed when its link moves", async () => {
  const folder = join(mesh.directory, "mounted");
  for (const version of ["one", "two"]) {
    mkdirSync(join(folder, `..${version}`), { recursive: true });
    writeFileSync(join(folder, `..${version}`, "mounted.yaml"), answering("mounted", version));
  }
  const link = (to: string): void => {
    symlinkSync(`..${to}`, join(folder, "..tmp"));
    renameSync(join(folder, "..tmp"), join(folder, "..data"));
  };
  link("one");
  symlinkSync("mounted/..data/mounted.yaml", join(mesh.directory, "mounted.yaml"));
  await liveAfter("/mounted", "one");
  link("two");
  assert.ok((await liveAfter("/mounted", "two")) < LIVE_MS);
  mesh.remove("mounted.yaml");
});

test("what has no effect yet is said", async () => {
  const printed = printing();
  mesh.write(
    "no-effect.yaml",
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: no-effect}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: ${new URL(mesh.gateway).port}, name: http, protocol: HTTP}
      hosts: [no-effect.example.com]
      defaultEndpoint: 127.0.0.1:1
`,
  );
  await printed(/no-effect\.yaml:\d+:\d+: info MZ0004 Gateway default\/no-effect spec\.servers\[0\]\.defaultEndpoint: /);
  mesh.remove("no-effect.yaml");
});

test("a gateway port that is taken costs that listener only, is named, and heals", async () => {
  const [taken, free] = [await freePort(), await freePort()];
  const other = createServer();
  await new Promise<void>((done) => other.listen(taken, "127.0.0.1", done));
  const printed = printing();
  const server = (port: number): string => `    - {port: {number: ${port}, name: http-${port}, protocol: HTTP}, hosts: ["*"]}\n`;
  mesh.write(
    "ports.yaml",
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ports}
spec:
  selector: {istio: ingressgateway}
  servers:
${server(taken)}${server(free)}---
${virtualService("ports", "- route: [{destination: {host: productpage}}]").replace("bookinfo-gateway", "ports")}`,
  );
  const line = await printed(/[^\n]*error MZ0008: istio-ingressgateway-1[^\n]*/);
  assert.match(line, new RegExp(`127\\.0\\.0\\.1:${taken}.*stop that or choose another port`));
  await eventually("the free port is served", 5000, async () => (await call(`http://127.0.0.1:${free}/health`)).status === 200);
  const status = await mesh.cli("proxy-status");
  assert.match(status.stdout, /istio-ingressgateway-1\.istio-system +SYNCED +STALE/);
  assert.match(status.stdout, new RegExp(`refused LDS: .*127\\.0\\.0\\.1:${taken}`));

  await new Promise((done) => other.close(done));
  await printed(/gone: error MZ0008: istio-ingressgateway-1/);
  assert.equal((await call(`http://127.0.0.1:${taken}/health`)).status, 200);
  assert.match((await mesh.cli("proxy-status")).stdout, /istio-ingressgateway-1\.istio-system +SYNCED +SYNCED/);
  mesh.remove("ports.yaml");
});

test("the mesh's own settings are followed, from a file and from Istio's ConfigMap", async () => {
  const printed = printing();
  mesh.write("mesh.yaml", 'accessLogFile: /dev/stdout\naccessLogFormat: "AS-WRITTEN %RESPONSE_CODE%\\n"\n');
  await eventually("logs look as written", 5000, async () => {
    await call(`${mesh.gateway}/api/v1/products`);
    return mesh.output().includes("AS-WRITTEN 200");
  });
  mesh.remove("mesh.yaml");
  mesh.write(
    "config-map.yaml",
    `apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    accessLogFile: /dev/stdout
    accessLogFormat: "FROM-MAP %RESPONSE_CODE%\\n"
    defaultConfig: {nonsense: 1}
`,
  );
  await printed(/config-map\.yaml:8:21: error MZ0002 MeshConfig istio-system\/istio spec\.defaultConfig\.nonsense: unknown field/);
});
