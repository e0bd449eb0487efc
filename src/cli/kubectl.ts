// `mizzen kubectl -- ARGS`: the user's own kubectl against the running mesh.
import { spawn } from "node:child_process";
import { CommandError } from "./command-error.ts";
import type { DataDirectoryOption } from "./data-directory.ts";
import { kubeconfigFile } from "./kubeconfig.ts";

export async function kubectl(args: readonly string[], options: DataDirectoryOption): Promise<void> {
  const child = spawn("kubectl", args, { stdio: "inherit", env: { ...process.env, KUBECONFIG: kubeconfigFile(options) } });
  // Ctrl-C reaches kubectl, too: it decides when to end.
  const ignore = (): void => {};
  process.on("SIGINT", ignore);
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", (error) => {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      reject(
        new CommandError(missing ? "kubectl is not installed, or not in PATH; `mizzen get` and `mizzen apply` need none" : error.message),
      );
    });
    child.on("close", (status) => resolve(status ?? 1));
  });
  process.off("SIGINT", ignore);
  process.exitCode = code;
}
