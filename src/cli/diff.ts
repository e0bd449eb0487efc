// `mizzen diff -f`: what applying files would change, by the server's own rehearsal. Exit code 1 when something would, as kubectl's.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "./command-error.ts";
import { applyOneByOne, existing } from "./kubernetes/apply-set.ts";
import { discover } from "./kubernetes/discovery.ts";
import { placeManifests, readManifests, type Placed } from "./kubernetes/manifests.ts";
import { objectYaml } from "./kubernetes/object-output.ts";
import type { KubernetesObject } from "./kubernetes/objects.ts";
import { withTarget, type TargetOptions } from "./kubernetes/target.ts";

export interface DiffOptions extends TargetOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly fieldManager?: string;
  readonly forceConflicts?: boolean;
}

/** The exit code: 0 nothing, 1 something would change. @throws CommandError with 2, as kubectl ends with more than 1 when it cannot tell */
export async function diff(options: DiffOptions): Promise<number> {
  try {
    return await compareWithServer(options);
  } catch (error) {
    throw error instanceof CommandError ? new CommandError(error.message, 2) : error;
  }
}

function compareWithServer(options: DiffOptions): Promise<number> {
  const files = options.filename ?? [];
  if (files.length === 0) throw new CommandError("must specify what to compare: -f FILE, -f DIR, or -f - for standard input");
  return withTarget(options, async (target) => {
    const set = readManifests(files, options.recursive === true, target.namespace);
    const placed = placeManifests(set.manifests, await discover(target.client), target);
    const before = await Promise.all(placed.map(({ path }) => existing(target.client, path)));
    const after = await applyOneByOne(target.client, placed, {
      fieldManager: options.fieldManager ?? "mizzen",
      force: options.forceConflicts === true,
      isDryRun: true,
      fieldValidation: "Strict",
    });
    return compare(
      placed,
      before,
      after.map(({ object }) => object),
    );
  });
}

function compare(placed: readonly Placed[], before: readonly (KubernetesObject | undefined)[], after: readonly KubernetesObject[]): number {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-diff-"));
  try {
    const [live, merged] = [join(folder, "LIVE"), join(folder, "MERGED")];
    for (const side of [live, merged]) mkdirSync(side);
    for (const [index, { object, resource, namespace }] of placed.entries()) {
      const name = [resource.group, resource.version, object.kind, namespace, object.metadata.name]
        .filter((part) => (part ?? "") !== "")
        .join(".");
      const [old, next] = [before[index], after[index]];
      if (old !== undefined) writeFileSync(join(live, name), fileText(old), { mode: 0o600 });
      if (next !== undefined) writeFileSync(join(merged, name), fileText(next), { mode: 0o600 });
    }
    const [command = "diff", ...args] = (process.env["KUBECTL_EXTERNAL_DIFF"] ?? "diff -u -N").split(/\s+/u);
    const { status, error } = spawnSync(command, [...args, live, merged], { stdio: "inherit" });
    if (error !== undefined || status === null || status > 1)
      throw new CommandError(`${command} ended with ${error?.message ?? status}; KUBECTL_EXTERNAL_DIFF names another one`);
    return status;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is in Secrets shall not stand in terminals and logs: only that it differs. */
function fileText(object: KubernetesObject): string {
  if (object.kind !== "Secret" || object.apiVersion !== "v1") return objectYaml(object);
  const veiled = (field: unknown): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries((field ?? {}) as Readonly<Record<string, string>>).map(([key, value]) => [key, `*** (${digest(value)})`]),
    );
  return objectYaml({ ...object, data: veiled(object["data"]) });
}

function digest(value: string): string {
  return createHash("sha256").update(value).digest("base64url").slice(0, 8);
}
