// The commands that read and write objects, on the mesh and on a cluster: kubectl's names, flags and output.
import type { Command } from "commander";
import { DATA_DIR, several } from "./command-options.ts";

const FILES = ["-f, --filename <path>", "a file, a folder, or - for standard input; may be repeated", several] as const;
const RECURSIVE = ["-R, --recursive", "read the folders below a folder, too"] as const;
const SELECTOR = ["-l, --selector <query>", "labels: app=reviews, app!=reviews, 'app in (a,b)', app, '!app'"] as const;
const DRY_RUN = ["--dry-run [strategy]", "none, client or server: say what would be done, and do nothing"] as const;
const TIMEOUT = ["--timeout <duration>", "how long to wait"] as const;

const OBJECT_ARGUMENT = "vs reviews, or virtualservice/reviews";

type Options = Record<string, never>;

function onServer(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "of objects that name none (default: default, or the context's)")
    .option("--context <name>", "a context of the kubeconfig: a cluster in place of the running mesh")
    .option("--kubeconfig <file>", "in place of KUBECONFIG and ~/.kube/config")
    .option("-s, --server <url>", "the API server, in place of the context's")
    .option(...DATA_DIR);
}

export function addObjectCommands(mizzen: Command): void {
  onServer(mizzen.command("apply"))
    .description("write the objects of files: checked as a whole, then all of them")
    .option(...FILES)
    .option(...RECURSIVE)
    .option("-l, --selector <query>", "only the objects of the files that have these labels")
    .option("-o, --output <format>", "name, json, yaml or jsonpath=...")
    .option(...DRY_RUN)
    .option("--validate [strictness]", "strict, warn or ignore", "strict")
    .option("--field-manager <name>", "who owns the fields that are written", "mizzen")
    .option("--force-conflicts", "take over fields that others own")
    .option("--wait", "until it is live on every proxy, or one has refused it")
    .option(TIMEOUT[0], TIMEOUT[1], "30s")
    .option("-k, --kustomize <dir>", "not there: kubectl kustomize DIR | mizzen apply -f -")
    .option("--prune", "not there: mizzen delete -l ...")
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen apply -f reviews.yaml --wait\n  mizzen apply -R -f mesh --dry-run=server\n  mizzen apply -f - --context kind-east\n",
    )
    .action(async (options: Options) => (await import("./apply.ts")).apply(options));

  onServer(mizzen.command("get"))
    .description("show objects")
    .argument("[kind...]", `${OBJECT_ARGUMENT}; several kinds by commas; a category like istio-io`)
    .option(...FILES)
    .option(...RECURSIVE)
    .option("-o, --output <format>", "wide, json, yaml, name, jsonpath=..., custom-columns=...")
    .option(...SELECTOR)
    .option("--field-selector <query>", "fields: metadata.name=reviews")
    .option("-A, --all-namespaces", "of every namespace")
    .option("-w, --watch", "go on with every change")
    .option("--watch-only", "only changes")
    .option("--output-watch-events", "say whether an object was added, modified or deleted")
    .option("--show-labels", "all labels in the last column")
    .option("-L, --label-columns <names>", "a column for each of these labels", several)
    .option("--no-headers", "no line of column names")
    .option("--show-kind", "the kind before each name")
    .option("--show-managed-fields", "in json and yaml: who owns which field")
    .option("--sort-by <path>", "order by a field, like .metadata.name")
    .option("--ignore-not-found", "exit with 0 when there is nothing")
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen get vs\n  mizzen get vs,dr -A -l app=reviews\n  mizzen get vs reviews -o jsonpath='{.spec.hosts[0]}'\n  mizzen get istio-io -w\n",
    )
    .action(async (words: readonly string[], options: Options) => (await import("./get.ts")).get(words, options));

  onServer(mizzen.command("describe"))
    .description("show an object's fields, where it is live, and its events")
    .argument("[kind...]", OBJECT_ARGUMENT)
    .option(...FILES)
    .option(...RECURSIVE)
    .option(...SELECTOR)
    .option("-A, --all-namespaces", "of every namespace")
    .action(async (words: readonly string[], options: Options) => (await import("./describe.ts")).describe(words, options));

  onServer(mizzen.command("edit"))
    .description("change an object in your editor (KUBE_EDITOR, EDITOR, vi)")
    .argument("<kind...>", OBJECT_ARGUMENT)
    .action(async (words: readonly string[], options: Options) => (await import("./edit.ts")).edit(words, options));

  onServer(mizzen.command("delete"))
    .description("delete objects, and wait until they are gone")
    .argument("[kind...]", OBJECT_ARGUMENT)
    .option(...FILES)
    .option(...RECURSIVE)
    .option(...SELECTOR)
    .option("--field-selector <query>", "fields: metadata.name=reviews")
    .option("--all", "all objects of the kind")
    .option("-A, --all-namespaces", "of every namespace")
    .option("--wait [yes]", "true, or false: do not wait until they are gone")
    .option("--timeout <duration>", "how long to wait (default: until they are gone)")
    .option(...DRY_RUN)
    .option("--cascade [policy]", "of what they own: background, foreground or orphan")
    .option("--grace-period <seconds>", "for what needs time to end")
    .option("--now", "a grace period of one second")
    .option("--force", "a grace period of none")
    .option("--ignore-not-found", "what is not there is no error")
    .option("-o, --output <format>", "name")
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen delete -f reviews.yaml\n  mizzen delete vs reviews ratings\n  mizzen delete vs,dr -l app=reviews\n",
    )
    .action(async (words: readonly string[], options: Options) => (await import("./delete.ts")).deleteObjects(words, options));

  onServer(mizzen.command("diff"))
    .description("show what applying files would change; exit code 1 when something would")
    .option(...FILES)
    .option(...RECURSIVE)
    .option("--field-manager <name>", "who would own the fields", "mizzen")
    .option("--force-conflicts", "take over fields that others own")
    .addHelpText("after", "\nExample:\n  mizzen diff -f mesh\n")
    .action(async (options: Options) => {
      process.exitCode = await (await import("./diff.ts")).diff(options);
    });

  onServer(mizzen.command("wait"))
    .description("wait until an object, as it is now, is live on every proxy, or is as you want it")
    .argument("<object...>", "VirtualService/reviews, or virtualservice reviews.default")
    .option(
      "--for <condition>",
      "distribution (acknowledged by the proxies), condition=TYPE, jsonpath={PATH}=VALUE, delete, create",
      "distribution",
    )
    .option(TIMEOUT[0], TIMEOUT[1], "30s")
    .option("--threshold <share>", "how many of the proxies, from 0 to 1", "1")
    .option("--generation <number>", "an older one does not do")
    .option("--all", "all objects of the kind")
    .option(...SELECTOR)
    .option("--http-port <port>", "of a control plane that runs alone: its debug port")
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen wait --for=distribution VirtualService/reviews\n  mizzen wait vs/reviews --timeout 5s --threshold 0.9\n  mizzen wait --for=delete vs/reviews\n",
    )
    .action(async (words: readonly string[], options: Options) => (await import("./wait.ts")).wait(words, options));

  onServer(mizzen.command("history"))
    .description("show the versions that the mesh keeps of an object")
    .argument("<object...>", OBJECT_ARGUMENT)
    .option("--show <version>", "print this version as YAML")
    .option("-o, --output <format>", "table, json or yaml", "table")
    .action(async (words: readonly string[], options: Options) => (await import("./history.ts")).history(words, options));

  onServer(mizzen.command("rollback"))
    .description("write an older version of an object again")
    .argument("<object...>", OBJECT_ARGUMENT)
    .option("--to <version>", "as mizzen history numbers them")
    .option(...DRY_RUN)
    .addHelpText("after", "\nExample:\n  mizzen rollback virtualservice/reviews --to 3\n")
    .action(async (words: readonly string[], options: Options) => (await import("./history.ts")).rollback(words, options));
}
