// A real Envoy takes the place of the ingress gateway and of one sidecar, fed by our control plane: it must take every resource, and
// the same requests must get the same answers from it and from our own proxies.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gatewayMetadata, nodeId, registrationMetadata, sidecarMetadata } from "#agent/bootstrap";
import type { Endpoint, ProxyIdentity } from "#agent/bootstrap";
import { AgentChannel, HealthStream } from "#agent/health-stream";
import { ADMIN_PORT, HTTP_PROXY_PORT } from "#agent/instance-address";
import { realClock } from "#runtime/clock";
import { createLog } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { freeAddress } from "../harness/free-address.ts";
import { freePort } from "../harness/free-port.ts";
import { call, callThroughProxy, eventually, ROOT, startMesh } from "../harness/mesh.ts";
import type { Answer, TestMesh } from "../harness/mesh.ts";
import { startEnvoy } from "./envoy.ts";
import type { Envoy } from "./envoy.ts";
import { accessLogOf, LOG_FIELDS } from "./access-log.ts";
import { differences, echoOf, type Outcome, outcomeOf } from "./outcome.ts";
import { rawExchange, RAW_CASES } from "./raw-requests.ts";
import { CASES } from "./request-table.ts";
import type { RequestCase } from "./request-table.ts";

const ECHO_HOST = "echo.default.svc.cluster.local";
const INBOUND_PORT = 9080;
const TYPES = ["CDS", "LDS", "RDS", "EDS"] as const;

let mesh: TestMesh;
let gateway: Envoy;
let sidecar: Envoy;
let ratings: ChildProcess;
let ratingsPort: number;
let channel: AgentChannel;
let health: HealthStream;
let gatewayPort: number;
let gatewayAddress: string;
let sidecarAddress: string;
let ourSidecar: { readonly address: string; readonly port: number };
let debugOrigin: string;

interface SyncEntry {
  readonly proxy: string;
  readonly node: string;
  readonly types: Readonly<Record<string, { readonly status: string; readonly error?: string }>>;
}

async function syncz(): Promise<readonly SyncEntry[]> {
  return JSON.parse((await call(`${debugOrigin}/debug/syncz`)).body) as readonly SyncEntry[];
}

function controlPlanePorts(): { readonly grpcPort: number; readonly httpPort: number } {
  const ports = mesh.handle()["controlPlane"] as { grpcPort: number; httpPort: number } | undefined;
  assert.ok(ports !== undefined, "the mesh's handle names the control plane's ports");
  return ports;
}

before(async () => {
  const testdata = join(import.meta.dirname, "testdata");
  mesh = await startMesh({
    files: {
      "echo.yaml": readFileSync(join(testdata, "echo.yaml"), "utf8"),
      "echo.ts": readFileSync(join(testdata, "echo.ts"), "utf8"),
    },
  });
  const { grpcPort, httpPort } = await eventually("the handle names the control plane", 30_000, () => controlPlanePorts());
  debugOrigin = `http://127.0.0.1:${httpPort}`;
  gatewayPort = Number(new URL(mesh.gateway).port);
  const controlPlane: Endpoint = { address: "127.0.0.1", port: grpcPort };
  await startGateway(controlPlane);
  await startRatings(controlPlane);
  const productpage = (await syncz()).find(({ proxy }) => proxy.startsWith("productpage-v1-"));
  ourSidecar = { address: productpage?.node.split("~")[1] ?? "", port: HTTP_PROXY_PORT };
  await eventually("both versions of echo answer behind both gateways", 30_000, async () => {
    for (const origin of [mesh.gateway, envoyOrigin()]) {
      for (const headers of [{ host: ECHO_HOST }, { host: ECHO_HOST, "end-user": "jason" }]) {
        if ((await call(`${origin}/`, { headers })).status !== 200) return undefined;
      }
    }
    return true;
  });
});

after(async () => {
  health?.close();
  channel?.close();
  ratings?.kill("SIGKILL");
  await sidecar?.stop();
  await gateway?.stop();
  await mesh?.stop();
});

