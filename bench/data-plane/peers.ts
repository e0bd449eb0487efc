// The four proxies, each one process on the proxy's core, with a listener for every kind of traffic; and the back ends on the other core.
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/harness/free-port.ts";
import { call, eventually } from "../../test/harness/mesh.ts";
import { debianFile, debianTool, envoyBinary } from "../../test/harness/tools.ts";
import { startReplayServer } from "../../test/replay/ads-server.ts";
import type { ReplayResource, ReplayServer } from "../../test/replay/ads-server.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { benchBootstrap } from "../sidecar-resources.ts";
import { buildProxy } from "./built-proxy.ts";
import { benchResources } from "./listeners.ts";
import type { Backends, Certificates, Ports } from "./listeners.ts";
import { HOST, LOAD_CORE, ownProcess, PROXY_CORE } from "./load.ts";
import { haproxyPeer, nginxBackend, nginxPeer } from "./web-server-config.ts";
import type { CertificateFiles } from "./web-server-config.ts";

export const PEERS = ["mizzen", "envoy", "nginx", "haproxy"] as const;
export type PeerName = (typeof PEERS)[number];

/** What takes its configuration over xDS, and counts what it does. */
export interface Discovery {
  readonly adminPort: number;
  readonly ads: ReplayServer;
  readonly resources: readonly ReplayResource[];
}

type Started = Pick<Peer, "pid" | "discovery">;

export interface Peer {
  readonly name: PeerName;
  readonly pid: number;
  readonly ports: Ports;
  readonly discovery: Discovery | undefined;
}

const PORT_NAMES = ["plain", "sidecar", "tls", "outbound", "inbound", "tcp", "webSocket"] as const;

async function freePorts(): Promise<Ports> {
  const ports: Record<string, number> = {};
  for (const name of PORT_NAMES) ports[name] = await freePort();
  return ports as unknown as Ports;
}

