import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { Client, credentials, status, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import type { Finding } from "#api/finding";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { deltaAggregatedResources, streamAggregatedResources } from "#control-plane/xds/discovery-services";
import { CLUSTER_TYPE, ENDPOINT_TYPE, HEALTH_INFORMATION_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { startControlPlane, type ControlPlane, type PlacedWorkloadGroup } from "./control-plane.ts";

const BASE = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: { name: reviews-v2, namespace: default, annotations: { mizzen.io/run: node reviews.js } }
spec: { metadata: { labels: { app: reviews, version: v2 } }, template: {}, probe: { httpGet: { path: /health, port: 9080 } } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec: { host: reviews, subsets: [{ name: v2, labels: { version: v2 } }] }
`;
const SIDECAR = "sidecar~127.66.0.9~productpage-1.default~default.svc.cluster.local";
const SIDECAR_METADATA = { INTERCEPTION_MODE: "NONE", HTTP_PROXY_BIND: "127.66.0.9", HTTP_PROXY_PORT: 15001, MIZZEN_VERSION: "1.2.3" };
const WORKLOAD = "sidecar~127.66.0.5~reviews-v2-1.default~default.svc.cluster.local";

interface Mesh {
  readonly controlPlane: ControlPlane;
  readonly file: string;
  readonly client: Client;
  readonly findings: { fresh: Finding[]; gone: Finding[] };
  readonly groups: () => readonly PlacedWorkloadGroup[];
}

async function startMesh(t: TestContext): Promise<Mesh> {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-control-plane-"));
  const file = join(directory, "mesh-objects.yaml");
  writeFileSync(file, BASE);
  const findings: Mesh["findings"] = { fresh: [], gone: [] };
  let groups: readonly PlacedWorkloadGroup[] = [];
  const controlPlane = await startControlPlane({
    sources: [directory],
    recursive: false,
    grpc: { address: "127.0.0.1", port: 0 },
    http: { address: "127.0.0.1", port: 0 },
    stateDirectory: join(directory, "state"),
    version: "1.2.3",
    clock: realClock,
    log: silentLog,
    onFindings: (fresh, gone) => {
      findings.fresh.push(...fresh);
      findings.gone.push(...gone);
    },
    onWorkloadGroups: (now) => {
      groups = now;
    },
  });
  const client = new Client(`127.0.0.1:${controlPlane.grpcPort}`, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  t.after(async () => {
    client.close();
    await controlPlane.close();
    rmSync(directory, { recursive: true });
  });
  return { controlPlane, file, client, findings, groups: () => groups };
}

/** A proxy's stream; responses are taken one by one and acknowledged by hand. */
class Proxy {
  readonly call: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
  readonly #responses: DeltaDiscoveryResponse[] = [];
  #wake: (() => void) | undefined;
  error: ServiceError | undefined;

  constructor(client: Client) {
    const method = deltaAggregatedResources;
    this.call = client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
    this.call.on("data", (response: DeltaDiscoveryResponse) => {
      this.#responses.push(response);
      this.#wake?.();
    });
    this.call.on("error", (error: ServiceError) => {
      this.error = error;
      this.#wake?.();
    });
  }

  ask(typeUrl: string, subscribe: string[] = [], first = false): void {
    this.call.write(
      create(DeltaDiscoveryRequestSchema, {
        typeUrl,
        resourceNamesSubscribe: subscribe,
        ...(first ? { node: { id: SIDECAR, metadata: SIDECAR_METADATA as JsonObject } } : {}),
      }),
    );
  }

  answer(response: DeltaDiscoveryResponse, error?: string): void {
    this.call.write(
      create(DeltaDiscoveryRequestSchema, {
        typeUrl: response.typeUrl,
        responseNonce: response.nonce,
        ...(error === undefined ? {} : { errorDetail: { code: 3, message: error } }),
      }),
    );
  }

  get idle(): boolean {
    return this.#responses.length === 0;
  }

  async take(typeUrl: string): Promise<DeltaDiscoveryResponse> {
    for (;;) {
      const next = this.#responses.shift();
      if (next !== undefined) {
        assert.equal(next.typeUrl, typeUrl);
        return next;
      }
      assert.equal(this.error, undefined);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Gets everything that there is, as a proxy does when it starts. */
  async start(): Promise<void> {
    this.ask(CLUSTER_TYPE, [], true);
    const clusters = await this.take(CLUSTER_TYPE);
    this.answer(clusters);
    this.ask(
      ENDPOINT_TYPE,
      clusters.resources.map(({ name }) => name).filter((name) => name.startsWith("outbound|")),
    );
    this.answer(await this.take(ENDPOINT_TYPE));
    this.ask(LISTENER_TYPE);
    this.answer(await this.take(LISTENER_TYPE));
    this.ask(ROUTE_TYPE, ["http_proxy"]);
    this.answer(await this.take(ROUTE_TYPE));
  }
}

class Agent {
  readonly call: ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>;
  readonly answers: DiscoveryResponse[] = [];
  #wake: (() => void) | undefined;

  constructor(client: Client) {
    const method = streamAggregatedResources;
    this.call = client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
    this.call.on("error", () => {});
    this.call.on("data", (response: DiscoveryResponse) => {
      this.answers.push(response);
      this.#wake?.();
    });
  }

  report(error?: string, first = false): void {
    this.call.write(
      create(DiscoveryRequestSchema, {
        typeUrl: HEALTH_INFORMATION_TYPE,
        ...(error === undefined ? {} : { errorDetail: { code: 13, message: error } }),
        ...(first ? { node: { id: WORKLOAD, metadata: { AUTO_REGISTER_GROUP: "reviews-v2" } } } : {}),
      }),
    );
  }

  async answered(count: number): Promise<void> {
    while (this.answers.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function addressesIn(response: DeltaDiscoveryResponse): number {
  return response.resources.filter(({ resource }) => Buffer.from(resource?.value ?? []).includes("127.66.0.5")).length;
}

async function get(port: number, path: string, host = "localhost"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: "127.0.0.1", port, path, headers: { host } }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += String(chunk)));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on("error", reject)
      .end();
  });
}

test("a proxy gets its configuration, a changed file, and shows up as synced or stale", async (t) => {
  const { controlPlane, file, client, groups } = await startMesh(t);
  assert.equal(groups()[0]?.object.metadata.name, "reviews-v2");
  assert.equal(groups()[0]?.file, file);
  const proxy = new Proxy(client);
  await proxy.start();
  await controlPlane.whenSynced();
  const [entry] = JSON.parse((await get(controlPlane.httpPort, "/debug/syncz")).body);
  assert.equal(entry.proxy, "productpage-1.default");
  assert.equal(entry.istio_version, "1.2.3");
  assert.deepEqual(
    Object.values(entry.types).map((type: any) => type.status),
    ["SYNCED", "SYNCED", "SYNCED", "SYNCED"],
  );
  assert.equal(entry.cluster_sent, entry.cluster_acked);

  writeFileSync(
    file,
    `${BASE}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: reviews, namespace: default }\nspec: { hosts: [reviews], http: [{ route: [{ destination: { host: reviews, subset: v2 } }] }] }\n`,
  );
  const routes = await proxy.take(ROUTE_TYPE);
  assert.ok(Buffer.from(routes.resources[0]?.resource?.value ?? []).includes("outbound|9080|v2|reviews.default.svc.cluster.local"));
  proxy.answer(routes, "unknown filter");
  await controlPlane.whenSynced();
  const [stale] = JSON.parse((await get(controlPlane.httpPort, "/debug/syncz")).body);
  assert.deepEqual([stale.types.RDS.status, stale.types.RDS.error], ["STALE", "unknown filter"]);
  assert.match((await get(controlPlane.httpPort, "/metrics")).body, /^pilot_total_xds_rejects 1$/mu);
  proxy.call.cancel();
});

test("a workload is an endpoint once it is healthy, and a drain is answered when every proxy knows", async (t) => {
  const { controlPlane, client } = await startMesh(t);
  const proxy = new Proxy(client);
  await proxy.start();
  const agent = new Agent(client);
  agent.report("starting", true);
  await agent.answered(1);
  assert.ok(proxy.idle, "a group with a probe is no endpoint before its first healthy report");
  agent.report();
  const healthy = await proxy.take(ENDPOINT_TYPE);
  assert.equal(addressesIn(healthy), 2, "the cluster of the service and that of the subset");
  assert.equal(agent.answers.length, 1);
  proxy.answer(healthy);
  await agent.answered(2);
  agent.report("draining: SIGTERM");
  const drained = await proxy.take(ENDPOINT_TYPE);
  assert.equal(addressesIn(drained), 0);
  assert.equal(agent.answers.length, 2, "the proxy has not acknowledged yet");
  proxy.answer(drained);
  await agent.answered(3);
  assert.equal(agent.answers[2]?.typeUrl, HEALTH_INFORMATION_TYPE);
  assert.ok(proxy.idle, "endpoints changed and nothing else");
  assert.ok((await get(controlPlane.httpPort, "/debug/endpointz")).body.includes("DRAINING"));
  agent.call.cancel();
  proxy.call.cancel();
});

test("a broken file is a finding with its place, and its objects stay", async (t) => {
  const { controlPlane, file, client, findings } = await startMesh(t);
  const proxy = new Proxy(client);
  await proxy.start();
  const seen = new Promise<void>((resolve) => {
    const push = findings.fresh.push.bind(findings.fresh);
    findings.fresh.push = (...items) => {
      const length = push(...items);
      if (items.some(({ code }) => code === "MZ0002")) resolve();
      return length;
    };
  });
  writeFileSync(file, BASE.replace("subsets:", "subsetz:"));
  await seen;
  const finding = controlPlane.findings.find(({ code }) => code === "MZ0002");
  assert.equal(finding?.place?.file, file);
  assert.match(
    JSON.parse((await get(controlPlane.httpPort, "/debug/findings")).body)
      .map((one: any) => one.text)
      .join("\n"),
    /subsetz/u,
  );
  await controlPlane.whenSynced();
  assert.ok(proxy.idle, "the last good version stays live");
  proxy.call.cancel();
});

test("objects that stand in no file come and go", async (t) => {
  const { controlPlane, client } = await startMesh(t);
  const proxy = new Proxy(client);
  await proxy.start();
  controlPlane.setObjects(
    "hello",
    "apiVersion: v1\nkind: Service\nmetadata: { name: hello }\nspec: { ports: [{ name: http, port: 3000 }] }\n",
  );
  const added = await proxy.take(CLUSTER_TYPE);
  assert.deepEqual(
    added.resources.map(({ name }) => name),
    ["outbound|3000||hello.default.svc.cluster.local"],
  );
  proxy.answer(added);
  proxy.ask(ENDPOINT_TYPE, ["outbound|3000||hello.default.svc.cluster.local"]);
  proxy.answer(await proxy.take(ENDPOINT_TYPE));
  proxy.answer(await proxy.take(ROUTE_TYPE));
  controlPlane.setObjects("hello", "");
  proxy.answer(await proxy.take(ROUTE_TYPE));
  const removed = await proxy.take(CLUSTER_TYPE);
  assert.deepEqual(removed.removedResources, ["outbound|3000||hello.default.svc.cluster.local"]);
  proxy.call.cancel();
});

type SotwStream = ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>;

function sotwStream(client: Client, path: string): SotwStream {
  const { requestSerialize, responseDeserialize } = streamAggregatedResources;
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
}

async function nextResponse(stream: SotwStream): Promise<DiscoveryResponse> {
  const [response] = (await once(stream, "data")) as [DiscoveryResponse];
  return response;
}

test("a state-of-the-world stream gets everything of a type at once, also on the type's own service", async (t) => {
  const { client } = await startMesh(t);
  const node = { id: SIDECAR, metadata: SIDECAR_METADATA as JsonObject };
  const all: number[] = [];
  const clusterService = "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters";
  for (const [path, typeUrl] of [
    [streamAggregatedResources.path, CLUSTER_TYPE],
    [clusterService, ""],
  ] as const) {
    const stream = sotwStream(client, path);
    stream.on("error", () => {});
    stream.write(create(DiscoveryRequestSchema, { typeUrl, node }));
    const response = await nextResponse(stream);
    assert.equal(response.typeUrl, CLUSTER_TYPE);
    all.push(response.resources.length);
    stream.cancel();
  }
  assert.ok(all[0]! > 3);
  assert.equal(all[0], all[1]);
  const wrong = sotwStream(client, clusterService);
  wrong.write(create(DiscoveryRequestSchema, { typeUrl: LISTENER_TYPE, node }));
  const [error] = (await once(wrong, "error")) as [ServiceError];
  assert.equal(error.code, status.INVALID_ARGUMENT);
  assert.match(error.details, /serves .*Cluster only/u);
});

test("what cannot be served is refused with a reason", async (t) => {
  const { client } = await startMesh(t);
  const nameless = new Proxy(client);
  const ended = new Promise<ServiceError>((resolve) => nameless.call.on("error", resolve));
  nameless.ask(CLUSTER_TYPE);
  assert.equal((await ended).code, status.INVALID_ARGUMENT);
});

test("a port that is taken is named, and nothing keeps running", async (t) => {
  const { controlPlane } = await startMesh(t);
  const directory = mkdtempSync(join(tmpdir(), "mizzen-control-plane-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const start = (grpcPort: number, httpPort: number): Promise<ControlPlane> =>
    startControlPlane({
      sources: [directory],
      recursive: false,
      grpc: { address: "127.0.0.1", port: grpcPort },
      http: { address: "127.0.0.1", port: httpPort },
      stateDirectory: join(directory, "state"),
      version: "1.2.3",
      clock: realClock,
      log: silentLog,
    });
  await assert.rejects(start(controlPlane.grpcPort, 0), new RegExp(`127.0.0.1:${controlPlane.grpcPort}`, "u"));
  await assert.rejects(start(0, controlPlane.httpPort), new RegExp(`127.0.0.1:${controlPlane.httpPort}`, "u"));
});

test("debug pages are for this machine only", async (t) => {
  const { controlPlane, client } = await startMesh(t);
  const port = controlPlane.httpPort;
  assert.equal((await get(port, "/ready")).status, 200);
  assert.equal((await get(port, "/debug/syncz", "evil.example.com")).status, 403);
  assert.equal((await get(port, "/debug/syncz", "127.66.0.1:15014")).status, 200);
  assert.equal((await get(port, "/debug/nothing")).status, 404);
  assert.deepEqual(JSON.parse((await get(port, "/version")).body), { version: "1.2.3" });
  assert.ok((await get(port, "/debug/registryz")).body.includes("reviews.default.svc.cluster.local"));
  assert.ok((await get(port, "/debug/configz")).body.includes("WorkloadGroup"));
  assert.equal(JSON.parse((await get(port, "/debug/mesh")).body).rootNamespace, "istio-system");
  const proxy = new Proxy(client);
  await proxy.start();
  assert.equal((await get(port, "/debug/config_dump?proxyID=nobody")).status, 404);
  const dump = JSON.parse((await get(port, "/debug/config_dump?proxyID=productpage-1.default")).body);
  assert.equal(dump.listeners[0].resource.name, "127.66.0.9_15001");
  assert.equal(dump.routes[0].resource["@type"], ROUTE_TYPE);
  proxy.call.cancel();
});
