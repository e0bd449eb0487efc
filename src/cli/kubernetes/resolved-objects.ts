// Objects on the server that a command line names: by kind and name, by selector, all of a kind.
import { CommandError } from "#cli/command-error";
import type { Query } from "./client.ts";
import { pathOf, type Discovery, type Resource } from "./discovery.ts";
import type { ObjectList } from "./objects.ts";
import { parseResourceArguments } from "./resource-arguments.ts";
import type { Target } from "./target.ts";

export interface ResolvedObject {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly path: string;
}

export interface Selection {
  readonly selector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Without names and selectors: everything of the kind. */
  readonly all?: boolean | undefined;
  readonly allNamespaces?: boolean | undefined;
}

export function selectionQuery({ selector, fieldSelector }: Selection): Query {
  return { labelSelector: selector, fieldSelector };
}

/** @throws CommandError when neither a name nor a selection says which */
export async function resolveObjects(
  words: readonly string[],
  discovery: Discovery,
  target: Target,
  selection: Selection = {},
): Promise<readonly ResolvedObject[]> {
  const isSelected = selection.selector !== undefined || selection.fieldSelector !== undefined || selection.all === true;
  const found: ResolvedObject[] = [];
  for (const { word, name } of parseResourceArguments(words)) {
    if (name !== undefined) {
      if (isSelected) throw new CommandError("name cannot be provided when a selector is specified", 2);
      found.push(resolveOne(discovery.byWord(word), name, target));
      continue;
    }
    if (!isSelected) throw new CommandError("resource(s) were provided, but no name was specified", 2);
    for (const resource of discovery.byWordOrCategory(word)) {
      const path = pathOf(resource, selection.allNamespaces === true ? undefined : target.namespace);
      const { items } = await target.client.get<ObjectList>(path, selectionQuery(selection));
      for (const { metadata } of items)
        found.push(resolveOne(resource, metadata.name, { ...target, namespace: metadata.namespace ?? target.namespace }));
    }
  }
  return found;
}

function resolveOne(resource: Resource, name: string, target: Pick<Target, "namespace">): ResolvedObject {
  const namespace = resource.isNamespaced ? target.namespace : undefined;
  return { resource, namespace, name, path: pathOf(resource, namespace, name) };
}
