// gRPC clients of other people's making get their routes, splits, timeouts, retries and limits from our control plane, without a proxy.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import { startLoneControlPlane, type LoneControlPlane } from "../harness/lone-control-plane.ts";
import { ROOT } from "../harness/mesh.ts";
import { pythonWith } from "../harness/tools.ts";

interface Echo {
  readonly port: number;
  stop(): void;
}

const SLOW_MS = 3_000;
const HELD_MS = 300;

/** Answers with its name; /Flaky fails every other time, /Slow takes long, /Held a while. */
async function startEcho(name: string): Promise<Echo> {
  let flaky = 0;
  type Answer = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => void;
  const answer =
    (after: number): Answer =>
    (_, done) =>
      void setTimeout(() => done(null, Buffer.from(name)), after);
  const fail: Answer = (_, done) =>
    flaky++ % 2 === 0 ? done({ code: status.UNAVAILABLE, details: "try again" }) : done(null, Buffer.from(name));
  const same = (bytes: Buffer): Buffer => bytes;
  const method = (path: string) => ({
    path: `/echo.Echo/${path}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  });
  const server = new Server();
  const service = {
    split: method("Split"),
    plain: method("Plain"),
    slow: method("Slow"),
    flaky: method("Flaky"),
    held: method("Held"),
    aborted: method("Aborted"),
  };
  server.addService(service, {
    split: answer(0),
    plain: answer(0),
    slow: answer(SLOW_MS),
    flaky: fail,
    held: answer(HELD_MS),
    aborted: answer(0),
  });
  const port = await new Promise<number>((done, failed) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error === null ? done(bound) : failed(error))),
  );
  return { port, stop: () => server.forceShutdown() };
}

function objects(ports: Readonly<Record<string, number>>): string {
  const workload = ([name, port]: [string, number]): string => {
    const [app, version] = name.split("-");
    return `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ${name}, namespace: default }
spec: { address: 127.0.0.1, ports: { grpc: ${port} }, labels: { app: ${app}, version: ${version} } }
---`;
  };
  const service = (name: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec: { clusterIP: None, selector: { app: ${name} }, ports: [{ name: grpc, port: 7070 }] }
---`;
  return `${service("echo")}${service("small")}${Object.entries(ports).map(workload).join("")}
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo, namespace: default }
spec: { host: echo, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: small, namespace: default }
spec: { host: small, trafficPolicy: { connectionPool: { http: { http2MaxRequests: 1 } } } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo, namespace: default }
spec:
  hosts: [echo]
  http:
  - match: [{ uri: { exact: /echo.Echo/Slow } }]
    timeout: 0.5s
    route: [{ destination: { host: echo, subset: v1 } }]
  - match: [{ uri: { exact: /echo.Echo/Flaky } }]
    retries: { attempts: 2, retryOn: unavailable }
    route: [{ destination: { host: echo, subset: v1 } }]
  - match: [{ uri: { exact: /echo.Echo/Aborted } }]
    fault: { abort: { percentage: { value: 100 }, grpcStatus: ABORTED } }
    route: [{ destination: { host: echo, subset: v1 } }]
  - match: [{ uri: { prefix: /echo.Echo/Split } }]
    route:
    - { destination: { host: echo, subset: v1 }, weight: 80 }
    - { destination: { host: echo, subset: v2 }, weight: 20 }
  - route: [{ destination: { host: echo, subset: v2 } }]
`;
}

let echoes: Echo[] = [];
let mesh: LoneControlPlane;
let folder: string;
let bootstrap: string;

before(async () => {
  const [v1, v2, small] = await Promise.all([startEcho("v1"), startEcho("v2"), startEcho("small")]);
  echoes = [v1, v2, small];
  mesh = await startLoneControlPlane(objects({ "echo-v1": v1.port, "echo-v2": v2.port, "small-v1": small.port }));
  folder = mkdtempSync(join(tmpdir(), "mizzen-proxyless-"));
  bootstrap = join(folder, "bootstrap.json");
  const node = {
    id: "sidecar~127.0.0.1~client-1.default~default.svc.cluster.local",
    locality: { region: "", zone: "" },
    metadata: { GENERATOR: "grpc", NAMESPACE: "default", CLUSTER_ID: "Kubernetes", LABELS: { app: "client" } },
  };
  const server = {
    server_uri: `127.0.0.1:${mesh.controlPlane.grpcPort}`,
    channel_creds: [{ type: "insecure" }],
    server_features: ["xds_v3"],
  };
  writeFileSync(bootstrap, JSON.stringify({ xds_servers: [server], node }));
});

after(async () => {
  for (const echo of echoes) echo.stop();
  await mesh.close();
  rmSync(folder, { recursive: true, force: true });
});

type Results = Readonly<Record<string, Readonly<Record<string, number>>>>;

function run(command: string, args: readonly string[]): Promise<Results> {
  // An environment of its own: a proxy for HTTP must not stand between a client and loopback.
  const env = { PATH: process.env["PATH"], HOME: folder, GRPC_XDS_BOOTSTRAP: bootstrap, no_proxy: "*" };
  return new Promise((done, failed) => {
    execFile(command, args, { env, timeout: 120_000 }, (error, output, errors) =>
      error === null ? done(JSON.parse(output) as Results) : failed(new Error(`${error.message}\n${errors.slice(-3000)}`)),
    );
  });
}

const CLIENTS = {
  "grpc-js-xds": (...args: string[]) => run(process.execPath, [join(ROOT, "test/interop/testdata/xds-client.ts"), ...args]),
  "Python's gRPC": (...args: string[]) => run(pythonWith("grpcio", "1.85.3"), [join(ROOT, "test/interop/testdata/xds_client.py"), ...args]),
};

for (const [name, client] of Object.entries(CLIENTS)) {
  test(`${name} splits by weight, matches methods, and obeys timeout, retries and faults`, async () => {
    const tasks = ["Split 200 8", "Plain 10 2", "Slow 1 1", "Flaky 4 1", "Aborted 2 1"].map((task) => `/echo.Echo/${task}`);
    const results = await client("xds:///echo.default.svc.cluster.local:7070", ...tasks);
    const split = results["/echo.Echo/Split"] ?? {};
    assert.equal((split["v1"] ?? 0) + (split["v2"] ?? 0), 200, JSON.stringify(split));
    assert.ok((split["v1"] ?? 0) > 130 && (split["v2"] ?? 0) > 10, JSON.stringify(split));
    assert.deepEqual(results["/echo.Echo/Plain"], { v2: 10 });
    assert.deepEqual(results["/echo.Echo/Slow"], { DEADLINE_EXCEEDED: 1 });
    assert.deepEqual(results["/echo.Echo/Flaky"], { v1: 4 });
    assert.deepEqual(results["/echo.Echo/Aborted"], { ABORTED: 2 });
  });

  test(`${name} holds the limit of requests that a DestinationRule sets`, async () => {
    const results = await client("xds:///small.default.svc.cluster.local:7070", "/echo.Echo/Plain 1 1", "/echo.Echo/Held 8 8");
    const held = results["/echo.Echo/Held"] ?? {};
    assert.deepEqual(results["/echo.Echo/Plain"], { small: 1 });
    assert.ok((held["small"] ?? 0) >= 1 && (held["UNAVAILABLE"] ?? 0) >= 4, JSON.stringify(held));
  });
}
