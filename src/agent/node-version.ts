// Which `node` a command would start, and whether it is new enough to send its HTTP calls through HTTP_PROXY by itself.
import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { basename, join } from "node:path";

/** The program that a shell command starts first: environment assignments in front of it are skipped. */
export function programOf(command: string): string {
  for (const word of command.trim().split(/\s+/)) {
    if (/^[A-Za-z_]\w*=/.test(word) || word === "exec" || word === "env") continue;
    return word;
  }
  return "";
}

export function startsNode(command: string): boolean {
  return programOf(command) === "node";
}

/** The first executable file named `program` on `path`; a program with a slash in it is taken as it is. */
export function findOnPath(program: string, path: string): string | undefined {
  const candidates = program.includes("/") ? [program] : path.split(":").map((folder) => join(folder === "" ? "." : folder, program));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false; // not there, or not ours to run: the shell looks on, too
    }
  });
}

/** NODE_USE_ENV_PROXY exists since 24.0 and was brought back to 22.21; type stripping without a flag is older than both. */
export function readsProxyFromEnvironment(version: string): boolean {
  const parts = /^v?(\d+)\.(\d+)/.exec(version);
  if (parts === null) return false;
  const major = Number(parts[1]);
  return major >= 24 || (major === 22 && Number(parts[2]) >= 21);
}

/** `v20.19.4`, or undefined when `program` is no Node or does not answer within two seconds. */
export function nodeVersion(program: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, ["--version"], { timeout: 2_000 }, (error, stdout) => {
      const version = stdout.trim();
      resolve(error === null && /^v\d+\.\d+/.test(version) ? version : undefined);
    });
  });
}

export function isNode(program: string): boolean {
  return basename(program) === "node";
}