function envoyOrigin(): string {
  return `http://${gatewayAddress}:${gatewayPort}`;
}

async function startGateway(controlPlane: Endpoint): Promise<void> {
  gatewayAddress = await freeAddress([ADMIN_PORT, gatewayPort]);
  const identity: ProxyIdentity = {
    type: "router",
    name: "envoy-gateway-1",
    namespace: "istio-system",
    address: gatewayAddress,
    labels: { app: "istio-ingressgateway", istio: "ingressgateway" },
    serviceAccount: "istio-ingressgateway-service-account",
    workload: "envoy-gateway",
    version: "0.0.0",
  };
  const metadata = gatewayMetadata(identity, [gatewayAddress]);
  gateway = await startEnvoy({ identity, metadata, admin: { address: gatewayAddress, port: ADMIN_PORT }, controlPlanes: [controlPlane] });
}

/** One more instance of ratings, beside it Envoy instead of our sidecar, registered as our agent does it. */
async function startRatings(controlPlane: Endpoint): Promise<void> {
  ratingsPort = await freePort();
  sidecarAddress = await freeAddress([ADMIN_PORT, HTTP_PROXY_PORT, INBOUND_PORT]);
  ratings = spawn(process.execPath, [join(ROOT, "samples/bookinfo/ratings.ts")], {
    env: { ...process.env, PORT: String(ratingsPort), HOST: "127.0.0.1" },
    stdio: "ignore",
  });
  const identity: ProxyIdentity = {
    type: "sidecar",
    name: "ratings-v1-envoy",
    namespace: "default",
    address: sidecarAddress,
    labels: { app: "ratings", version: "v1" },
    serviceAccount: "bookinfo-ratings",
    workload: "ratings-v1",
    version: "0.0.0",
  };
  const application: Endpoint = { address: "127.0.0.1", port: ratingsPort };
  const port = { name: "http", number: INBOUND_PORT, protocol: "HTTP" };
  const metadata = sidecarMetadata(identity, [{ port, listenPort: INBOUND_PORT, application }], {
    address: sidecarAddress,
    port: HTTP_PROXY_PORT,
  });
  sidecar = await startEnvoy({ identity, metadata, admin: { address: sidecarAddress, port: ADMIN_PORT }, controlPlanes: [controlPlane] });
  const url = `http://127.0.0.1:${ratingsPort}/ratings/0`;
  // Its answers tell it from the other instance.
  await eventually(
    "the second ratings listens",
    30_000,
    async () => (await call(url, { method: "POST", body: '{"Envoy": 1}' })).status === 200,
  );
  channel = new AgentChannel(`127.0.0.1:${controlPlane.port}`);
  health = new HealthStream({
    channel,
    node: { id: nodeId(identity), cluster: "ratings.default", metadata: registrationMetadata(metadata, "ratings-v1") },
    clock: realClock,
    random: realRandom,
    log: createLog({ level: "off", format: "text", write: () => {}, wallMs: () => 0 }),
  });
  health.report({ state: "healthy" });
  assert.equal(await health.settled(10_000), true, "every proxy knows the second instance of ratings");
}

// A caller on loopback is known to Envoy's own caller by the address of the machine's network; to ours by the loopback address.
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

async function assertNothingRefused(envoy: Envoy, name: string): Promise<void> {
  // One counter for CDS and LDS, one for each route configuration and each cluster's endpoints.
  const rejected = await envoy.stats(String.raw`(^|\.)update_rejected$`);
  assert.deepEqual(
    [...rejected].filter(([, value]) => value > 0),
    [],
    `Envoy refused nothing\n${envoy.output().slice(-3000)}`,
  );
  for (const kind of ["cluster_manager.cds.", "listener_manager.lds.", ".rds.", "cluster.outbound|9080||"]) {
    assert.ok(
      [...rejected.keys()].some((stat) => stat.includes(kind)),
      `Envoy counts what it refuses of ${kind}`,
    );
  }
  const entry = (await syncz()).find((candidate) => candidate.proxy === name);
  assert.ok(entry !== undefined, `the control plane knows ${name}`);
  for (const type of TYPES) {
    assert.equal(entry.types[type]?.status, "SYNCED", `${name} ${type}: ${JSON.stringify(entry.types)}`);
    assert.equal(entry.types[type]?.error, undefined);
  }
  assert.ok((await envoy.stat("cluster_manager.cds.update_success")) > 0);
  assert.ok((await envoy.stat("listener_manager.lds.update_success")) > 0);
}

