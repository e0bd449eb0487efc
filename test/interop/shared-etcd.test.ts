// Two control planes on one etcd and gateways that know both: either control plane is killed, then etcd, while requests go through. None
// may fail, and what is edited through whoever is left becomes live.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import type { ObjectStore } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";
import { startApplication } from "../harness/application.ts";
import { ControlPlaneProcess } from "../harness/control-plane-process.ts";
import { Etcd } from "../harness/etcd.ts";
import { startGateway } from "../harness/gateway-process.ts";
import { connectionOf } from "../harness/kubeconfig.ts";
import { startLoad } from "../harness/load.ts";
import { freePort } from "../harness/free-port.ts";
import { call, eventually } from "../harness/mesh.ts";
import { MARKED_ROUTE, markRoute, webMesh } from "../harness/web-mesh.ts";

test(
  "two control planes on one etcd: the death of either, and of etcd, fails no request, and edits go on",
  { timeout: 120_000 },
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
    await clientOf(one).write(webMesh(applicationPort, ports, "first"));
    await using left = await startGateway("left", [one.grpcPort, two.grpcPort]);
    await using right = await startGateway("right", [two.grpcPort, one.grpcPort]);
    const urls = Object.values(ports).map((port) => `http://127.0.0.1:${port}/`);
    const isLive = (mark: string): Promise<unknown> =>
      eventually(`"${mark}" is live on both gateways: ${left.output}${right.output}`, 30_000, async () => {
        const answers = await Promise.all(urls.map((url) => call(url)));
        return answers.every(({ headers }) => headers["x-mark"] === mark) || undefined;
      });
    await isLive("first");
    const load = startLoad(urls.map((url) => ({ method: "GET" as const, url })));

    await one.kill();
    await clientOf(two).write([markRoute("one is dead")]);
    await isLive("one is dead");
    await one.run();
    await two.kill();
    await clientOf(one).write([markRoute("two is dead")]);
    await isLive("two is dead");
    await two.run();

    const watched = clientOf(two);
    const { resourceVersion } = await watched.list(MARKED_ROUTE);
    const seen = (async () => {
      for await (const event of await watched.watch(MARKED_ROUTE, { resourceVersion })) if (event.type === "MODIFIED") return event.object;
      return undefined;
    })();
    await etcd.kill();
    const startedMs = performance.now();
    await assert.rejects(
      clientOf(one).write([markRoute("lost")]),
      (error: unknown) =>
        error instanceof StatusError && error.reason === "ServiceUnavailable" && /etcd at .* does not answer/u.test(error.message),
    );
    assert.ok(performance.now() - startedMs < 10_000, "a write fails in bounded time");
    const answeredBefore = load.answered;
    await eventually("traffic goes on without etcd", 30_000, () => load.answered > answeredBefore + 50 || undefined);
    await etcd.run();
    await eventually("writes are taken again", 30_000, async () => {
      await clientOf(one).write([markRoute("etcd is back")]);
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
