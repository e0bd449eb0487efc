// HTTP/2 from clients with 8 connections of 16 streams each: to HTTP/1 and to HTTP/2 back ends (1 KB and 100 KB, h2load), and unary gRPC
// (ghz). Proxies on core 0, clients and back ends on core 1. Interleaved runs, medians; the counts of those proxies that count are compared
// with the client's. Where the client is the bottleneck the proxy's CPU per request is what counts: it is compared as well.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/harness/free-port.ts";
import { eventually } from "../../test/harness/mesh.ts";
import { debianTool, goTool } from "../../test/harness/tools.ts";
import { cpuSeconds, rssMb } from "../process-usage.ts";
import type { BenchOptions } from "../run.ts";
import { LOAD_CORE } from "./cores.ts";
import { ghz, h2load } from "./load.ts";
import type { LoadResult } from "./load.ts";
import { startPeers } from "./peers.ts";
import type { Peer, Start, Target } from "./peers.ts";

const WARM_UP_SECONDS = 2;

interface Cell extends Omit<LoadResult, "requests"> {
  readonly cpuMicrosPerRequest: number;
  readonly rssMb: number;
}

type Load = (peer: Peer, seconds: number) => Promise<LoadResult>;

/** What each part is called on the command line. */
const PARTS = ["h1-1kb", "h2-1kb", "h1-100kb", "h2-100kb", "grpc"] as const;

function loads(targets: readonly Target[], work: string): Record<(typeof PARTS)[number], Load> {
  const [h1, h2, grpc] = targets as [Target, Target, Target];
  const h2loadProgram = debianTool("h2load", "nghttp2-client");
  const ghzProgram = goTool("ghz", "github.com/bojand/ghz/cmd/ghz");
  const pages = (target: Target, path: string): Load => {
    return (peer, seconds) => h2load(h2loadProgram, peer.port, target.host, path, seconds, work);
  };
  return {
    "h1-1kb": pages(h1, "/"),
    "h2-1kb": pages(h2, "/"),
    "h1-100kb": pages(h1, "/large"),
    "h2-100kb": pages(h2, "/large"),
    grpc: (peer, seconds) => ghz(ghzProgram, peer.port, grpc.host, seconds),
  };
}

