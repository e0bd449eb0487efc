// `mizzen describe`: an object's fields, where it is live (on the mesh), and what has happened to it.
import { decodedKind, keyKind } from "#api/kinds";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { ApiError } from "./kubernetes/api-error.ts";
import { describedText, type Event } from "./kubernetes/described-object.ts";
import { discover, pathOf, type Discovery } from "./kubernetes/discovery.ts";
import { placeManifests, readManifests } from "./kubernetes/manifests.ts";
import type { KubernetesObject, ObjectList } from "./kubernetes/objects.ts";
import { resolveObjects, type ResolvedObject } from "./kubernetes/resolved-objects.ts";
import { parseResourceArguments } from "./kubernetes/resource-arguments.ts";
import { withTarget, type Target, type TargetOptions } from "./kubernetes/target.ts";
import { awaitLive, controlPlanePort, whyNotLive } from "./object-distribution.ts";

export interface DescribeOptions extends TargetOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: string;
  readonly allNamespaces?: boolean;
}

export async function describe(words: readonly string[], options: DescribeOptions): Promise<void> {
  await withTarget(options, async (target) => {
    const discovery = await discover(target.client);
    const objects = await toDescribe(words, options, discovery, target);
    const found = (await Promise.all(objects.map((one) => objectsAt(one, target)))).flat();
    const texts: string[] = [];
    for (const object of found) {
      const more = target.isMesh ? await distributionLines(object, options) : [];
      const events = found.length === 1 ? await eventsOf(object, target) : undefined;
      texts.push(describedText(object, events, realClock.wallMs(), more));
    }
    if (texts.length === 0) process.stderr.write(`No resources found in ${target.namespace} namespace.\n`);
    process.stdout.write(texts.join("\n\n"));
  });
}

async function toDescribe(
  words: readonly string[],
  options: DescribeOptions,
  discovery: Discovery,
  target: Target,
): Promise<readonly ResolvedObject[]> {
  if (options.filename !== undefined) {
    const { manifests } = readManifests(options.filename, options.recursive === true, target.namespace);
    return placeManifests(manifests, discovery, target).map((one) => ({ ...one, name: one.object.metadata.name }));
  }
  const isNamed = parseResourceArguments(words).some(({ name }) => name !== undefined);
  return resolveObjects(words, discovery, target, isNamed ? { selector: options.selector } : { ...options, all: true });
}

/** The object, or as kubectl has it, those whose names begin like that. */
async function objectsAt({ resource, namespace, name, path }: ResolvedObject, { client }: Target): Promise<readonly KubernetesObject[]> {
  try {
    return [await client.get<KubernetesObject>(path)];
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isNotFound) throw error;
    const { items } = await client.get<ObjectList>(pathOf(resource, namespace));
    const begun = items.filter(({ metadata }) => metadata.name.startsWith(name));
    if (begun.length === 0) throw error;
    const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
    return begun.map((item) => ({ ...item, apiVersion, kind: resource.kind }));
  }
}

async function eventsOf({ kind, metadata }: KubernetesObject, { client }: Target): Promise<readonly Event[]> {
  const fieldSelector = [
    `involvedObject.kind=${kind}`,
    `involvedObject.name=${metadata.name}`,
    ...(metadata.uid === undefined ? [] : [`involvedObject.uid=${metadata.uid}`]),
  ].join(",");
  try {
    const list = await client.get<{ readonly items: readonly Event[] }>(`/api/v1/namespaces/${metadata.namespace ?? "default"}/events`, {
      fieldSelector,
    });
    return list.items;
  } catch (error) {
    // Who may not read events still sees the object.
    if (error instanceof ApiError) return [];
    throw error;
  }
}

async function distributionLines(object: KubernetesObject, options: TargetOptions): Promise<readonly (readonly [string, string])[]> {
  const kind = keyKind(object.apiVersion, object.kind);
  if (decodedKind(kind)?.effect !== "full") return [];
  const key = { kind, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
  try {
    const now = { threshold: 1, generation: object.metadata.generation, timeoutMs: 0, endsOnRefusal: true };
    const { live, found } = await awaitLive(await controlPlanePort(options), key, now, realClock);
    if (live !== undefined) return [["Distribution", live]];
    return found === undefined ? [] : [["Distribution", whyNotLive(found).replaceAll("\n  ", "; ")]];
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}
