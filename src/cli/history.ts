// `mizzen history` and `mizzen rollback`: the versions that the mesh keeps of an object. A Kubernetes cluster keeps none.
import { ageOf } from "#control-plane/api-server/table/human-duration";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { ApiError } from "./kubernetes/api-error.ts";
import { existing } from "./kubernetes/apply-set.ts";
import { discover, pathOf } from "./kubernetes/discovery.ts";
import { objectYaml } from "./kubernetes/object-output.ts";
import { objectText, withoutManagedFields, type KubernetesObject } from "./kubernetes/objects.ts";
import { resolveObjects, type ResolvedObject } from "./kubernetes/resolved-objects.ts";
import { withTarget, type Target, type TargetOptions } from "./kubernetes/target.ts";
import { table } from "./table.ts";
import { yamlText } from "./yaml-text.ts";

export interface HistoryOptions extends TargetOptions {
  readonly output?: string;
  readonly show?: string;
}

export interface RollbackOptions extends TargetOptions {
  readonly to?: string;
  readonly dryRun?: string | true;
}

interface Version {
  readonly version: number;
  readonly resourceVersion: string;
  readonly time: string;
  readonly author: string;
  readonly operation: string;
  readonly object: KubernetesObject;
}

export async function history(words: readonly string[], options: HistoryOptions): Promise<void> {
  const format = options.output ?? "table";
  if (!["table", "json", "yaml"].includes(format)) throw new CommandError(`-o ${format} is not one of table, json, yaml`, 2);
  await withTarget(options, async (target) => {
    const { one, versions } = await versionsOf(words, target);
    if (options.show !== undefined) {
      process.stdout.write(objectYaml(versionNamed(versions, options.show, one).object));
    } else if (format === "json") process.stdout.write(`${JSON.stringify(versions, undefined, 4)}\n`);
    else if (format === "yaml") process.stdout.write(yamlText(versions, { aliasDuplicateObjects: false }));
    else process.stdout.write(historyTable(versions));
  });
}

function historyTable(versions: readonly Version[]): string {
  const nowMs = realClock.wallMs();
  return table(
    ["VERSION", "TIME", "AGE", "AUTHOR", "OPERATION", "GENERATION"],
    versions.map(({ version, time, author, operation, object }) => [
      String(version),
      time,
      ageOf(time, nowMs),
      author,
      operation,
      String(object.metadata.generation ?? ""),
    ]),
  );
}

async function versionsOf(
  words: readonly string[],
  target: Target,
): Promise<{ readonly one: ResolvedObject; readonly versions: readonly Version[] }> {
  const { client } = target;
  const [one, ...more] = await resolveObjects(words, await discover(client), target);
  if (one === undefined || more.length > 0) throw new CommandError("name one object, like VirtualService/reviews", 2);
  try {
    const { items } = await client.get<{ readonly items: readonly Version[] }>(`${one.path}/history`);
    return { one, versions: items };
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isNotFound) throw error;
    if (target.isMesh) throw new CommandError(`the mesh has never stored ${one.resource.plural} "${one.name}"`);
    throw new CommandError(
      `${client.connection.name} keeps no versions of ${one.resource.plural} "${one.name}"; the mesh does, a Kubernetes cluster does not`,
    );
  }
}

function versionNamed(versions: readonly Version[], text: string, { resource, name }: ResolvedObject): Version {
  const found = versions.find(({ version }) => String(version) === text);
  if (found !== undefined) return found;
  const kept = versions.map(({ version }) => version).join(", ") || "none";
  throw new CommandError(`there is no version ${text} of ${resource.plural} "${name}"; kept are ${kept}`);
}

export async function rollback(words: readonly string[], options: RollbackOptions): Promise<void> {
  const to = options.to;
  if (to === undefined) throw new CommandError("say which version to go back to: --to N (mizzen history shows them)", 2);
  await withTarget(options, async (target) => {
    const { client } = target;
    const { one, versions } = await versionsOf(words, target);
    const { object } = versionNamed(versions, to, one);
    const now = await existing(client, one.path);
    const {
      uid: _uid,
      resourceVersion: _version,
      generation: _generation,
      creationTimestamp: _time,
      ...metadata
    } = withoutManagedFields(object).metadata as KubernetesObject["metadata"] & { readonly creationTimestamp?: string };
    const { status: _status, ...rest } = object;
    const body = {
      ...rest,
      // Refused when somebody else wrote meanwhile.
      metadata: now === undefined ? metadata : { ...metadata, resourceVersion: now.metadata.resourceVersion },
    };
    const query = {
      fieldManager: "mizzen-rollback",
      dryRun: options.dryRun === undefined || options.dryRun === "none" ? undefined : "All",
    };
    const { body: written } =
      now === undefined
        ? await client.call<KubernetesObject>(pathOf(one.resource, one.namespace), { method: "POST", body, query })
        : await client.call<KubernetesObject>(one.path, { method: "PUT", body, query });
    process.stdout.write(`${objectText(written)} rolled back to version ${to}\n`);
  });
}
