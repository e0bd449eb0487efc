// Credential plugins of a kubeconfig (`exec`), as clouds use them: a program prints an ExecCredential.
import { spawnSync } from "node:child_process";
import { CommandError } from "#cli/command-error";
import type { ExecCredential, IssuedCredential } from "./kubeconfig.ts";

const TIMEOUT_MS = 60_000;

/** @throws CommandError naming the program, with its own hint for who does not have it */
export function issueCredential(exec: ExecCredential, environment: Readonly<Record<string, string | undefined>>): IssuedCredential {
  const info = { kind: "ExecCredential", apiVersion: exec.apiVersion, spec: { interactive: process.stdin.isTTY } };
  const result = spawnSync(exec.command, exec.args ?? [], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    stdio: ["inherit", "pipe", "inherit"],
    env: {
      ...environment,
      ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    },
  });
  if (result.error !== undefined) {
    const hint = exec.installHint === undefined ? "" : `; ${exec.installHint.trim()}`;
    throw new CommandError(`the credential plugin ${exec.command} cannot be run: ${result.error.message}${hint}`);
  }
  if (result.status !== 0) throw new CommandError(`the credential plugin ${exec.command} ended with ${result.status ?? result.signal}`);
  try {
    const { status } = JSON.parse(result.stdout) as { readonly status?: IssuedCredential };
    if (status !== undefined) return status;
  } catch {
    // said below: no JSON is no credential, too
  }
  throw new CommandError(`the credential plugin ${exec.command} printed no ExecCredential`);
}