test("a real Envoy takes the configuration of a gateway whole", () => assertNothingRefused(gateway, "envoy-gateway-1.istio-system"));

test("a real Envoy takes the configuration of a sidecar whole", () => assertNothingRefused(sidecar, "ratings-v1-envoy.default"));

test("of the rules only those are errors that name what is not there", () => {
  const output = mesh.output();
  const errors = [...output.matchAll(/ error ([A-Z]+\d+) .*not found: "([^"]*)"/g)].map(([, code, name]) => [code, name]);
  assert.deepEqual(errors, [
    ["IST0101", "nowhere.example.com"],
    ["IST0101", "echo+undefined-one"],
  ]);
  assert.match(output, / error IST0173 DestinationRule default\/echo .*the subset nobody selects no workload/);
  assert.equal([...output.matchAll(/ error (?:IST|MZ)\d+ /g)].length, errors.length + 1, output.slice(0, 3000));
});

test("our own proxies take the same configuration whole", async () => {
  for (const { proxy, types } of await syncz()) {
    for (const [type, { status, error }] of Object.entries(types)) {
      assert.equal(error, undefined, `${proxy} ${type}`);
      assert.equal(status, "SYNCED", `${proxy} ${type}`);
    }
  }
});

test("requests through our gateway reach the instance behind Envoy's sidecar", async () => {
  const seen = new Set<boolean>();
  await eventually("both instances of ratings answer", 30_000, async () => {
    const answer = await call(`${mesh.gateway}/api/v1/products/0/ratings`);
    assert.equal(answer.status, 200, answer.body);
    seen.add(answer.body.includes("Envoy"));
    return seen.size === 2 ? true : undefined;
  });
});

test("the page comes through a gateway that is Envoy", async () => {
  const answer = await call(`${envoyOrigin()}/productpage`);
  assert.equal(answer.status, 200);
  assert.match(answer.body, /The Comedy of Errors/);
});

function send(testCase: RequestCase, through: "our gateway" | "Envoy's gateway" | "our sidecar" | "Envoy's sidecar"): Promise<Answer> {
  const headers: Record<string, string> = { "user-agent": testCase.name, ...testCase.headers };
  if (testCase.path.includes("flaky"))
    headers["x-try-key"] =
      `${testCase.name} ${through.startsWith("our") ? "A" : "B"} ${through.endsWith("gateway") ? "gateway" : "sidecar"}`;
  const options = { method: testCase.method ?? "GET", headers, ...(testCase.body === undefined ? {} : { body: testCase.body }) };
  switch (through) {
    case "our gateway":
    case "Envoy's gateway":
      headers["host"] = testCase.host ?? ECHO_HOST;
      return call(through === "our gateway" ? mesh.gateway : envoyOrigin(), { ...options, path: testCase.path });
    case "our sidecar":
      return callThroughProxy(ourSidecar, `http://${testCase.host ?? "echo:9090"}${testCase.path}`, options);
    case "Envoy's sidecar":
      return callThroughProxy(
        { address: sidecarAddress, port: HTTP_PROXY_PORT },
        `http://${testCase.host ?? "echo:9090"}${testCase.path}`,
        options,
      );
  }
}

