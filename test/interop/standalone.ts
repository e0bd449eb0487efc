// A proxy alone, ours or a real Envoy, from a bootstrap file: started with the very flags that users of Envoy type.
import { spawn } from "node:child_process";
import { call, eventually, LAUNCHER, START_MS } from "../harness/mesh.ts";
import { envoyBinary } from "../harness/tools.ts";

export type ProxyKind = "envoy" | "mizzen";

export const KINDS: readonly ProxyKind[] = ["envoy", "mizzen"];

export interface Standalone {
  output(): string;
  /** Its exit code. */
  stop(): Promise<number | null>;
}

function commandOf(kind: ProxyKind, args: readonly string[]): readonly [string, readonly string[]] {
  return kind === "envoy" ? [envoyBinary(), [...args, "--disable-hot-restart"]] : [process.execPath, [LAUNCHER, "proxy", ...args]];
}

/** Runs to its end. */
export async function runProxy(
  kind: ProxyKind,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(...commandOf(kind, args), { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.on("close", (exit) => done(exit)));
  return { code, stdout, stderr };
}

/** Starts and waits until it is ready, or answers so with another status. */
export async function startStandalone(
  kind: ProxyKind,
  bootstrap: string,
  adminPort: number,
  more: readonly string[] = [],
  status = 200,
): Promise<Standalone> {
  const child = spawn(...commandOf(kind, ["-c", bootstrap, "--concurrency", "1", "-l", "warning", ...more]), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<number | null>((done) => child.on("close", (code) => done(code)));
  const killNow = (): void => void child.kill("SIGKILL");
  process.on("exit", killNow);
  const standalone: Standalone = {
    output: () => output,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const timer = setTimeout(killNow, 8_000);
      const code = await ended;
      clearTimeout(timer);
      process.off("exit", killNow);
      return code;
    },
  };
  try {
    await eventually(`${kind} is ready`, START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`${kind} ended with ${child.exitCode}`);
      return (await call(`http://127.0.0.1:${adminPort}/ready`, { timeoutMs: 1000 })).status === status ? true : undefined;
    });
  } catch (error) {
    await standalone.stop();
    throw new Error(`${kind} did not start:\n${output.slice(-3000)}`, { cause: error });
  }
  return standalone;
}
