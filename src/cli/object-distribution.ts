// Asks the control plane which proxies have an object as it is now.
import type { ObjectDistribution } from "#control-plane/xds/distribution";
import type { ObjectKey } from "#api/finding";
import { SupervisorClient } from "#embedded/supervisor-client";
import type { Clock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { dataDirectory, requireMesh, type DataDirectoryOption } from "./data-directory.ts";
import { httpGet } from "./http-get.ts";

const ASK_AGAIN_MS = 50;

export interface Wanted {
  /** Of all proxies, from 0 to 1. */
  readonly threshold: number;
  /** Not satisfied by an older one. */
  readonly generation: number | undefined;
}

/** undefined: not yet. */
export function liveText(found: ObjectDistribution, wanted: Wanted): string | undefined {
  const { live, pending, refused } = found;
  const total = live.length + pending.length + refused.length;
  if (wanted.generation !== undefined && found.generation < wanted.generation) return undefined;
  return live.length >= Math.ceil(total * wanted.threshold) ? `live on ${live.length} of ${total} proxies` : undefined;
}

/** A configuration that is refused is refused by many; the first few say it all. */
const MOST_SHOWN = 3;

/** Why it is not live everywhere: who refused and why, and who has not answered. */
export function whyNotLive({ pending, refused }: ObjectDistribution): string {
  const more = refused.length - MOST_SHOWN;
  return [
    ...refused.slice(0, MOST_SHOWN).map(({ proxy, type, message }) => `${shortName(proxy)} refused ${type}: ${message}`),
    ...(more > 0 ? [`and ${more} more refused it (mizzen proxy-status)`] : []),
    ...(pending.length > 0 ? [`not acknowledged yet by ${pending.map(shortName).join(", ")}`] : []),
  ].join("\n  ");
}

/** `sidecar~10.0.0.1~reviews-v1.default~default.svc.cluster.local` is `reviews-v1.default` in proxy-status. */
function shortName(proxy: string): string {
  return proxy.split("~")[2] ?? proxy;
}

/** The debug port of the running mesh's control plane. @throws CommandError when none runs */
export async function controlPlanePort(option: DataDirectoryOption): Promise<number> {
  const status = await new SupervisorClient(requireMesh(dataDirectory(option, process.env))).status();
  return status.controlPlane.httpPort;
}

export interface Outcome {
  /** What `liveText` says; undefined: not within the time. */
  readonly live: string | undefined;
  readonly found: ObjectDistribution | undefined;
  /** What the control plane said when it did not know the object. */
  readonly missing: string;
  readonly ms: number;
}

/** Ends when the object is live on as many proxies as are wanted, when one refuses it and `endsOnRefusal`, or when the time is over. */
export async function awaitLive(
  port: number,
  key: ObjectKey,
  wanted: Wanted & { readonly timeoutMs: number; readonly endsOnRefusal: boolean },
  clock: Clock,
): Promise<Outcome> {
  const query = new URLSearchParams({ kind: key.kind, namespace: key.namespace, name: key.name });
  const startedMs = clock.monotonicMs();
  let missing = "";
  for (;;) {
    const found = await distributionOf(port, query).catch((error: unknown) => {
      // What was written a moment ago may not have been read yet.
      if (!(error instanceof CommandError)) throw error;
      missing = error.message;
      return undefined;
    });
    const live = found === undefined ? undefined : liveText(found, wanted);
    const ms = clock.monotonicMs() - startedMs;
    const isRefused = wanted.endsOnRefusal && found !== undefined && found.refused.length > 0 && found.pending.length === 0;
    if (live !== undefined || isRefused || ms > wanted.timeoutMs) return { live, found, missing, ms };
    await new Promise<void>((resolve) => clock.setTimer(ASK_AGAIN_MS, resolve));
  }
}

async function distributionOf(port: number, query: URLSearchParams): Promise<ObjectDistribution> {
  const path = `/debug/config_distribution?${query.toString()}`;
  return JSON.parse(await httpGet("the control plane", "127.0.0.1", port, path)) as ObjectDistribution;
}