for (const place of ["gateway", "sidecar"] as const) {
  test(`a ${place} of ours and Envoy give the same answers`, async (t) => {
    for (const testCase of CASES) {
      if (testCase.only !== undefined && testCase.only !== place) continue;
      await t.test(testCase.name, async () => {
        const ask = (): Promise<[Outcome, Outcome]> =>
          Promise.all([outcomeOf(send(testCase, `our ${place}`)), outcomeOf(send(testCase, `Envoy's ${place}`))]);
        let [ours, envoys] = await ask();
        for (let again = 0; again < 5 && testCase.races === true && differences(ours, envoys, ownAddress()).length > 0; again++)
          [ours, envoys] = await ask();
        if (testCase.breaks === true) assert.notEqual(envoys.broken, undefined, "the answer breaks off");
        else assert.equal(envoys.status, testCase.expect, `Envoy's status; ${JSON.stringify(envoys).slice(0, 500)}`);
        if (testCase.version !== undefined)
          assert.equal((envoys.body as { version?: string }).version, testCase.version, "the version that answered Envoy");
        assert.deepEqual(differences(ours, envoys, ownAddress()), []);
      });
    }
  });
}

for (const place of ["gateway", "sidecar"] as const) {
  test(`a ${place} of ours and Envoy log the same requests with the same codes, flags and details`, async () => {
    const cases = CASES.filter(({ only }) => only === undefined || only === place);
    const [name, envoy] = place === "gateway" ? ["istio-ingressgateway-1/proxy", gateway] : ["productpage-v1-1/proxy", sidecar];
    const read = () => [accessLogOf(mesh.output(), name), accessLogOf(envoy.output())] as const;
    // Both write their logs in batches.
    const [ours, envoys] = await eventually("both logs hold all requests", 30_000, () => {
      const logs = read();
      const missing = logs.map((log) => cases.filter((testCase) => !log.has(testCase.name)).map((testCase) => testCase.name));
      if (missing.flat().length > 0) throw new Error(`ours lacks ${missing[0]?.join("; ")}, Envoy's lacks ${missing[1]?.join("; ")}`);
      return logs;
    });
    const parts = cases.flatMap(({ name, breaks }) => {
      const [left, right] = [ours.get(name), envoys.get(name)];
      return (
        LOG_FIELDS.filter((field) => left?.[field] !== right?.[field])
          // How many bytes of a broken answer came through is a matter of time.
          .filter((field) => field !== "bytesSent" || breaks !== true)
          .map((field) => `${name}: ${field} of ours ${left?.[field]}, of Envoy ${right?.[field]}`)
      );
    });
    assert.deepEqual(parts, []);
  });
}

for (const place of ["gateway", "sidecar"] as const) {
  test(`a ${place} of ours and Envoy read unusual bytes alike`, async (t) => {
    const [our, envoy] =
      place === "gateway"
        ? [
            { address: "127.0.0.1", port: gatewayPort },
            { address: gatewayAddress, port: gatewayPort },
          ]
        : [ourSidecar, { address: sidecarAddress, port: HTTP_PROXY_PORT }];
    // Side by side: each waits until the connection has been silent for a while.
    const cases = RAW_CASES.filter(({ only }) => only === undefined || only === place);
    const exchanges = cases.map(({ bytes }) => Promise.all([rawExchange(our, bytes), rawExchange(envoy, bytes)]));
    for (const [index, { name, statuses, ours: onPurpose }] of cases.entries()) {
      await t.test(name, async () => {
        const [ours, envoys] = await exchanges[index]!;
        const both = `ours:\n${ours.text}\nEnvoy's:\n${envoys.text}`;
        assert.deepEqual(envoys.statuses, statuses, both);
        if (onPurpose === undefined) assert.deepEqual({ ...ours, text: "" }, { ...envoys, text: "" }, both);
        else assert.deepEqual(ours.statuses, onPurpose.statuses, both);
      });
    }
  });
}

