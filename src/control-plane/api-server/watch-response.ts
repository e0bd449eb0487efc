// Sends a watch. A reader that does not read is waited for, for a while, and then dropped: its events must not fill memory.
import type { ServerResponse } from "node:http";
import type { Clock } from "#runtime/clock";
import type { ApiResponse } from "./api-request.ts";

const PATIENCE_MS = 30_000;

/** "slow": the reader was dropped. */
export async function sendWatch(
  { contentType, lines }: Extract<ApiResponse, { is: "watch" }>,
  outgoing: ServerResponse,
  clock: Clock,
): Promise<"done" | "slow"> {
  outgoing.on("close", () => lines.close());
  outgoing.writeHead(200, { "content-type": contentType, "cache-control": "no-cache, private" });
  outgoing.flushHeaders();
  try {
    for await (const line of lines) {
      if (outgoing.destroyed) return "done";
      if (!outgoing.write(line) && !(await drained(outgoing, clock))) {
        outgoing.destroy();
        return "slow";
      }
    }
    outgoing.end();
  } catch {
    // What a client cannot be told any more; it begins again with a list.
    outgoing.destroy();
  } finally {
    lines.close();
  }
  return "done";
}

function drained(outgoing: ServerResponse, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (ready: boolean) => (): void => {
      timer.cancel();
      outgoing.off("drain", onDrain).off("close", onClose);
      resolve(ready);
    };
    const onDrain = done(true);
    const onClose = done(true);
    const timer = clock.setTimer(PATIENCE_MS, done(false), true);
    outgoing.once("drain", onDrain).once("close", onClose);
  });
}
