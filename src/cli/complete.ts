// `mizzen completion` and the hidden `mizzen complete` that its scripts call.
import type { Command } from "commander";
import { runningMesh } from "#embedded/mesh-handle";
import { SupervisorCallError, SupervisorClient } from "#embedded/supervisor-client";
import { CommandError } from "./command-error.ts";
import { completions, completionScript, SHELLS } from "./completion.ts";
import type { Shell } from "./completion.ts";
import { dataDirectory } from "./data-directory.ts";

export function completion(shell: string): void {
  if (!SHELLS.includes(shell as Shell)) throw new CommandError(`"${shell}" is not one of ${SHELLS.join(", ")}`, 2);
  process.stdout.write(completionScript(shell as Shell));
}

async function proxyNames(): Promise<readonly string[]> {
  const handle = runningMesh(dataDirectory({}, process.env));
  if (handle === undefined) return [];
  try {
    const { proxies } = await new SupervisorClient(handle).status();
    return proxies.map(({ name, namespace }) => `${name}.${namespace}`);
  } catch (error) {
    // The mesh is just starting or ending: there is nothing to offer, and nobody to complain to.
    if (error instanceof SupervisorCallError) return [];
    throw error;
  }
}

export async function complete(program: Command, words: readonly string[]): Promise<void> {
  const found = await completions(program, words, {
    proxies: proxyNames,
    analyzers: async () => (await import("#control-plane/analysis/analyzers")).ALL_ANALYZERS.map(({ name }) => name),
    kinds: async () => (await import("#api/kinds")).decodedKindNames(),
    server: (options) => {
      const words = import("./kubernetes/completion-words.ts").then(({ serverWords }) => serverWords(options));
      return {
        contexts: async () => (await words).contexts(),
        namespaces: async () => (await words).namespaces(),
        resources: async () => (await words).resources(),
        names: async (resource) => (await words).names(resource),
      };
    },
    customKinds: async () => (await import("#api/custom-resource-definition")).customResourceKinds(),
  });
  process.stdout.write(found.map((word) => `${word}\n`).join(""));
}
