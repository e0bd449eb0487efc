// What drives the peers, all on the load's core: wrk for HTTP, our own clients for WebSocket, a fixed rate and idle connections.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";

export const CONNECTIONS = 32;
export const PROXY_CORE = "0";
export const LOAD_CORE = "1";
export const HOST = "svc7.default.svc.cluster.local";

export interface LoadResult {
  readonly answered: number;
  readonly errors: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs?: readonly number[];
}

function output(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.on("error", fail);
    child.on("close", (code) => (code === 0 ? done(text) : fail(new Error(`the load ended with ${code}: ${text}`))));
  });
}

function milliseconds(text: string): number {
  const match = /([\d.]+)(us|ms|s)/.exec(text);
  if (match === null) return Number.NaN;
  return Number(match[1]) * (match[2] === "us" ? 0.001 : match[2] === "ms" ? 1 : 1000);
}

export interface WrkOptions {
  readonly url: string;
  readonly seconds: number;
  readonly host?: string;
  readonly headers?: readonly string[];
  /** A file that sets method and body. */
  readonly script?: string;
}

export async function wrk(program: string, { url, seconds, host = HOST, headers = [], script }: WrkOptions): Promise<LoadResult> {
  const more = [...[`Host: ${host}`, ...headers].flatMap((header) => ["-H", header]), ...(script === undefined ? [] : ["-s", script])];
  const args = ["-c", LOAD_CORE, program, "-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", ...more, url];
  const text = await output(spawn("taskset", args, { stdio: ["ignore", "pipe", "inherit"] }));
  const errors = [...text.matchAll(/(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)/g)];
  return {
    answered: Number(/(\d+) requests in/.exec(text)?.[1] ?? 0),
    errors: errors.reduce((sum, match) => sum + Number(match[1]), 0),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? 0),
    p50Ms: milliseconds(/^\s+50%\s+(\S+)/m.exec(text)?.[1] ?? ""),
    p99Ms: milliseconds(/^\s+99%\s+(\S+)/m.exec(text)?.[1] ?? ""),
  };
}

/** One of the programs beside this file, on the load's core. */
export function ownProcess(file: string, args: readonly (string | number)[]): ChildProcess {
  return spawn("taskset", ["-c", LOAD_CORE, process.execPath, join(import.meta.dirname, file), ...args.map(String)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
}

/** What `child` says first. */
export function told(child: ChildProcess, what: string): Promise<void> {
  return new Promise((done, fail) => {
    child.on("message", (message) => {
      if (message === what) done();
    });
    child.on("exit", () => fail(new Error(`the client ended before it was "${what}"`)));
  });
}

export async function ownLoad(child: ChildProcess, seconds: number): Promise<LoadResult> {
  const result = JSON.parse(await output(child)) as LoadResult;
  return { ...result, perSecond: result.answered / seconds };
}
