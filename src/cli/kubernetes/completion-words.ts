// Words for completion from the API server that a command would talk to. It has little time, and nobody hears it complain.
import { CommandError } from "#cli/command-error";
import type { ServerOptions, ServerWords } from "#cli/completion";
import { discover, pathOf } from "./discovery.ts";
import { contextNames } from "./kubeconfig.ts";
import type { ObjectList } from "./objects.ts";
import { kubeconfigPaths, withTarget, type Target } from "./target.ts";

const MOST = 1000;

export function serverWords(options: ServerOptions): ServerWords {
  const asked = (ask: (target: Target) => Promise<readonly string[]>): Promise<readonly string[]> =>
    quietly(() => withTarget(options, ask));
  return {
    contexts: () => quietly(() => Promise.resolve(contextNames(kubeconfigPaths(options.kubeconfig, process.env)))),
    namespaces: () => asked(async ({ client }) => namesIn(await client.get<ObjectList>("/api/v1/namespaces", { limit: MOST }))),
    resources: () =>
      asked(async ({ client }) => {
        const { resources } = await discover(client);
        const listed = resources.filter(({ isPreferred, verbs }) => isPreferred && verbs.includes("list"));
        return [...new Set(listed.flatMap(({ plural, shortNames }) => [plural, ...shortNames]))];
      }),
    names: (word) =>
      asked(async ({ client, namespace }) => {
        const resource = (await discover(client)).byWord(word);
        return namesIn(await client.get<ObjectList>(pathOf(resource, namespace), { limit: MOST }));
      }),
  };
}

function namesIn({ items }: ObjectList): readonly string[] {
  return items.map(({ metadata }) => metadata.name);
}

async function quietly(ask: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}