async function measure(load: Load, peer: Peer, seconds: number): Promise<Cell> {
  const countedBefore = await peer.answered?.();
  const cpuBefore = cpuSeconds(peer.pid);
  const { requests, ...result } = await load(peer, seconds);
  const cpu = cpuSeconds(peer.pid) - cpuBefore;
  const { answered } = peer;
  if (answered !== undefined && countedBefore !== undefined) {
    // Envoy folds its threads' counters every few seconds. At the end of a run the client leaves with up to 128 requests open.
    await eventually(`${peer.name} counts the ${requests} requests of the client`, 12_000, async () => {
      const counted = (await answered()) - countedBefore;
      return Math.abs(counted - requests) <= 128 + result.errors || undefined;
    });
  }
  return { ...result, cpuMicrosPerRequest: (cpu * 1e6) / requests, rssMb: rssMb(peer.pid) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function summary(cells: readonly Cell[]): Cell {
  const of = (key: keyof Cell): number => median(cells.map((cell) => cell[key]));
  return {
    requestsPerSecond: of("requestsPerSecond"),
    cpuMicrosPerRequest: of("cpuMicrosPerRequest"),
    p99Ms: of("p99Ms"),
    rssMb: of("rssMb"),
    errors: cells.reduce((sum, cell) => sum + cell.errors, 0),
  };
}

function print(part: string, rows: ReadonlyMap<string, Cell>): void {
  const envoy = rows.get("envoy");
  console.log(`\n${part}`);
  console.log("proxy       requests/s   x Envoy   us/request   x Envoy   p99 ms   RSS MB   errors");
  for (const [name, row] of rows) {
    const columns = [
      row.requestsPerSecond.toFixed(0).padStart(11),
      (row.requestsPerSecond / (envoy?.requestsPerSecond ?? Number.NaN)).toFixed(2).padStart(9),
      row.cpuMicrosPerRequest.toFixed(1).padStart(12),
      ((envoy?.cpuMicrosPerRequest ?? Number.NaN) / row.cpuMicrosPerRequest).toFixed(2).padStart(9),
      row.p99Ms.toFixed(2).padStart(8),
      row.rssMb.toFixed(0).padStart(8),
      String(row.errors).padStart(8),
    ];
    console.log(`${name.padEnd(10)} ${columns.join(" ")}`);
  }
}

async function startBackends(work: string, start: Start): Promise<Target[]> {
  const [http1Port, http2Port, grpcPort] = [await freePort(), await freePort(), await freePort()];
  const nginx = debianTool("nginx", "nginx-light");
  writeFileSync(join(work, "large"), "x".repeat(102_400));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${work}/${kind};`).join(" ");
  writeFileSync(
    join(work, "nginx.conf"),
    `worker_processes 1; user root; pid ${work}/nginx.pid; daemon off; error_log ${work}/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s; ${temporary}
server { listen 127.0.0.1:${http1Port}; listen 127.0.0.1:${http2Port} http2; root ${work}; http2_max_concurrent_streams 256;
location = / { default_type text/plain; return 200 "${"x".repeat(1024)}"; } } }`,
  );
  start("taskset", ["-c", LOAD_CORE, nginx, "-c", join(work, "nginx.conf"), "-e", join(work, "error.log")]);
  const server = goTool("grpc-interop", "google.golang.org/grpc/interop/server", "grpc-interop-server");
  start("taskset", ["-c", LOAD_CORE, server, `--port=${grpcPort}`]);
  const host = (service: number): string => `svc${service}.default.svc.cluster.local`;
  return [
    { host: host(0), port: http1Port, http2: false },
    { host: host(1), port: http2Port, http2: true },
    { host: host(2), port: grpcPort, http2: true },
  ];
}

/** Runs the benchmark and prints its tables. */
export async function bench(options: BenchOptions): Promise<unknown> {
  debianTool("taskset", "util-linux");
  const parts = options.parts.length === 0 ? PARTS : PARTS.filter((part) => options.parts.includes(part));
  if (parts.length === 0) throw new Error(`bench http2: the parts are ${PARTS.join(", ")}`);
  const work = mkdtempSync(join(tmpdir(), "mizzen-bench-"));
  const children: ChildProcess[] = [];
  const start: Start = (command, args) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
    child.on("exit", (code) => {
      if (code !== null && code !== 0) console.error(`${args.join(" ").slice(0, 200)} ended with ${code}: ${errors}`);
    });
    children.push(child);
    return child.pid ?? -1;
  };
  try {
    const targets = await startBackends(work, start);
    const peers = await startPeers(targets, work, start);
    const byPart = loads(targets, work);
    console.log(`HTTP/2, 8 connections x 16 streams, one core for the proxy; median of ${options.runs} runs of ${options.seconds} s`);
    const results: Record<string, Record<string, Cell>> = {};
    for (const part of parts) {
      const load = byPart[part];
      const cells = new Map<string, Cell[]>(peers.map((peer) => [peer.name, []]));
      for (const peer of peers)
        await eventually(`${peer.name} does ${part}`, 10_000, async () => (await load(peer, WARM_UP_SECONDS)).requests > 0);
      for (let run = 0; run < options.runs; run++)
        for (const peer of peers) cells.get(peer.name)?.push(await measure(load, peer, options.seconds));
      const rows = new Map([...cells].map(([name, list]) => [name, summary(list)]));
      print(part, rows);
      results[part] = Object.fromEntries(rows);
    }
    return { bench: "http2", seconds: options.seconds, runs: options.runs, results };
  } finally {
    for (const child of children) child.kill("SIGTERM");
    for (const child of children) {
      if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.on("exit", done));
    }
    rmSync(work, { recursive: true, force: true });
  }
}
