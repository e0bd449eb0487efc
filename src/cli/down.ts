// `mizzen down`: ends the running mesh and waits until it is gone.
import { isAlive } from "#embedded/mesh-handle";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { requireClient } from "./data-directory.ts";
import type { DataDirectoryOption } from "./data-directory.ts";

const WAIT_MS = 40_000;
const POLL_MS = 50;

export async function down(options: DataDirectoryOption): Promise<void> {
  const { handle, client } = requireClient(options);
  await client.stop();
  const until = realClock.monotonicMs() + WAIT_MS;
  while (isAlive(handle)) {
    if (realClock.monotonicMs() > until)
      throw new CommandError(`the mesh (pid ${handle.pid}) is still stopping after ${WAIT_MS / 1000} s; end it with kill -9 ${handle.pid}`);
    await new Promise<void>((resolve) => realClock.setTimer(POLL_MS, resolve));
  }
  process.stdout.write(`stopped the mesh (pid ${handle.pid})\n`);
}
