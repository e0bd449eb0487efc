// HTTP/1.1, 1 KB responses, keep-alive: our proxy and real Envoy with the same xDS, each pinned to core 0; wrk and an nginx back end
// share core 1. Interleaved runs, medians; after each cell the proxy's own request count is compared with wrk's, so that both are
// known to have done the same work.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../test/harness/free-port.ts";
import { call, eventually, ROOT } from "../test/harness/mesh.ts";
import { debianTool, envoyBinary } from "../test/harness/tools.ts";
import { startReplayServer } from "../test/replay/ads-server.ts";
import { cpuSeconds, rssMb } from "./process-usage.ts";
import { benchBootstrap, sidecarResources } from "./sidecar-resources.ts";
import type { BenchOptions } from "./run.ts";

const CONNECTIONS = 32;
const PROXY_CORE = "0";
const LOAD_CORE = "1";

interface Peer {
  readonly name: string;
  readonly port: number;
  readonly adminPort: number;
  readonly process: ChildProcess;
  readonly pid: number;
}

interface Cell {
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMb: number;
  readonly errors: number;
}

function latencyMs(text: string): number {
  const match = /([\d.]+)(us|ms|s)/.exec(text);
  if (match === null) return Number.NaN;
  return Number(match[1]) * (match[2] === "us" ? 0.001 : match[2] === "ms" ? 1 : 1000);
}

async function statOf(peer: Peer, pattern: RegExp): Promise<number> {
  const text = (await call(`http://127.0.0.1:${peer.adminPort}/stats`)).body;
  let sum = 0;
  for (const line of text.split("\n")) {
    const [name, value] = line.split(": ");
    if (name !== undefined && pattern.test(name)) sum += Number(value);
  }
  return sum;
}

