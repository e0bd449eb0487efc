// Two control planes on one etcd and gateways that know both: either control plane is killed, then etcd, while requests go through. None
// may fail, and what is edited through whoever is left becomes live.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test, type TestContext } from "node:test";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import type { ObjectStore, ObjectWrite } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName, StoredObject } from "#control-plane/config/stored-object";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";
import { ControlPlaneProcess } from "../harness/control-plane-process.ts";
import { Etcd } from "../harness/etcd.ts";
import { startGateway } from "../harness/gateway-process.ts";
import { connectionOf } from "../harness/kubeconfig.ts";
import { startLoad } from "../harness/load.ts";
import { call, eventually, freePort } from "../harness/mesh.ts";

const NETWORKING = "networking.istio.io";
const ROUTE: ObjectName = { group: NETWORKING, resource: "virtualservices", namespace: "default", name: "web" };

async function startApplication(t: TestContext): Promise<number> {
  const port = await freePort();
  const server = createServer((_, response) => response.end("hello"));
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return port;
}

function creation(resource: string, kind: string, name: string, spec: object): ObjectWrite {
  const object = { apiVersion: `${NETWORKING}/v1`, kind, metadata: { name, namespace: "default" }, spec };
  return { verb: "create", name: { group: NETWORKING, resource, namespace: "default", name }, object };
}

/** The route marks responses, so that a caller sees which edit is live. */
function routeMarked(mark: string): object {
  const route = [{ destination: { host: "web.example.com", port: { number: 80 } } }];
  return { hosts: ["*"], gateways: ["left", "right"], http: [{ route, headers: { response: { set: { "x-mark": mark } } } }] };
}

function edit(mark: string): ObjectWrite {
  return { verb: "modify", name: ROUTE, change: (current) => ({ ...(current as StoredObject), spec: routeMarked(mark) }) };
}

test(
  "two control planes on one etcd: the death of either, and of etcd, fails no request, and edits go on",
  { timeout: 60_000 },
  async (t) => {
    const applicationPort = await startApplication(t);
    await using etcd = await Etcd.start();
    const start = (): Promise<ControlPlaneProcess> => ControlPlaneProcess.start("--etcd-servers", etcd.endpoint);
    await using one = await start();
    await using two = await start();
    const clients: KubernetesObjectStore[] = [];
    t.after(() => Promise.all(clients.map((client) => client.close())));
    const clientOf = ({ kubeconfig }: ControlPlaneProcess): ObjectStore => {
      const client = new KubernetesObjectStore({ connection: connectionOf(kubeconfig), clock: realClock, random: realRandom });
      clients.push(client);
      return client;
    };
    const ports = { left: await freePort(), right: await freePort() };
    await clientOf(one).write([
      creation("serviceentries", "ServiceEntry", "web", {
        hosts: ["web.example.com"],
        ports: [{ number: 80, name: "http", protocol: "HTTP" }],
        resolution: "STATIC",
        endpoints: [{ address: "127.0.0.1", ports: { http: applicationPort } }],
      }),
      ...Object.entries(ports).map(([name, number]) =>
        creation("gateways", "Gateway", name, {
          selector: { istio: name },
          servers: [{ port: { number, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
      ),
      creation("virtualservices", "VirtualService", "web", routeMarked("first")),
    ]);
    await using left = await startGateway("left", [one.grpcPort, two.grpcPort]);
    await using right = await startGateway("right", [two.grpcPort, one.grpcPort]);
    const urls = Object.values(ports).map((port) => `http://127.0.0.1:${port}/`);
    const isLive = (mark: string): Promise<unknown> =>
      eventually(`"${mark}" is live on both gateways: ${left.output}${right.output}`, 15_000, async () => {
        const answers = await Promise.all(urls.map((url) => call(url)));
        return answers.every(({ headers }) => headers["x-mark"] === mark) || undefined;
      });
    await isLive("first");
    const load = startLoad(urls.map((url) => ({ method: "GET" as const, url })));

    await one.kill();
    await clientOf(two).write([edit("one is dead")]);
    await isLive("one is dead");
    await one.run();
    await two.kill();
    await clientOf(one).write([edit("two is dead")]);
    await isLive("two is dead");
    await two.run();

    const watched = clientOf(two);
    const { resourceVersion } = await watched.list(ROUTE);
    const seen = (async () => {
      for await (const event of await watched.watch(ROUTE, { resourceVersion })) if (event.type === "MODIFIED") return event.object;
      return undefined;
    })();
    await etcd.kill();
    const startedMs = performance.now();
    await assert.rejects(
      clientOf(one).write([edit("lost")]),
      (error: unknown) =>
        error instanceof StatusError && error.reason === "ServiceUnavailable" && /etcd at .* does not answer/u.test(error.message),
    );
    assert.ok(performance.now() - startedMs < 10_000, "a write fails in bounded time");
    const answeredBefore = load.answered;
    await eventually("traffic goes on without etcd", 5_000, () => load.answered > answeredBefore + 50 || undefined);
    await etcd.run();
    await eventually("writes are taken again", 15_000, async () => {
      await clientOf(one).write([edit("etcd is back")]);
      return true;
    });
    await isLive("etcd is back");
    assert.match(JSON.stringify(await seen), /etcd is back/u);

    const { sent, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(sent > 500, `${sent} requests are too few to say something`);
    t.diagnostic(`${sent} requests, none failed`);
  },
);
