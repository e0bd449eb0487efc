// A real Envoy as a process: started with a bootstrap of ours, asked through its own admin endpoint, ended with the test.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap } from "#agent/bootstrap";
import type { BootstrapOptions, Endpoint } from "#agent/bootstrap";
import { call, eventually, START_MS } from "../harness/mesh.ts";
import { envoyBinary } from "../harness/tools.ts";

export interface Envoy {
  readonly admin: Endpoint;
  /** One counter or gauge; 0 when Envoy has none of that name (it makes most of them at first use). */
  stat(name: string): Promise<number>;
  /** All that match a regular expression, by name. */
  stats(filter: string): Promise<ReadonlyMap<string, number>>;
  get(path: string): Promise<string>;
  output(): string;
  stop(): Promise<void>;
}

/** Starts Envoy and waits until it has its first configuration. @throws Error with Envoy's output when it does not come up */
export async function startEnvoy(options: BootstrapOptions, transport: "GRPC" | "DELTA_GRPC" = "DELTA_GRPC"): Promise<Envoy> {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-envoy-"));
  const file = join(folder, "bootstrap.json");
  writeFileSync(file, JSON.stringify(bootstrap(options)).replace('"DELTA_GRPC"', JSON.stringify(transport)));
  const args = [
    "--config-path",
    file,
    "--concurrency",
    "1",
    "--disable-hot-restart",
    "--log-level",
    "warning",
    "--file-flush-interval-msec",
    "100",
  ];
  // Node's pipes are sockets, which Envoy cannot open as /dev/stdout, where its access log goes: it writes to a file.
  const outputFile = join(folder, "output.txt");
  // To append: Envoy opens the file once more, and the two must not write over each other.
  const descriptor = openSync(outputFile, "a");
  const child = spawn(envoyBinary(), args, { cwd: folder, stdio: ["ignore", descriptor, descriptor] });
  closeSync(descriptor);
  let lastOutput: string | undefined;
  const output = (): string => lastOutput ?? readFileSync(outputFile, "utf8");
  const ended = new Promise<void>((done) => child.on("close", () => done()));
  // A test that dies must not leave an Envoy behind.
  const killNow = (): void => void child.kill("SIGKILL");
  process.on("exit", killNow);
  const { admin } = options;
  const origin = `http://${admin.address}:${admin.port}`;
  const get = async (path: string): Promise<string> => (await call(`${origin}${path}`)).body;
  const stats = async (filter: string): Promise<ReadonlyMap<string, number>> =>
    new Map(
      (await get(`/stats?filter=${encodeURIComponent(filter)}`))
        .split("\n")
        .map((line) => line.split(": "))
        .filter(([, value]) => /^\d+$/.test(value ?? ""))
        .map(([name, value]) => [name ?? "", Number(value)]),
    );
  const envoy: Envoy = {
    admin,
    stats,
    get,
    stat: async (name) => (await stats(`^${name.replaceAll(".", "\\.")}$`)).get(name) ?? 0,
    output,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const timer = setTimeout(killNow, 5_000);
      await ended;
      clearTimeout(timer);
      process.off("exit", killNow);
      lastOutput = output();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await eventually("Envoy is ready", START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`Envoy ended with ${child.exitCode}`);
      return (await call(`${origin}/ready`, { timeoutMs: 1000 })).status === 200 ? true : undefined;
    });
  } catch (error) {
    await envoy.stop();
    throw new Error(`Envoy did not start; it said:\n${output().slice(-6000)}`, { cause: error });
  }
  return envoy;
}