function load(wrk: string, peer: Peer, seconds: number): Promise<string> {
  return new Promise((done, fail) => {
    const args = [
      "-c",
      LOAD_CORE,
      wrk,
      "-t1",
      `-c${CONNECTIONS}`,
      `-d${seconds}s`,
      "--latency",
      "-H",
      "Host: svc7.default.svc.cluster.local",
      `http://127.0.0.1:${peer.port}/`,
    ];
    const child = spawn("taskset", args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", fail);
    child.on("close", () => done(output));
  });
}

async function measure(wrk: string, peer: Peer, seconds: number): Promise<Cell> {
  const countedBefore = await statOf(peer, /^http\.outbound_.*downstream_rq_2xx$/);
  const cpuBefore = cpuSeconds(peer.pid);
  const output = await load(wrk, peer, seconds);
  const cpu = cpuSeconds(peer.pid) - cpuBefore;
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0);
  const errors = [...output.matchAll(/(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)/g)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
  // Envoy folds its threads' counters into the admin page every few seconds, so the comparison waits for it.
  let now = 0;
  const counted = await eventually(`${peer.name} counts what wrk counts`, 12_000, async () => {
    now = (await statOf(peer, /^http\.outbound_.*downstream_rq_2xx$/)) - countedBefore;
    return Math.abs(now - requests) <= CONNECTIONS + errors ? now : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${peer.name} counted ${now} requests and wrk ${requests}`, { cause: error });
  });
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? 0),
    cpuMicrosPerRequest: (cpu * 1e6) / counted,
    p50Ms: latencyMs(/^\s+50%\s+(\S+)/m.exec(output)?.[1] ?? ""),
    p99Ms: latencyMs(/^\s+99%\s+(\S+)/m.exec(output)?.[1] ?? ""),
    rssMb: rssMb(peer.pid),
    errors,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs the benchmark and prints its table. */
export async function bench(options: BenchOptions): Promise<unknown> {
  const wrk = debianTool("wrk", "wrk");
  const nginx = debianTool("nginx", "nginx-light");
  const envoy = envoyBinary();
  debianTool("taskset", "util-linux");
  const work = mkdtempSync(join(tmpdir(), "mizzen-bench-"));
  const children: ChildProcess[] = [];
  const start = (command: string, args: readonly string[]): ChildProcess => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr?.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
    child.on("exit", (code) => {
      if (code !== null && code !== 0) console.error(`${command} ended with ${code}: ${errors}`);
    });
    children.push(child);
    return child;
  };
  try {
    const backendPort = await freePort();
    const conf = `worker_processes 1; pid ${work}/nginx.pid; daemon off; error_log ${work}/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s; client_body_temp_path ${work}/c; proxy_temp_path ${work}/p; fastcgi_temp_path ${work}/f; uwsgi_temp_path ${work}/u; scgi_temp_path ${work}/s;
server { listen 127.0.0.1:${backendPort}; location / { default_type text/plain; return 200 "${"x".repeat(1024)}"; } } }`;
    writeFileSync(join(work, "nginx.conf"), conf);
    start("taskset", ["-c", LOAD_CORE, nginx, "-c", join(work, "nginx.conf"), "-e", join(work, "error.log")]);
    await eventually("nginx answers", 5000, async () => (await call(`http://127.0.0.1:${backendPort}/`)).status === 200);

    const peers: Peer[] = [];
    for (const name of ["mizzen", "envoy"]) {
      const [port, adminPort] = [await freePort(), await freePort()];
      const ads = await startReplayServer(sidecarResources(port, [{ port: backendPort, http2: false }]));
      const bootstrap = join(work, `${name}.json`);
      writeFileSync(
        bootstrap,
        JSON.stringify(benchBootstrap(`sidecar~127.0.0.1~bench-1.default~default.svc.cluster.local`, ads.port, adminPort)),
      );
      const child =
        name === "envoy"
          ? start("taskset", [
              "-c",
              PROXY_CORE,
              envoy,
              "-c",
              bootstrap,
              "--concurrency",
              "1",
              "--base-id-path",
              join(work, "base-id"),
              "--use-dynamic-base-id",
              "-l",
              "warn",
            ])
          : start("taskset", ["-c", PROXY_CORE, process.execPath, join(ROOT, "bench/data-plane-process.ts"), bootstrap]);
      const peer: Peer = { name, port, adminPort, process: child, pid: child.pid ?? -1 };
      await eventually(
        `${name} serves`,
        20_000,
        async () => (await call(`http://127.0.0.1:${port}/`, { headers: { host: "svc7" } })).status === 200,
      );
      peers.push(peer);
    }

    const cells = new Map<string, Cell[]>(peers.map((peer) => [peer.name, []]));
    for (const peer of peers) await load(wrk, peer, 3);
    for (let run = 0; run < options.runs; run++)
      for (const peer of peers) cells.get(peer.name)?.push(await measure(wrk, peer, options.seconds));

    const summary = Object.fromEntries(
      [...cells].map(([name, list]) => [
        name,
        {
          requestsPerSecond: median(list.map((cell) => cell.requestsPerSecond)),
          cpuMicrosPerRequest: median(list.map((cell) => cell.cpuMicrosPerRequest)),
          p50Ms: median(list.map((cell) => cell.p50Ms)),
          p99Ms: median(list.map((cell) => cell.p99Ms)),
          rssMb: median(list.map((cell) => cell.rssMb)),
          errors: list.reduce((sum, cell) => sum + cell.errors, 0),
        },
      ]),
    );
    console.log(
      `\nHTTP/1.1, 1 KB, ${CONNECTIONS} keep-alive connections, one core each; median of ${options.runs} runs of ${options.seconds} s`,
    );
    console.log("proxy     requests/s   us/request   p50 ms   p99 ms   RSS MB   errors");
    for (const [name, row] of Object.entries(summary)) {
      console.log(
        `${name.padEnd(8)} ${row.requestsPerSecond.toFixed(0).padStart(11)} ${row.cpuMicrosPerRequest.toFixed(1).padStart(12)} ${row.p50Ms.toFixed(2).padStart(8)} ${row.p99Ms.toFixed(2).padStart(8)} ${row.rssMb.toFixed(0).padStart(8)} ${String(row.errors).padStart(8)}`,
      );
    }
    const ratio = (summary["mizzen"]?.requestsPerSecond ?? 0) / (summary["envoy"]?.requestsPerSecond ?? 1);
    console.log(`mizzen / envoy: ${ratio.toFixed(2)} x requests per second`);
    return {
      bench: "http1-1kb",
      connections: CONNECTIONS,
      seconds: options.seconds,
      runs: options.runs,
      summary,
      ratio,
      cells: Object.fromEntries(cells),
    };
  } finally {
    for (const child of children) child.kill("SIGTERM");
    for (const child of children) {
      if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.on("exit", done));
    }
    rmSync(work, { recursive: true, force: true });
  }
}
