// The data-plane process below `mizzen up`: hosts the proxies that the supervisor names.
import { startDataPlane } from "#proxy/data-plane/data-plane";
import type { DataPlane } from "#proxy/data-plane/data-plane";
import type { FromDataPlane, ToDataPlane } from "#embedded/child-messages";
import type { JsonObject } from "#agent/bootstrap";
import { realClock } from "#runtime/clock";
import { realRandom } from "#runtime/random";
import { CommandError } from "./command-error.ts";
import { poisonMode } from "./poison-mode.ts";
import { packageVersion } from "./program-place.ts";
import { superviseMe } from "./supervised-child.ts";
import type { SupervisedChild } from "./supervised-child.ts";
import { terminalLog } from "./terminal-log.ts";

function idOf(bootstrap: JsonObject): string {
  const id = (bootstrap["node"] as JsonObject | undefined)?.["id"];
  return typeof id === "string" ? id : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function serve(child: SupervisedChild<FromDataPlane>, dataPlane: DataPlane, message: ToDataPlane): void {
  switch (message.type) {
    case "start":
      return;
    case "add-proxy": {
      const { bootstrap, concurrency, logPrefix } = message;
      dataPlane
        .addProxy({ bootstrap, concurrency, logPrefix })
        .catch((error: unknown) => child.tell({ type: "proxy-failed", nodeId: idOf(bootstrap), message: messageOf(error) }));
      return;
    }
    case "remove-proxy":
      dataPlane.removeProxy(message.nodeId, message.drainMs).then(
        () => child.tell({ type: "reply", sequence: message.sequence, value: 0 }),
        (error: unknown) => child.tell({ type: "proxy-failed", nodeId: message.nodeId, message: messageOf(error) }),
      );
      return;
    case "in-flight":
      child.tell({ type: "reply", sequence: message.sequence, value: dataPlane.inFlight(message.nodeId) ?? 0 });
      return;
    case "stop":
      dataPlane.close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
      return;
  }
}

export function dataPlane(options: { readonly supervised?: boolean }): void {
  if (options.supervised !== true) throw new CommandError("data-plane runs below `mizzen up` only; start that", 2);
  let running: DataPlane | undefined;
  const child = superviseMe<FromDataPlane>(
    (value) => {
      const message = value as ToDataPlane;
      if (message.type === "start") {
        const logging = { ...message.log };
        const log = terminalLog(logging, (line) => process.stderr.write(`${line}\n`));
        running = startDataPlane({
          logging,
          clock: realClock,
          random: realRandom,
          log,
          poison: poisonMode(process.env, log),
          threads: message.threads,
          stateDirectory: message.stateDirectory,
          version: packageVersion(),
        });
        child.tell({ type: "ready" });
        return;
      }
      if (running !== undefined) serve(child, running, message);
    },
    () => process.exit(0),
  );
  process.on("SIGTERM", () => {
    void running?.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
