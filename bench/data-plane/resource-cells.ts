// Cells about memory and changes of configuration.
import type { ChildProcess } from "node:child_process";
import { freePort } from "../../test/harness/free-port.ts";
import { call, eventually } from "../../test/harness/mesh.ts";
import { startReplayServer } from "../../test/replay/ads-server.ts";
import { ROUTE_TYPE } from "#envoy/type-urls";
import { sidecarResources } from "../sidecar-resources.ts";
import { cpuSeconds, rssMb } from "../process-usage.ts";
import { manyRoutes } from "./listeners.ts";
import { HOST, ownLoad, ownProcess, told, wrk } from "./load.ts";
import type { Bench, Peer } from "./peers.ts";

const IDLE = 1000;
const VIRTUAL_HOSTS = 1000;
const PACED_SECONDS = 6;

/**
 * KB of memory for each of 1,000 connections that have answered one request and say nothing any more. There are 1,000 others before them:
 * what a process takes for its first connections, and keeps, is not what one costs.
 */
export async function idleConnections(peer: Peer): Promise<{ kbEach: number }> {
  const clients: ChildProcess[] = [];
  const open = async (): Promise<void> => {
    const client = ownProcess("idle-process.ts", [peer.ports.sidecar, IDLE, HOST]);
    clients.push(client);
    await told(client, "open");
  };
  await open();
  const before = rssMb(peer.pid);
  await open();
  const kbEach = ((rssMb(peer.pid) - before) * 1024) / IDLE;
  const ended = clients.map((client) => new Promise((done) => client.on("exit", done)));
  for (const client of clients) client.kill("SIGTERM");
  await Promise.all(ended);
  return { kbEach };
}

export interface RoutesResult {
  readonly applyMs: number;
  /** The slowest answer of a steady 1,000 requests/s in the seconds before, and in those around the change. */
  readonly quietMs: number;
  readonly pauseMs: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
  /** CPU of a request to the last virtual host, and of one to one of the 50 before. */
  readonly microsPerRequest: number;
  readonly microsBefore: number;
}

/** 10,000 routes (1,000 virtual hosts) in place of 100, under a steady load. */
export async function tenThousandRoutes(peer: Peer, seconds: number, wrkProgram: string): Promise<RoutesResult | undefined> {
  const { discovery, ports, pid } = peer;
  if (discovery === undefined) return undefined;
  const { ads, resources } = discovery;
  const changed = [...resources.filter(({ typeUrl }) => typeUrl !== ROUTE_TYPE), manyRoutes(VIRTUAL_HOSTS)];
  const last = `svc${VIRTUAL_HOSTS - 1}.default.svc.cluster.local`;
  const url = `http://127.0.0.1:${ports.sidecar}/`;
  const microsOf = async (host: string): Promise<number> => {
    const before = cpuSeconds(pid);
    const { answered } = await wrk(wrkProgram, { url, seconds, host });
    return ((cpuSeconds(pid) - before) * 1e6) / answered;
  };
  const microsBefore = await microsOf(HOST);
  const memoryBefore = rssMb(pid);
  const child = ownProcess("paced-process.ts", [ports.sidecar, 1000, PACED_SECONDS, HOST]);
  const started = told(child, "started");
  const load = ownLoad(child, PACED_SECONDS);
  await started;
  await new Promise((done) => setTimeout(done, (PACED_SECONDS / 2) * 1000));
  const cpuBefore = cpuSeconds(pid);
  const sentMs = performance.now();
  ads.set(changed);
  await eventually(`${peer.name} has the routes`, 20_000, async () =>
    (await call(`http://127.0.0.1:${ports.sidecar}/`, { headers: { host: last } })).status === 200 ? true : undefined,
  );
  const applyMs = performance.now() - sentMs;
  const cpuMs = (cpuSeconds(pid) - cpuBefore) * 1000;
  const { slowestMs = [], errors } = await load;
  if (errors > 0) throw new Error(`${peer.name}: ${errors} requests failed while routes changed`);
  const half = PACED_SECONDS;
  const memoryMb = rssMb(pid) - memoryBefore;
  const microsPerRequest = await microsOf(last);
  ads.set(resources);
  await eventually(`${peer.name} has the old routes`, 20_000, async () =>
    (await call(`http://127.0.0.1:${ports.sidecar}/`, { headers: { host: last } })).status === 404 ? true : undefined,
  );
  const slowest = (from: number, to?: number): number => Math.max(...slowestMs.slice(from, to).map((ms) => ms ?? 0));
  return { applyMs, quietMs: slowest(1, half - 1), pauseMs: slowest(half - 1), cpuMs, memoryMb, microsPerRequest, microsBefore };
}

const FURTHER = 10;
/** After this, what the start has freed is given back. */
const SETTLED_MS = 4000;

/** MB of our data-plane process with one sidecar, and for each one more. Nothing but ours holds several. */
export async function sidecarMemory(bench: Bench): Promise<{ firstMb: number; furtherMb: number }> {
  const measure = async (count: number): Promise<number> => {
    const backend = await freePort();
    const listening: { port: number; ads: Awaited<ReturnType<typeof startReplayServer>> }[] = [];
    const bootstraps: string[] = [];
    for (let i = 0; i < count; i++) {
      const port = await freePort();
      const ads = await startReplayServer(sidecarResources(port, [{ port: backend, http2: false }]));
      listening.push({ port, ads });
      bootstraps.push(bench.writeBootstrap("mizzen", `many-${count}-${i}`, ads.port, await freePort()));
    }
    const child = bench.startProxy(bootstraps);
    // Nobody listens behind it: the answer is the sidecar's own.
    for (const { port } of listening)
      await eventually(
        "the sidecar answers",
        20_000,
        async () => (await call(`http://127.0.0.1:${port}/`, { headers: { host: HOST } })).status === 503,
      );
    await new Promise((done) => setTimeout(done, SETTLED_MS));
    const mb = rssMb(child.pid ?? -1);
    const ended = new Promise((done) => child.on("exit", done));
    child.kill("SIGTERM");
    await ended;
    for (const { ads } of listening) await ads.close();
    return mb;
  };
  const firstMb = await measure(1);
  return { firstMb, furtherMb: ((await measure(1 + FURTHER)) - firstMb) / FURTHER };
}
