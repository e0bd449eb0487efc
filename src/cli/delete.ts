// `mizzen delete`: objects by file, name, selector, or all of a kind; waits until they are gone, as kubectl does.
import { parseDuration } from "#api/go-duration";
import { realClock } from "#runtime/clock";
import type { Clock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { ApiError } from "./kubernetes/api-error.ts";
import { existing } from "./kubernetes/apply-set.ts";
import { discover } from "./kubernetes/discovery.ts";
import { placeManifests, readManifests } from "./kubernetes/manifests.ts";
import type { KubernetesObject } from "./kubernetes/objects.ts";
import { resolveObjects, type ResolvedObject } from "./kubernetes/resolved-objects.ts";
import { withTarget, type Target, type TargetOptions } from "./kubernetes/target.ts";

export interface DeleteOptions extends TargetOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  readonly wait?: string | boolean;
  readonly timeout?: string;
  readonly dryRun?: string | true;
  readonly output?: string;
  readonly ignoreNotFound?: boolean;
  readonly cascade?: string | true;
  readonly gracePeriod?: string;
  readonly now?: boolean;
  readonly force?: boolean;
}

const POLICIES: Readonly<Record<string, string>> = {
  true: "Background",
  background: "Background",
  foreground: "Foreground",
  orphan: "Orphan",
  false: "Orphan",
};
const ASK_AGAIN_MS = 100;

export async function deleteObjects(words: readonly string[], options: DeleteOptions, clock: Clock = realClock): Promise<void> {
  const policy = POLICIES[String(options.cascade ?? "background")];
  if (policy === undefined) throw new CommandError(`--cascade ${String(options.cascade)} is not one of background, foreground, orphan`, 2);
  const timeoutMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : parseDuration(options.timeout);
  if (timeoutMs === undefined) throw new CommandError(`--timeout ${options.timeout} is no duration like 30s`, 2);
  if (options.output !== undefined && options.output !== "name")
    throw new CommandError(`-o ${options.output} is not there; delete prints -o name`, 2);
  const gracePeriodSeconds = gracePeriod(options);
  if (options.force === true)
    process.stderr.write("Warning: what is deleted by force is gone at once; nobody waits until it has ended where it runs\n");
  const dryRun = options.dryRun === true ? "client" : (options.dryRun ?? "none");
  await withTarget(options, async (target) => {
    const objects = await toDelete(words, options, target);
    if (objects.length === 0) process.stdout.write("No resources found\n");
    const refusals: string[] = [];
    const going: { readonly one: ResolvedObject; readonly uid: string | undefined }[] = [];
    for (const one of objects) {
      try {
        const uid = await remove(target, one, { policy, gracePeriodSeconds, dryRun });
        going.push({ one, uid });
        process.stdout.write(
          `${deletedText(one, options)}${{ client: " (dry run)", server: " (server dry run)" }[options.output === "name" ? "" : dryRun] ?? ""}\n`,
        );
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!error.isNotFound || !mayBeMissing(options)) refusals.push(error.message);
      }
    }
    if (dryRun === "none" && options.wait !== false && options.wait !== "false")
      for (const { one, uid } of going) await untilGone(target, one, uid, clock.monotonicMs() + timeoutMs, clock);
    if (refusals.length > 0) throw new CommandError(refusals.join("\n"));
  });
}

function mayBeMissing({ ignoreNotFound, all, selector }: DeleteOptions): boolean {
  // What was selected a moment ago may have gone meanwhile.
  return ignoreNotFound === true || all === true || selector !== undefined;
}

function gracePeriod(options: DeleteOptions): number | undefined {
  if (options.now === true) return 1;
  if (options.force === true) return 0;
  if (options.gracePeriod === undefined) return undefined;
  const seconds = Number(options.gracePeriod);
  if (!Number.isInteger(seconds)) throw new CommandError(`--grace-period ${options.gracePeriod} is no number of seconds`, 2);
  return seconds < 0 ? undefined : seconds;
}

async function toDelete(words: readonly string[], options: DeleteOptions, target: Target): Promise<readonly ResolvedObject[]> {
  const discovery = await discover(target.client);
  if (options.filename === undefined) return resolveObjects(words, discovery, target, options);
  if (words.length > 0) throw new CommandError("when files are given, no kinds or names can be", 2);
  const { manifests } = readManifests(options.filename, options.recursive === true, target.namespace);
  return placeManifests(manifests, discovery, target).map(({ resource, namespace, object, path }) => ({
    resource,
    namespace,
    name: object.metadata.name,
    path,
  }));
}

interface Removal {
  readonly policy: string;
  readonly gracePeriodSeconds: number | undefined;
  readonly dryRun: string;
}

async function remove(
  { client }: Target,
  { path }: ResolvedObject,
  { policy, gracePeriodSeconds, dryRun }: Removal,
): Promise<string | undefined> {
  if (dryRun === "client") return (await client.get<KubernetesObject>(path)).metadata.uid;
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: policy,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(dryRun === "server" ? { dryRun: ["All"] } : {}),
  };
  interface Answer {
    readonly metadata?: { readonly uid?: string };
    readonly details?: { readonly uid?: string };
  }
  const { body: answer } = await client.call<Answer>(path, { method: "DELETE", body });
  return answer.details?.uid ?? answer.metadata?.uid;
}

function deletedText({ resource, name, namespace }: ResolvedObject, { output, force }: DeleteOptions): string {
  const kind = `${resource.kind.toLowerCase()}${resource.group === "" ? "" : `.${resource.group}`}`;
  if (output === "name") return `${kind}/${name}`;
  return `${kind} "${name}" ${force === true ? "force " : ""}deleted${namespace === undefined ? "" : ` from ${namespace} namespace`}`;
}

/** Gone is also what another object of the name has replaced. */
async function untilGone({ client }: Target, one: ResolvedObject, uid: string | undefined, untilMs: number, clock: Clock): Promise<void> {
  for (;;) {
    const object = await existing(client, one.path);
    if (object === undefined || (uid !== undefined && object.metadata.uid !== uid)) return;
    if (clock.monotonicMs() > untilMs) throw new CommandError(`timed out waiting for the condition on ${one.resource.plural}/${one.name}`);
    await new Promise<void>((resolve) => clock.setTimer(ASK_AGAIN_MS, resolve));
  }
}
