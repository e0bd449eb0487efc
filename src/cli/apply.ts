// `mizzen apply -f`: objects of files to the mesh or to a cluster. The set is judged as a whole before anything is written, then written
// together. Server-side apply rather than kubectl's annotation: the server knows how lists of every kind merge and who owns a field,
// and an object that kubectl applied is taken over as `kubectl apply --server-side` would.
import { keyText } from "#api/finding";
import { parseDuration } from "#api/go-duration";
import { decodedKind, keyKind } from "#api/kinds";
import { realClock } from "#runtime/clock";
import type { Clock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { applyOneByOne, applyTogether, existing, type Applied, type ApplyChoice } from "./kubernetes/apply-set.ts";
import { discover } from "./kubernetes/discovery.ts";
import { placeManifests, readManifests, type Placed } from "./kubernetes/manifests.ts";
import { printerFor } from "./kubernetes/object-output.ts";
import { objectText } from "./kubernetes/objects.ts";
import type { Validation } from "./kubernetes/set-validation.ts";
import { withTarget, type Target, type TargetOptions } from "./kubernetes/target.ts";
import { awaitLive, controlPlanePort, whyNotLive } from "./object-distribution.ts";

export interface ApplyOptions extends TargetOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: string;
  readonly output?: string;
  readonly dryRun?: string | true;
  readonly validate?: string | true;
  readonly fieldManager?: string;
  readonly forceConflicts?: boolean;
  readonly wait?: boolean;
  readonly timeout?: string;
  readonly kustomize?: string;
  readonly prune?: boolean;
}

const VALIDATIONS: Readonly<Record<string, Validation>> = {
  true: "strict",
  strict: "strict",
  warn: "warn",
  ignore: "ignore",
  false: "ignore",
};
const DRY_RUNS = ["none", "client", "server"];

export async function apply(options: ApplyOptions, clock: Clock = realClock): Promise<void> {
  if (options.kustomize !== undefined) throw new CommandError("-k is kustomize's: kubectl kustomize DIR | mizzen apply -f -", 2);
  if (options.prune === true)
    throw new CommandError("--prune is not there: delete by name or selector what is to go (mizzen delete -l ...)", 2);
  const files = options.filename ?? [];
  if (files.length === 0) throw new CommandError("must specify what to apply: -f FILE, -f DIR, or -f - for standard input", 2);
  const validation = VALIDATIONS[String(options.validate ?? "strict")];
  if (validation === undefined) throw new CommandError(`--validate ${String(options.validate)} is not one of strict, warn, ignore`, 2);
  const dryRun = options.dryRun === true ? "client" : (options.dryRun ?? "none");
  if (!DRY_RUNS.includes(dryRun)) throw new CommandError(`--dry-run ${dryRun} is not one of ${DRY_RUNS.join(", ")}`, 2);
  const timeoutMs = parseDuration(options.timeout ?? "30s");
  if (timeoutMs === undefined || timeoutMs <= 0) throw new CommandError(`--timeout ${options.timeout} is no duration like 30s`, 2);
  const printer = printerFor(options.output === "wide" ? undefined : options.output);

  await withTarget(options, async (target) => {
    if (options.wait === true && !target.isMesh)
      throw new CommandError("--wait asks the control plane of the running mesh; on a cluster use mizzen wait --for=condition=...", 2);
    const set = readManifests(files, options.recursive === true, target.namespace);
    const discovery = await discover(target.client);
    const all = placeManifests(set.manifests, discovery, target);
    const placed = options.selector === undefined ? all : selected(all, options.selector);
    const { validateSet } = await import("./kubernetes/set-validation.ts");
    await validateSet(set, placed, discovery, target.client, validation);

    const startedMs = clock.monotonicMs();
    const applied =
      dryRun === "client"
        ? await rehearse(target, placed)
        : await write(target, placed, {
            fieldManager: options.fieldManager ?? "mizzen",
            force: options.forceConflicts === true,
            isDryRun: dryRun === "server",
            fieldValidation: { strict: "Strict", warn: "Warn", ignore: "Ignore" }[validation],
          });
    if (printer !== undefined) {
      process.stdout.write(
        printer(
          applied.map(({ object }) => object),
          applied.length > 1,
        ),
      );
    } else {
      const note = { none: "", client: " (dry run)", server: " (server dry run)" }[dryRun] ?? "";
      for (const { action, object } of applied) process.stdout.write(`${objectText(object)} ${action}${note}\n`);
    }
    if (options.wait === true && dryRun === "none") await untilLive(applied, options, { startedMs, timeoutMs }, clock);
  });
}

async function write(target: Target, placed: readonly Placed[], choice: ApplyChoice): Promise<readonly Applied[]> {
  const together = target.isMesh ? await applyTogether(target.client, placed, choice) : undefined;
  return together ?? applyOneByOne(target.client, placed, choice);
}

/** Without asking the server to try: what is there would be configured, what is not there created. */
async function rehearse(target: Target, placed: readonly Placed[]): Promise<readonly Applied[]> {
  return Promise.all(
    placed.map(async ({ object, path }): Promise<Applied> => ({
      object,
      action: (await existing(target.client, path)) === undefined ? "created" : "configured",
    })),
  );
}

/** kubectl's `-l` of apply: equality alone, of the labels in the files. */
function selected(placed: readonly Placed[], selector: string): readonly Placed[] {
  const wanted = selector.split(",").map((part) => {
    const [, name, operator = "", value = ""] = /^([^=!\s]+)\s*(==|=|!=)\s*([^=\s]*)$/u.exec(part.trim()) ?? [];
    if (name === undefined) throw new CommandError(`-l ${selector}: only NAME=VALUE and NAME!=VALUE choose among files`, 2);
    return { name, value, isEqual: operator !== "!=" };
  });
  return placed.filter(({ object }) => wanted.every(({ name, value, isEqual }) => (object.metadata.labels?.[name] === value) === isEqual));
}

interface Patience {
  readonly startedMs: number;
  readonly timeoutMs: number;
}

async function untilLive(
  applied: readonly Applied[],
  options: TargetOptions,
  { startedMs, timeoutMs }: Patience,
  clock: Clock,
): Promise<void> {
  const port = await controlPlanePort(options);
  const names = new Map<string, string[]>();
  let live = "";
  for (const { object } of applied) {
    const kind = keyKind(object.apiVersion, object.kind);
    // What is stored and has no effect goes to no proxy.
    if (decodedKind(kind)?.effect !== "full") continue;
    const key = { kind, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    // One patience for all of the set.
    const leftMs = Math.max(0, startedMs + timeoutMs - clock.monotonicMs());
    const wanted = { threshold: 1, generation: object.metadata.generation, timeoutMs: leftMs, endsOnRefusal: true };
    const outcome = await awaitLive(port, key, wanted, clock);
    if (outcome.live !== undefined) live = outcome.live;
    else {
      const why = outcome.found === undefined ? outcome.missing : whyNotLive(outcome.found);
      names.set(why, [...(names.get(why) ?? []), keyText(key)]);
    }
  }
  if (names.size > 0) throw new CommandError(`written, but not live everywhere:\n  ${[...names].map(reasonText).join("\n  ")}`);
  if (live !== "") process.stdout.write(`${live} in ${Math.round(clock.monotonicMs() - startedMs)} ms\n`);
}

/** One proxy that refuses refuses every object of the set: its reason is said once. */
function reasonText([why, [first = "", ...more]]: readonly [string, readonly string[]]): string {
  return `${first}${more.length === 0 ? "" : ` and ${more.length} more`}: ${why}`;
}
