// A proxy under test, ours or Envoy, inside the pod's namespace and under the group whose traffic is not captured.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { debianTool, envoyBinary } from "../harness/tools.ts";
import { bootstrapOf, type BootstrapIdentity } from "./bootstrap.ts";
import { PROXY_GROUP, type PodNetwork } from "./network-namespace.ts";
import type { Station } from "./station.ts";

export type ProxyKind = "envoy" | "mizzen";

export interface ProxyOptions extends Omit<BootstrapIdentity, "adminPort"> {
  readonly kind: ProxyKind;
  readonly network: PodNetwork;
  /** Of the pod: it asks the admin endpoint, which listens on loopback. */
  readonly station: Station;
}

export interface ProxyProcess {
  /** The end of what it wrote. */
  stop(): Promise<string>;
}

const ADMIN_PORT = 15000;
const START_MS = 60_000;
/** A proxy that has refused something and is not ready by then waits for what it refused. */
const REFUSED_MS = 4_000;
const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "../../bench/data-plane-process.ts");

/** Resolves once the proxy has its listeners. @throws Error with its output when it does not get that far */
export async function startProxy(options: ProxyOptions): Promise<ProxyProcess> {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-replay-"));
  const file = join(folder, "bootstrap.json");
  writeFileSync(file, JSON.stringify(bootstrapOf({ ...options, adminPort: ADMIN_PORT })));
  const command =
    options.kind === "envoy"
      ? [envoyBinary(), "-c", file, "--concurrency", "1", "--disable-hot-restart", "-l", "warning", "--drain-time-s", "0"]
      : [process.execPath, PROGRAM, file];
  const outputFile = join(folder, "output.txt");
  const descriptor = openSync(outputFile, "a");
  const asProxy = [debianTool("setpriv", "util-linux"), "--regid", String(PROXY_GROUP), "--clear-groups"];
  const child = spawn("ip", ["netns", "exec", options.network.pod, ...asProxy, ...command], {
    cwd: folder,
    stdio: ["ignore", descriptor, descriptor],
  });
  closeSync(descriptor);
  const ended = new Promise<void>((done) => child.on("close", () => done()));
  const killNow = (): void => void child.kill("SIGKILL");
  process.on("exit", killNow);
  const stop = async (): Promise<string> => {
    killNow();
    await ended;
    process.off("exit", killNow);
    const output = readFileSync(outputFile, "utf8").slice(-4000);
    rmSync(folder, { recursive: true, force: true });
    return output;
  };
  const failed = async (why: string): Promise<never> => {
    const nacks = await options.station.nacks();
    const output = await stop();
    throw new Error(`${options.kind} ${why}: ${[...nacks.map(({ message }) => message), output].join("\n")}`);
  };
  const started = Date.now();
  for (;;) {
    if (child.exitCode !== null) return failed(`ended with ${child.exitCode}`);
    const ready = await options.station.get(`http://127.0.0.1:${ADMIN_PORT}/ready`);
    if (ready?.status === 200) return { stop };
    const waitedMs = Date.now() - started;
    const refused = waitedMs > REFUSED_MS && (await options.station.nacks()).length > 0;
    if (refused || waitedMs > START_MS) return failed("was not ready in time");
    await new Promise((done) => setTimeout(done, 20));
  }
}