test("a sidecar of ours and Envoy give the application's callers the same answers", async (t) => {
  const our = (await syncz()).find(({ proxy }) => proxy === "ratings-v1-1.default")?.node.split("~")[1] ?? "";
  for (const [name, path, options] of [
    ["ratings", "/ratings/7", {}],
    ["HEAD", "/ratings/7", { method: "HEAD" }],
    ["POST", "/ratings/8", { method: "POST", body: '{"Reviewer1": 3}' }],
    ["a body that is refused", "/ratings/8", { method: "POST", body: "x".repeat(100_000) }],
    ["another path", "/nothing", {}],
    ["another host", "/ratings/7", { headers: { host: "another.example" } }],
    [
      "headers of a caller's proxy",
      "/ratings/7",
      { headers: { "x-forwarded-for": "10.0.0.1", "x-envoy-attempt-count": "3", "x-request-id": "1" } },
    ],
  ] as const) {
    await t.test(name, async () => {
      const [ours, envoys] = await Promise.all(
        [our, sidecarAddress].map((address) =>
          outcomeOf(call(`http://${address}:${INBOUND_PORT}`, { headers: { host: "ratings:9080" }, ...options, path })),
        ),
      );
      assert.notEqual(envoys?.status, 0);
      assert.deepEqual(differences(ours!, envoys!), []);
    });
  }
});

test("a gateway of ours and Envoy split requests by weight", async () => {
  for (const origin of [mesh.gateway, envoyOrigin()]) {
    const answers = await Promise.all(Array.from({ length: 200 }, () => call(`${origin}/halves`, { headers: { host: ECHO_HOST } })));
    const second = answers.filter(({ body }) => echoOf(body)?.version === "v2").length;
    // Five standard deviations.
    assert.ok(second > 65 && second < 135, `${second} of 200 at ${origin}`);
  }
});

const ROUTE_ALL_TO = (version: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: live }
spec:
  hosts: [live.example]
  gateways: [bookinfo-gateway]
  http: [{ route: [{ destination: { host: echo, subset: ${version} } }] }]
`;

test("a saved change reaches Envoy and our gateway within a second, and no request fails", async () => {
  const headers = { host: "live.example" };
  const versionAt = async (origin: string): Promise<string | undefined> => echoOf((await call(`${origin}/`, { headers })).body)?.version;
  const live = async (version: string): Promise<number> => {
    mesh.write("live.yaml", ROUTE_ALL_TO(version));
    const started = performance.now();
    await eventually(`both gateways send to ${version}`, 30_000, async () => {
      const versions = await Promise.all([versionAt(mesh.gateway), versionAt(envoyOrigin())]);
      return versions.every((seen) => seen === version) ? true : undefined;
    });
    return performance.now() - started;
  };
  await live("v1");
  let loading = true;
  let requests = 0;
  const failures: string[] = [];
  const load = (async () => {
    while (loading) {
      requests++;
      const outcome = await outcomeOf(call(`${envoyOrigin()}/`, { ...(requests % 2 === 0 ? { method: "POST", body: "x" } : {}), headers }));
      if (outcome.status !== 200) failures.push(outcome.broken ?? String(outcome.status));
    }
  })();
  const times: number[] = [];
  for (let change = 0; change < 6; change++) times.push(await live(change % 2 === 0 ? "v2" : "v1"));
  loading = false;
  await load;
  assert.deepEqual(failures, [], `of ${requests} requests`);
  assert.ok(requests > 20, `${requests} requests were sent`);
  const shown = `changes took ${times.map(Math.round).join(", ")} ms`;
  // One of them may meet a busy machine; not most of them, and none for long.
  const sorted = times.toSorted((x, y) => x - y);
  assert.ok(sorted[times.length / 2]! < 1000, shown);
  assert.ok(sorted.at(-1)! < 3000, shown);
});

test("an instance behind Envoy that drains gets no more requests", async () => {
  health.report({ state: "draining" });
  assert.equal(await health.settled(10_000), true, "every proxy confirms it");
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(`${mesh.gateway}/api/v1/products/0/ratings`)));
  for (const answer of answers) assert.deepEqual([answer.status, answer.body.includes("Envoy")], [200, false]);
});

test("Envoy has refused nothing in the end", async () => {
  await assertNothingRefused(gateway, "envoy-gateway-1.istio-system");
  await assertNothingRefused(sidecar, "ratings-v1-envoy.default");
});
