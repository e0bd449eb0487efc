// The clients of the benchmark, pinned to the core that is not the proxy's.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LOAD_CORE } from "./cores.ts";

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  readonly errors: number;
}

const CONNECTIONS = 8;
const STREAMS = 16;

function pinned(command: string, args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn("taskset", ["-c", LOAD_CORE, command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", fail);
    child.on("close", (code) => {
      if (code === 0) done(output);
      else fail(new Error(`${command} ended with ${code}: ${output.slice(-2000)}`));
    });
  });
}

function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length * share)] ?? Number.NaN;
}

/** h2load: `host` over 127.0.0.1:`port`. */
export async function h2load(
  program: string,
  port: number,
  host: string,
  path: string,
  seconds: number,
  work: string,
): Promise<LoadResult> {
  const log = join(work, "h2load.log");
  rmSync(log, { force: true });
  const args = [
    `-c${CONNECTIONS}`,
    `-m${STREAMS}`,
    `-D${seconds}`,
    `--connect-to=127.0.0.1:${port}`,
    `--log-file=${log}`,
    `http://${host}${path}`,
  ];
  const output = await pinned(program, args);
  const counts = /requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output);
  if (counts === null) throw new Error(`h2load says nothing of its requests:\n${output}`);
  const [, done = 0, succeeded = 0] = counts.map(Number);
  // Columns: start, status, microseconds.
  const latencies = readFileSync(log, "utf8").split("\n");
  const micros = latencies.map((line) => Number(line.split("\t")[2])).filter((value) => value > 0);
  return {
    requests: succeeded,
    requestsPerSecond: succeeded / seconds,
    p99Ms: percentile(micros, 0.99) / 1000,
    errors: done - succeeded,
  };
}

interface GhzReport {
  readonly count: number;
  readonly rps: number;
  readonly latencyDistribution: readonly { readonly percentage: number; readonly latency: number }[] | null;
  readonly statusCodeDistribution: Readonly<Record<string, number>>;
}

/** ghz: unary calls of 100 bytes there and back. */
export async function ghz(program: string, port: number, authority: string, seconds: number): Promise<LoadResult> {
  const args = [
    "--insecure",
    `--proto=${join(import.meta.dirname, "unary.proto")}`,
    "--call=grpc.testing.TestService.UnaryCall",
    `--connections=${CONNECTIONS}`,
    `--concurrency=${CONNECTIONS * STREAMS}`,
    `--duration=${seconds}s`,
    // Else the calls that are open at the end are failures.
    "--duration-stop=wait",
    `--authority=${authority}`,
    `--data=${JSON.stringify({ responseSize: 100, payload: { body: Buffer.alloc(100).toString("base64") } })}`,
    "--format=json",
    `127.0.0.1:${port}`,
  ];
  const output = await pinned(program, args);
  const report = JSON.parse(output.slice(output.indexOf("{"))) as GhzReport;
  const good = report.statusCodeDistribution["OK"] ?? 0;
  return {
    requests: good,
    requestsPerSecond: report.rps,
    p99Ms: (report.latencyDistribution?.find((entry) => entry.percentage === 99)?.latency ?? Number.NaN) / 1e6,
    errors: report.count - good,
  };
}
