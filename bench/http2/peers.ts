// The proxies of the benchmark, each on one core: ours and real Envoy with the same xDS, nghttpx, and a proxy on node:http2.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../test/harness/free-port.ts";
import { call, eventually, ROOT } from "../../test/harness/mesh.ts";
import { debianTool, envoyBinary } from "../../test/harness/tools.ts";
import { startReplayServer } from "../../test/replay/ads-server.ts";
import { benchBootstrap, sidecarResources } from "../sidecar-resources.ts";
import type { Backend } from "../sidecar-resources.ts";
import { PROXY_CORE } from "./cores.ts";

export interface Target extends Backend {
  readonly host: string;
}

export interface Peer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** How many requests the proxy itself says it has answered with 2xx; undefined: it does not say. */
  readonly answered: (() => Promise<number>) | undefined;
}

/** Starts a program and gives its process id. */
export type Start = (command: string, args: readonly string[]) => number;

async function answeredBy(adminPort: number): Promise<number> {
  let sum = 0;
  for (const line of (await call(`http://127.0.0.1:${adminPort}/stats`)).body.split("\n")) {
    const [name, value] = line.split(": ");
    if (name !== undefined && /^http\.outbound_.*downstream_rq_2xx$/.test(name)) sum += Number(value);
  }
  return sum;
}

async function startSidecar(name: "mizzen" | "envoy", targets: readonly Target[], work: string, start: Start): Promise<Peer> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const ads = await startReplayServer(sidecarResources(port, targets));
  const bootstrap = join(work, `${name}.json`);
  writeFileSync(
    bootstrap,
    JSON.stringify(benchBootstrap("sidecar~127.0.0.1~bench-1.default~default.svc.cluster.local", ads.port, adminPort)),
  );
  const command =
    name === "envoy"
      ? [
          envoyBinary(),
          "-c",
          bootstrap,
          "--concurrency",
          "1",
          "--base-id-path",
          join(work, "base-id"),
          "--use-dynamic-base-id",
          "-l",
          "error",
        ]
      : [process.execPath, join(ROOT, "bench/data-plane-process.ts"), bootstrap];
  const pid = start("taskset", ["-c", PROXY_CORE, ...command]);
  const host = targets[0]!.host;
  const serves = async (): Promise<boolean> => (await call(`http://127.0.0.1:${port}/`, { headers: { host } })).status === 200;
  await eventually(`${name} serves`, 30_000, serves);
  return { name, port, pid, answered: () => answeredBy(adminPort) };
}

async function startNghttpx(targets: readonly Target[], start: Start): Promise<Peer> {
  const port = await freePort();
  const backends = targets.map((target) => `-b127.0.0.1,${target.port};${target.host}/${target.http2 ? ";proto=h2" : ""}`);
  const args = [
    "--conf=/dev/null",
    `-f127.0.0.1,${port};no-tls`,
    ...backends,
    // Requests for nobody go to the first.
    `-b127.0.0.1,${targets[0]!.port}`,
    "--workers=1",
    "--single-process",
    "--no-server-push",
    "--errorlog-file=/dev/null",
  ];
  const pid = start("taskset", ["-c", PROXY_CORE, debianTool("nghttpx", "nghttp2-proxy"), ...args]);
  return { name: "nghttpx", port, pid, answered: undefined };
}

async function startNodeProxy(targets: readonly Target[], start: Start): Promise<Peer> {
  const port = await freePort();
  const args = [process.execPath, join(import.meta.dirname, "node-proxy.ts"), String(port), JSON.stringify(targets)];
  return { name: "node:http2", port, pid: start("taskset", ["-c", PROXY_CORE, ...args]), answered: undefined };
}

/** All of them, one after the other. */
export async function startPeers(targets: readonly Target[], work: string, start: Start): Promise<Peer[]> {
  return [
    await startSidecar("mizzen", targets, work, start),
    await startSidecar("envoy", targets, work, start),
    await startNghttpx(targets, start),
    await startNodeProxy(targets, start),
  ];
}
