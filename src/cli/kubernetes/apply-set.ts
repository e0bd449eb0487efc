// Writes a set of objects by server-side apply: where the server can, all of it or nothing; on a Kubernetes cluster, which has no such
// thing, tried as a whole first, then one by one, with a report of what was not written.
import { CommandError } from "#cli/command-error";
import { handOver } from "./applied-fields.ts";
import { ApiError } from "./api-error.ts";
import type { KubernetesClient, Query } from "./client.ts";
import type { Placed } from "./manifests.ts";
import { objectText, sorted, withoutManagedFields, type KubernetesObject } from "./objects.ts";

export type Action = "created" | "configured" | "unchanged";

export interface Applied {
  readonly action: Action;
  readonly object: KubernetesObject;
}

export interface ApplyChoice {
  readonly fieldManager: string;
  /** Takes fields from whoever owns them. */
  readonly force: boolean;
  readonly isDryRun: boolean;
  readonly fieldValidation: string;
}

const APPLY = "application/apply-patch+yaml";

function queryOf(choice: ApplyChoice): Query {
  return {
    fieldManager: choice.fieldManager,
    force: choice.force || undefined,
    fieldValidation: choice.fieldValidation,
    dryRun: choice.isDryRun ? "All" : undefined,
  };
}

interface TransactionResult {
  readonly results: readonly Applied[];
}

/** undefined: the server has no transactions. @throws CommandError naming file and line; then nothing was written */
export async function applyTogether(
  client: KubernetesClient,
  placed: readonly Placed[],
  choice: ApplyChoice,
): Promise<readonly Applied[] | undefined> {
  const isGivenUp = await Promise.all(
    placed.map(async ({ path }) => {
      const before = await existing(client, path);
      return before !== undefined && takeOver(client, path, before, choice);
    }),
  );
  const body = { apiVersion: "mizzen.io/v1", kind: "Transaction", operation: "Apply", objects: placed.map(({ object }) => object) };
  try {
    const { body: answer } = await client.call<TransactionResult>("/apis/mizzen.io/v1/transactions", {
      method: "POST",
      query: queryOf(letPass(choice, isGivenUp.some(Boolean))),
      body,
    });
    return answer.results;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.isNotFound && error.status.details?.name === undefined) return undefined;
    throw new CommandError(`nothing was written: ${placesIn(error, placed)}`);
  }
}

/** `objects[2].spec.http[0]` of a cause is where a file says it. */
function placesIn(error: ApiError, placed: readonly Placed[]): string {
  const causes = error.status.details?.causes ?? [];
  const said = causes.map(({ field = "", message = "" }) => {
    const [, index, rest = ""] = /^objects\[(\d+)\]\.?(.*)$/u.exec(field) ?? [];
    const manifest = index === undefined ? undefined : placed[Number(index)];
    if (manifest === undefined) return `${field === "" ? "" : `${field}: `}${message}`;
    const at = manifest.document.placeOf(rest);
    return `${at === undefined ? manifest.place : `${at.file}:${at.line}`}: ${objectText(manifest.object)} ${rest === "" ? "" : `${rest}: `}${message}`;
  });
  return said.length === 0 ? error.message : said.join("\n  ");
}

/** @throws CommandError that says what was written and what was not */
export async function applyOneByOne(client: KubernetesClient, placed: readonly Placed[], choice: ApplyChoice): Promise<readonly Applied[]> {
  const ordered = placed.toSorted((a, b) => rankOf(a) - rankOf(b));
  if (!choice.isDryRun) await tryAll(client, ordered, choice);
  const done: Applied[] = [];
  for (const [index, one] of ordered.entries()) {
    try {
      done.push(await applyOne(client, one, choice));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const left = ordered.slice(index + 1).map(({ object }) => objectText(object));
      throw new CommandError(
        [
          `${one.place}: ${conflictText(error)}`,
          ...(choice.isDryRun ? [] : [`written before that: ${done.map(({ object }) => objectText(object)).join(", ") || "nothing"}`]),
          ...(choice.isDryRun || left.length === 0 ? [] : [`not written: ${left.join(", ")}`]),
        ].join("\n  "),
      );
    }
  }
  return done;
}

/** What others are in, or are of, comes first; else the order is the files'. */
function rankOf({ object }: Placed): number {
  return object.kind === "Namespace" || object.kind === "CustomResourceDefinition" ? 0 : 1;
}

/** Kubernetes' own rehearsal. What needs a namespace or a kind that the set itself makes cannot be tried before. */
async function tryAll(client: KubernetesClient, placed: readonly Placed[], choice: ApplyChoice): Promise<void> {
  const made = new Set<string>();
  for (const { object, path } of placed) {
    const isNew = object.kind === "Namespace" && object.apiVersion === "v1" && (await existing(client, path)) === undefined;
    if (isNew) made.add(object.metadata.name);
  }
  const definesKinds = placed.some(({ object }) => object.kind === "CustomResourceDefinition");
  const problems: string[] = [];
  for (const one of placed) {
    if (one.namespace !== undefined && made.has(one.namespace)) continue;
    try {
      await applyOne(client, one, { ...choice, isDryRun: true });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (definesKinds && error instanceof ApiError && error.isNotFound) continue;
      problems.push(`${one.place}: ${conflictText(error)}`);
    }
  }
  if (problems.length > 0) throw new CommandError(`nothing was written: ${problems.join("\n  ")}`);
}

/** Whether there are fields that somebody has given up; but for a rehearsal they are ours from now on. */
async function takeOver(client: KubernetesClient, path: string, before: KubernetesObject, choice: ApplyChoice): Promise<boolean> {
  const patch = handOver(before, choice.fieldManager);
  if (patch === undefined) return false;
  const query = { fieldManager: choice.fieldManager };
  if (!choice.isDryRun) await client.call(path, { method: "PATCH", body: patch, contentType: "application/json-patch+json", query });
  return true;
}

/** In a rehearsal fields have not been handed over: what would conflict for that alone is let pass. */
function letPass(choice: ApplyChoice, isGivenUp: boolean): ApplyChoice {
  return choice.isDryRun && isGivenUp ? { ...choice, force: true } : choice;
}

async function applyOne(client: KubernetesClient, { object, path }: Placed, choice: ApplyChoice): Promise<Applied> {
  const before = await existing(client, path);
  const isGivenUp = before !== undefined && (await takeOver(client, path, before, choice));
  const query = queryOf(letPass(choice, isGivenUp));
  const { body: after } = await client.call<KubernetesObject>(path, { method: "PATCH", body: object, contentType: APPLY, query });
  return { action: before === undefined ? "created" : isSame(before, after, choice.isDryRun) ? "unchanged" : "configured", object: after };
}

export async function existing(client: KubernetesClient, path: string): Promise<KubernetesObject | undefined> {
  try {
    return await client.get<KubernetesObject>(path);
  } catch (error) {
    if (error instanceof ApiError && error.isNotFound) return undefined;
    throw error;
  }
}

/** A server writes nothing when nothing differs. A rehearsal keeps the version also of what would change. */
function isSame(before: KubernetesObject, after: KubernetesObject, isDryRun: boolean): boolean {
  if (!isDryRun) return before.metadata.resourceVersion === after.metadata.resourceVersion;
  const text = (object: KubernetesObject): string => JSON.stringify(sorted(withoutManagedFields(object)));
  return text(before) === text(after);
}

function conflictText(error: CommandError): string {
  if (!(error instanceof ApiError) || !error.isConflict) return error.message;
  return `${error.message}; take the fields over with --force-conflicts, or leave them out`;
}
