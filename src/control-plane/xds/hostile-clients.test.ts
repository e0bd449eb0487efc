// Clients that are broken or mean to harm, against the discovery server on a socket: a well-behaved client beside them must not notice.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { Client, credentials, status, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import { parseFile } from "#api/parse-file";
import { ConfigStore } from "#control-plane/config/store";
import { buildMesh } from "#control-plane/mesh/build-mesh";
import { buildRegistry } from "#control-plane/registry/build-registry";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { DiscoveryServer } from "./discovery-server.ts";
import { deltaAggregatedResources } from "./discovery-services.ts";
import { listenGrpc } from "./grpc-listener.ts";

type Stream = ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }
`;

function meshOf(yaml: string, version: string) {
  const store = new ConfigStore();
  store.put({ path: "mesh.yaml", rank: "file", seenMs: 0 }, parseFile(yaml, "mesh.yaml"), 0);
  store.publish();
  return buildMesh({
    version,
    objects: store.objects,
    registry: buildRegistry({ objects: store.objects, registered: [], domain: "cluster.local" }),
    meshConfigDefaults: {},
    domain: "cluster.local",
    hasCertificateAuthority: false,
  });
}

async function serve(t: TestContext, maxStreams?: number) {
  const server = new DiscoveryServer({
    clock: realClock,
    log: silentLog,
    registrations: { connect: () => undefined },
    flush: () => false,
    ...(maxStreams === undefined ? {} : { maxStreams }),
  });
  server.push(meshOf(SERVICE, "1"), "all");
  const listener = await listenGrpc(server, "127.0.0.1", 0, silentLog);
  const clients: Client[] = [];
  const newClient = (): Client => {
    const client = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
      "grpc.use_local_subchannel_pool": 1,
    });
    clients.push(client);
    return client;
  };
  t.after(async () => {
    for (const client of clients) client.close();
    await listener.close();
  });
  return { server, port: listener.port, newClient };
}

function open(client: Client): Stream {
  const { path, requestSerialize, responseDeserialize } = deltaAggregatedResources;
  const stream: Stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  stream.on("error", () => {});
  return stream;
}

function firstRequest(index: number, metadata: JsonObject = {}): DeltaDiscoveryRequest {
  const node = { id: `sidecar~10.1.0.1~app-${index}.default~default.svc.cluster.local`, metadata };
  return create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, node });
}

/** Connects, and gets its clusters. */
async function wellBehaved(client: Client, index: number): Promise<Stream> {
  const stream = open(client);
  stream.write(firstRequest(index));
  const [response] = (await once(stream, "data")) as [DeltaDiscoveryResponse];
  stream.write(create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, responseNonce: response.nonce }));
  return stream;
}

async function errorOf(stream: Stream): Promise<ServiceError> {
  const [error] = (await once(stream, "error")) as [ServiceError];
  return error;
}

test("ten thousand streams that come and go leave nothing behind", async (t) => {
  const { server, newClient } = await serve(t);
  const good = await wellBehaved(newClient(), 0);
  for (let batch = 0; batch < 100; batch++) {
    // HTTP/2 itself ends a connection whose streams are cancelled too fast: each batch has one of its own.
    const client = newClient();
    const streams = Array.from({ length: 100 }, (_, index) => {
      const stream = open(client);
      if (index % 3 !== 0) stream.write(firstRequest(index));
      return stream;
    });
    await Promise.all(
      streams.map(async (stream, index) => {
        if (index % 3 === 1) await once(stream, "data");
        const ended = new Promise((resolve) => stream.once("status", resolve));
        stream.cancel();
        await ended;
      }),
    );
    client.close();
  }
  const client = newClient();
  const gone = open(client);
  gone.write(firstRequest(1));
  await once(gone, "data");
  assert.equal(server.connections.length, 2, "the well-behaved one and the last");
  server.push(meshOf(SERVICE.replace("port: 80", "port: 81"), "2"), "all");
  const [changed] = (await once(good, "data")) as [DeltaDiscoveryResponse];
  assert.ok(changed.resources.some(({ name }) => name.startsWith("outbound|81|")));
});

test("a node larger than any proxy's is refused, and so are bytes that are no gRPC", async (t) => {
  const { server, port, newClient } = await serve(t);
  const huge = open(newClient());
  const labels = Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`label-${index}`, "x".repeat(40)]));
  huge.write(firstRequest(1, { LABELS: labels }));
  const error = await errorOf(huge);
  assert.equal(error.code, status.INVALID_ARGUMENT);
  assert.match(error.details, /node is larger than/u);
  const raw = connect(port, "127.0.0.1");
  raw.on("error", () => {});
  raw.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000));
  const half = connect(port, "127.0.0.1");
  half.on("error", () => {});
  half.write(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  await wellBehaved(newClient(), 2);
  assert.equal(server.proxies.length, 1);
  raw.destroy();
  half.destroy();
});

test("a client that answers with nonces of nobody is told nothing twice and holds nobody up", async (t) => {
  const { newClient, server } = await serve(t);
  const liar = open(newClient());
  liar.write(firstRequest(1));
  await once(liar, "data");
  let more = 0;
  liar.on("data", () => more++);
  for (let index = 0; index < 1_000; index++) {
    liar.write(create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, responseNonce: `nonce-${index}` }));
    liar.write(create(DeltaDiscoveryRequestSchema, { typeUrl: ROUTE_TYPE, resourceNamesSubscribe: [`route-${index}`] }));
  }
  const good = await wellBehaved(newClient(), 2);
  server.push(meshOf(SERVICE.replace("port: 80", "port: 81"), "2"), "all");
  await once(good, "data");
  assert.ok(more <= 1, `${more} responses, one at most is owed`);
});

test("a client that reads nothing costs one response a type", async (t) => {
  const { newClient, server } = await serve(t);
  const deaf = open(newClient());
  deaf.pause();
  deaf.write(firstRequest(1));
  const good = await wellBehaved(newClient(), 2);
  const seen = new Set<string>();
  good.on("data", (response: DeltaDiscoveryResponse) => {
    for (const { name } of response.resources) seen.add(name);
    good.write(create(DeltaDiscoveryRequestSchema, { typeUrl: CLUSTER_TYPE, responseNonce: response.nonce }));
  });
  let expected = 2;
  for (let version = 2; version < 50; version++) {
    server.push(meshOf(SERVICE.replace("port: 80", `port: ${80 + version}`), String(version)), "all");
    while (!seen.has(`outbound|${80 + version}||web.default.svc.cluster.local`)) await once(good, "data");
    expected++;
  }
  assert.equal(server.metrics.pushes.get("CDS"), expected, "the deaf client was sent one response, the other one each");
  deaf.cancel();
  good.cancel();
});

test("streams beyond the limit are refused, those within it go on", async (t) => {
  const { newClient, server } = await serve(t, 3);
  const good = await wellBehaved(newClient(), 1);
  await wellBehaved(newClient(), 2);
  await wellBehaved(newClient(), 3);
  const extra = open(newClient());
  extra.write(firstRequest(4));
  assert.equal((await errorOf(extra)).code, status.RESOURCE_EXHAUSTED);
  assert.equal(server.metrics.refusedStreams, 1);
  good.cancel();
});