export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "mizzen-bench-"));
  readonly #children: ChildProcess[] = [];
  readonly #servers: ReplayServer[] = [];
  #backends: Backends = { http: 0, echo: 0 };
  #program: string | undefined;
  readonly #files: CertificateFiles;
  readonly #certificates: Certificates;

  constructor() {
    // nginx's worker, who is nobody, reads a file of it.
    chmodSync(this.folder, 0o755);
    const authority = new FakeAuthority();
    this.#certificates = {
      root: authority.root.certificate,
      workload: authority.issue({ hosts: ["workload.bench"], uris: ["spiffe://bench/ns/default/sa/workload"] }),
    };
    this.#files = { root: join(this.folder, "root.pem"), workload: join(this.folder, "workload.pem") };
    writeFileSync(this.#files.root, this.#certificates.root);
    writeFileSync(this.#files.workload, `${this.#certificates.workload.certificate}${this.#certificates.workload.key}`);
    writeFileSync(join(this.folder, "100k"), "x".repeat(100 * 1024));
    writeFileSync(join(this.folder, "post.lua"), `wrk.method = "POST"\nwrk.body = string.rep("x", 10240)\n`);
  }

  get postScript(): string {
    return join(this.folder, "post.lua");
  }

  start(core: string, command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const env = { ...process.env, ...environment };
    const child = spawn("taskset", ["-c", core, command, ...args], { stdio: ["ignore", "ignore", "pipe"], env });
    let errors = "";
    child.stderr?.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
    child.on("exit", (code) => {
      if (code !== null && code !== 0) console.error(`${command} ended with ${code}: ${errors}`);
    });
    this.#children.push(child);
    return child;
  }

  async startBackends(): Promise<void> {
    this.#backends = { http: await freePort(), echo: await freePort() };
    const program = debianTool("nginx", "nginx-light");
    const file = join(this.folder, "backend.conf");
    writeFileSync(file, nginxBackend(this.folder, this.#backends.http));
    this.start(LOAD_CORE, program, ["-c", file, "-e", join(this.folder, "backend.log")]);
    this.#children.push(ownProcess("echo-process.ts", [this.#backends.echo]));
    await answers("the HTTP back end", this.#backends.http, 200);
    await answers("the WebSocket back end", this.#backends.echo, 426);
  }

  async startPeer(name: PeerName): Promise<Peer> {
    const ports = await freePorts();
    const { pid, discovery } = await (name === "mizzen" || name === "envoy"
      ? this.#startXds(name, ports)
      : this.#startWebServer(name, ports));
    await answers(name, ports.plain, 200);
    await answers(name, ports.sidecar, 200);
    await answers(name, ports.outbound, 200);
    return { name, pid, ports, discovery };
  }

  async #startXds(name: "mizzen" | "envoy", ports: Ports): Promise<Started> {
    const adminPort = await freePort();
    const resources = benchResources(ports, this.#backends, this.#certificates);
    const ads = await startReplayServer(resources);
    this.#servers.push(ads);
    const bootstrap = this.writeBootstrap(name, "bench-1", ads.port, adminPort);
    // Envoy folds its threads' counters together at each flush.
    const envoy = [
      "-c",
      bootstrap,
      "--config-yaml",
      "stats_flush_interval: 1s",
      "--concurrency",
      "1",
      "--base-id-path",
      join(this.folder, "base-id"),
      "--use-dynamic-base-id",
      "-l",
      "warn",
    ];
    const child = name === "envoy" ? this.start(PROXY_CORE, envoyBinary(), envoy) : this.startProxy([bootstrap]);
    return { pid: child.pid ?? -1, discovery: { adminPort, ads, resources } };
  }

  /** Ours, with these proxies in it, as `mizzen up` starts its data plane. */
  startProxy(bootstraps: readonly string[]): ChildProcess {
    this.#program ??= buildProxy();
    return this.start(PROXY_CORE, process.execPath, ["--max-semi-space-size=1", this.#program, ...bootstraps], { MALLOC_ARENA_MAX: "2" });
  }

  writeBootstrap(name: string, node: string, adsPort: number, adminPort: number): string {
    const file = join(this.folder, `${name}-${node}.json`);
    writeFileSync(file, JSON.stringify(benchBootstrap(`sidecar~127.0.0.1~${node}.default~default.svc.cluster.local`, adsPort, adminPort)));
    return file;
  }

  async #startWebServer(name: "nginx" | "haproxy", ports: Ports): Promise<Started> {
    const file = join(this.folder, `${name}.conf`);
    if (name === "haproxy") {
      writeFileSync(file, haproxyPeer(ports, this.#backends, this.#files));
      const child = this.start(PROXY_CORE, debianTool("haproxy", "haproxy"), ["-db", "-f", file]);
      return { pid: child.pid ?? -1, discovery: undefined };
    }
    const program = debianTool("nginx", "nginx-light");
    const stream = debianFile("/usr/lib/nginx/modules/ngx_stream_module.so", "libnginx-mod-stream");
    writeFileSync(file, nginxPeer(this.folder, ports, this.#backends, this.#files, stream));
    const master = this.start(PROXY_CORE, program, ["-c", file, "-e", join(this.folder, "peer.log")]);
    // The worker does the work.
    const worker = await eventually("nginx has a worker", 5000, () => {
      const { stdout } = spawnSync("ps", ["--ppid", String(master.pid), "-o", "pid="], { encoding: "utf8" });
      return stdout.trim() === "" ? undefined : Number(stdout.trim());
    });
    return { pid: worker, discovery: undefined };
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill("SIGTERM");
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.on("exit", done));
    }
    for (const server of this.#servers) await server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function answers(who: string, port: number, status: number): Promise<void> {
  let last = "nothing";
  await eventually(`${who} answers on ${port}`, 20_000, async () => {
    const answer = await call(`http://127.0.0.1:${port}/`, { headers: { host: HOST } });
    last = String(answer.status);
    return answer.status === status;
  }).catch((error: unknown) => {
    throw new Error(`${who} answered ${last} and not ${status}`, { cause: error });
  });
}
