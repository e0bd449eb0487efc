// `mizzen wait --for=distribution VirtualService/reviews`: ends when the object, as it is now, is live on the proxies.
import type { ObjectDistribution } from "#control-plane/xds/distribution";
import { SupervisorClient } from "#embedded/supervisor-client";
import { keyText } from "#api/finding";
import { decodedKindNames } from "#api/kinds";
import { parseDuration } from "#api/go-duration";
import { realClock } from "#runtime/clock";
import type { Clock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { dataDirectory, requireMesh } from "./data-directory.ts";
import { httpGet } from "./http-get.ts";
import { parseObjectName } from "./object-name.ts";

export interface WaitOptions {
  readonly for?: string;
  readonly namespace?: string;
  readonly timeout?: string;
  readonly threshold?: string;
  readonly generation?: string;
  readonly httpPort?: string;
  readonly dataDir?: string;
}

const ASK_AGAIN_MS = 50;

export interface Wanted {
  /** Of all proxies, from 0 to 1. */
  readonly threshold: number;
  /** Not satisfied by an older one. */
  readonly generation: number | undefined;
}

/** undefined: not yet. */
export function waitOutcome(found: ObjectDistribution, wanted: Wanted): string | undefined {
  const { live, pending, refused } = found;
  const total = live.length + pending.length + refused.length;
  if (wanted.generation !== undefined && found.generation < wanted.generation) return undefined;
  return live.length >= Math.ceil(total * wanted.threshold) ? `live on ${live.length} of ${total} proxies` : undefined;
}

/** Why it is not live everywhere: who refused and why, and who has not answered. */
export function whyNotLive({ pending, refused, generation }: ObjectDistribution): string {
  return [
    ...refused.map(({ proxy, type, message }) => `${proxy} refused ${type}: ${message}`),
    ...(pending.length > 0 ? [`not acknowledged yet by ${pending.join(", ")}`] : []),
    `generation ${generation}`,
  ].join("\n  ");
}

async function controlPlanePort(options: WaitOptions): Promise<number> {
  if (options.httpPort !== undefined) {
    const port = Number(options.httpPort);
    if (!Number.isInteger(port) || port <= 0 || port > 65_535) throw new CommandError(`--http-port ${options.httpPort} is not a port`, 2);
    return port;
  }
  const status = await new SupervisorClient(requireMesh(dataDirectory(options, process.env))).status();
  return status.controlPlane.httpPort;
}

export async function wait(words: readonly string[], options: WaitOptions, clock: Clock = realClock): Promise<void> {
  const condition = options.for ?? "distribution";
  if (condition !== "distribution") throw new CommandError(`--for ${condition} is not there; mizzen waits for "distribution"`, 2);
  const key = parseObjectName(words, options.namespace, decodedKindNames());
  const timeoutMs = parseDuration(options.timeout ?? "30s");
  const threshold = Number(options.threshold ?? 1);
  if (timeoutMs === undefined || timeoutMs <= 0) throw new CommandError(`--timeout ${options.timeout} is no duration like 30s`, 2);
  if (!(threshold >= 0 && threshold <= 1)) throw new CommandError(`--threshold ${options.threshold} is not between 0 and 1`, 2);
  const generation = options.generation === undefined ? undefined : Number(options.generation);
  if (generation !== undefined && !Number.isInteger(generation))
    throw new CommandError(`--generation ${options.generation} is no number`, 2);
  const port = await controlPlanePort(options);
  const query = new URLSearchParams({ kind: key.kind, namespace: key.namespace, name: key.name });
  const startedMs = clock.monotonicMs();
  let missing = "";
  for (;;) {
    const found = await distributionOf(port, query).catch((error: unknown) => {
      // A file that was saved a moment ago may not have been read yet.
      if (!(error instanceof CommandError)) throw error;
      missing = error.message;
      return undefined;
    });
    const outcome = found === undefined ? undefined : waitOutcome(found, { threshold, generation });
    const passedMs = clock.monotonicMs() - startedMs;
    if (outcome !== undefined) {
      process.stdout.write(`${keyText(key)} is ${outcome} (${Math.round(passedMs)} ms)\n`);
      return;
    }
    if (passedMs > timeoutMs) {
      throw new CommandError(
        found === undefined
          ? missing
          : `${keyText(key)} is not live everywhere within ${options.timeout ?? "30s"}:\n  ${whyNotLive(found)}`,
      );
    }
    await new Promise<void>((resolve) => clock.setTimer(ASK_AGAIN_MS, resolve));
  }
}

async function distributionOf(port: number, query: URLSearchParams): Promise<ObjectDistribution> {
  const path = `/debug/config_distribution?${query.toString()}`;
  return JSON.parse(await httpGet("the control plane", "127.0.0.1", port, path)) as ObjectDistribution;
}
