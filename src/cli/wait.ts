// `mizzen wait`: ends when an object, as it is now, is live on the proxies, or when it is as kubectl's conditions want it.
import { keyText } from "#api/finding";
import { parseDuration } from "#api/go-duration";
import { decodedKindNames } from "#api/kinds";
import { realClock } from "#runtime/clock";
import type { Clock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import type { TargetOptions } from "./kubernetes/target.ts";
import { awaitLive, controlPlanePort, whyNotLive } from "./object-distribution.ts";
import { parseObjectName } from "./object-name.ts";

export interface WaitOptions extends TargetOptions {
  readonly for?: string;
  readonly timeout?: string;
  readonly threshold?: string;
  readonly generation?: string;
  readonly httpPort?: string;
  readonly all?: boolean;
  readonly selector?: string;
}

export async function wait(words: readonly string[], options: WaitOptions, clock: Clock = realClock): Promise<void> {
  const condition = options.for ?? "distribution";
  const timeoutMs = parseDuration(options.timeout ?? "30s");
  if (timeoutMs === undefined || timeoutMs <= 0) throw new CommandError(`--timeout ${options.timeout} is no duration like 30s`, 2);
  if (condition === "distribution") await waitForDistribution(words, options, timeoutMs, clock);
  else await (await import("./wait-for-object.ts")).waitForObject(words, condition, options, timeoutMs, clock);
}

async function waitForDistribution(words: readonly string[], options: WaitOptions, timeoutMs: number, clock: Clock): Promise<void> {
  const key = parseObjectName(words, options.namespace, decodedKindNames());
  const threshold = Number(options.threshold ?? 1);
  if (!(threshold >= 0 && threshold <= 1)) throw new CommandError(`--threshold ${options.threshold} is not between 0 and 1`, 2);
  const generation = options.generation === undefined ? undefined : Number(options.generation);
  if (generation !== undefined && !Number.isInteger(generation))
    throw new CommandError(`--generation ${options.generation} is no number`, 2);
  const port = options.httpPort === undefined ? await controlPlanePort(options) : portOf(options.httpPort);
  const { live, found, missing, ms } = await awaitLive(port, key, { threshold, generation, timeoutMs, endsOnRefusal: false }, clock);
  if (live !== undefined) process.stdout.write(`${keyText(key)} is ${live} (${Math.round(ms)} ms)\n`);
  else if (found === undefined) throw new CommandError(missing);
  else
    throw new CommandError(
      `${keyText(key)} is not live everywhere within ${options.timeout ?? "30s"}:\n  ${whyNotLive(found)}\n  generation ${found.generation}`,
    );
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port <= 0 || port > 65_535) throw new CommandError(`--http-port ${text} is not a port`, 2);
  return port;
}
