// A whole mesh for tests: a copy of a sample in a temporary folder, on a free gateway port, with a data directory of its own,
// started with the very command that users type.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import type { RequestOptions } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { urlToHttpOptions } from "node:url";
import { readHandle } from "#embedded/mesh-handle";
import type { MeshHandle } from "#embedded/mesh-handle";
import type { MeshStatus } from "#embedded/supervisor";
import { SupervisorClient } from "#embedded/supervisor-client";
import { withGatewayPort } from "./bookinfo-port.ts";
import { freePort } from "./free-port.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const LAUNCHER = join(ROOT, "bin/mizzen.js");

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly ms: number;
}

export interface CallOptions {
  readonly method?: string;
  /** The request's target as it goes out, where a URL would be normalized. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
}

/** One request on a connection of its own. Rejects on transport errors: tests count those. */
function exchange(what: string, target: RequestOptions, options: CallOptions): Promise<Answer> {
  const started = performance.now();
  return new Promise((done, fail) => {
    const request = httpRequest({ ...target, method: options.method ?? "GET", agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () =>
        done({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString("utf8"),
          ms: performance.now() - started,
        }),
      );
    });
    request.setTimeout(options.timeoutMs ?? 15_000, () => request.destroy(new Error(`no answer from ${what} in time`)));
    request.on("error", fail);
    request.end(options.body);
  });
}

export function call(url: string, options: CallOptions = {}): Promise<Answer> {
  const target = options.path === undefined ? {} : { path: options.path };
  return exchange(url, { ...urlToHttpOptions(new URL(url)), headers: { ...options.headers }, ...target }, options);
}

/** Like `call`, through a sidecar's HTTP proxy, as the application beside it would do it. */
export function callThroughProxy(
  proxy: { readonly address: string; readonly port: number },
  url: string,
  options: CallOptions = {},
): Promise<Answer> {
  const headers = { host: new URL(url).host, ...options.headers };
  return exchange(url, { host: proxy.address, port: proxy.port, path: url, headers }, options);
}

/** What a test starts may take that long on a machine that does other things too: that it starts is asked, not how fast. */
export const START_MS = 60_000;

/** Asks again every 50 ms until `check` gives something. @throws Error naming `what` after `timeoutMs` */
export async function eventually<T>(what: string, timeoutMs: number, check: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const until = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last });
    await new Promise((done) => setTimeout(done, 50));
  }
}

export interface TestMesh {
  /** The copied sample: write YAML files here. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly gateway: string;
  readonly pid: number;
  /** Everything that `mizzen up` has printed so far. */
  output(): string;
  write(file: string, text: string): void;
  remove(file: string): void;
  /** Runs another mizzen command against this mesh. */
  cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** What the running mesh says of itself (0600 file). */
  handle(): MeshHandle;
  status(): Promise<MeshStatus>;
  /** The first running proxy of a workload group, e.g. "productpage-v1". */
  sidecar(workload: string): Promise<MeshStatus["proxies"][number]>;
  /** A path of the control plane's debug server. */
  debug(path: string): Promise<Answer>;
  stop(): Promise<void>;
  readonly child: ChildProcess;
}

export interface MeshOptions {
  readonly sample?: string;
  /** Extra files in the directory before the start: name to text. */
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly keepDirectory?: boolean;
}

/** Runs a mizzen command to its end. */
export function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = ROOT,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", fail);
    child.on("close", (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}

/** Starts a mesh and waits until its gateway answers. */
export async function startMesh(options: MeshOptions = {}): Promise<TestMesh> {
  const work = mkdtempSync(join(tmpdir(), "mizzen-mesh-"));
  const directory = join(work, "mesh");
  const dataDirectory = join(work, "data");
  const sample = join(ROOT, options.sample ?? "samples/bookinfo");
  cpSync(sample, directory, { recursive: true, filter: (path) => path !== join(sample, "networking") });
  const port = await freePort();
  for (const name of readdirSync(directory)) {
    if (!/\.ya?ml$/.test(name)) continue;
    const text = readFileSync(join(directory, name), "utf8");
    if (/^kind: Gateway$/m.test(text)) writeFileSync(join(directory, name), withGatewayPort(text, port));
  }
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(directory, name), text);
  const args = [LAUNCHER, "up", "-f", directory, "--data-dir", dataDirectory, ...(options.args ?? [])];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const gateway = `http://127.0.0.1:${port}`;
  const mesh: TestMesh = {
    directory,
    dataDirectory,
    gateway,
    child,
    pid: child.pid ?? -1,
    output: () => output,
    write: (file, text) => writeFileSync(join(directory, file), text),
    remove: (file) => rmSync(join(directory, file)),
    cli: (...cliArgs) => runCli([...cliArgs, "--data-dir", dataDirectory]),
    handle() {
      const handle = readHandle(dataDirectory);
      if (handle === undefined) throw new Error(`no mesh runs from ${dataDirectory}`);
      return handle;
    },
    status: () => new SupervisorClient(mesh.handle()).status(),
    async sidecar(workload) {
      const found = (await mesh.status()).proxies.find(({ name, type }) => type === "sidecar" && name.startsWith(`${workload}-`));
      if (found === undefined) throw new Error(`no sidecar of ${workload} runs`);
      return found;
    },
    async debug(path) {
      return call(`http://127.0.0.1:${(await mesh.status()).controlPlane.httpPort}${path}`);
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(timer);
      if (options.keepDirectory !== true) rmSync(work, { recursive: true, force: true });
    },
  };
  try {
    await eventually("the mesh is ready", START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`mizzen up ended with ${child.exitCode}:\n${output}`);
      return output.includes(`:${port}/`) && (await call(`${gateway}/productpage`, { timeoutMs: 2000 })).status === 200 ? true : undefined;
    });
  } catch (error) {
    await mesh.stop();
    throw new Error(`the mesh did not start; it said:\n${output.slice(-6000)}`, { cause: error });
  }
  return mesh;
}
