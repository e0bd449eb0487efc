// The command line. Each command's code is loaded when it is called: `mizzen version` needs none of the mesh.
import { Command, CommanderError, Option } from "commander";
import { plainFlags } from "./boolean-flags.ts";
import { CommandError } from "./command-error.ts";
import { DATA_DIR, several } from "./command-options.ts";
import { compileCacheFolder, useCompileCache } from "./compile-cache.ts";
import { addObjectCommands } from "./object-commands.ts";
import { packageVersion } from "./program-place.ts";
import type { ProxyOptions } from "./proxy.ts";
import { usageHint } from "./usage-hint.ts";

const LOG_LEVEL = [
  "--log-level <level>",
  "debug, info, warn, error or off (default: info, and warn for the processes below `mizzen up`)",
] as const;
const LOG_FORMAT = ["--log-format <format>", "text or json", "text"] as const;

/** Commander puts what it guesses was meant on a line of its own. */
function oneLine(message: string): string {
  return message
    .trim()
    .replace(/^error: /, "mizzen: ")
    .replaceAll(/\s*\n\s*/g, " ");
}

function program(): Command {
  const mizzen = new Command("mizzen")
    .description("A service mesh in one package that speaks Istio: the same YAML, the same xDS, the same names.")
    .version(packageVersion(), "-v, --version")
    .exitOverride()
    .configureOutput({ outputError: (message, write) => write(`${oneLine(message)}; ${usageHint(message)}\n`) })
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen up --sample bookinfo\n  mizzen up -f ./mesh\n  mizzen run --service hello --port 3000 -- node app.js\n  mizzen proxy-status\n",
    );

  mizzen
    .command("up")
    .description("run a mesh from a directory of Istio and Kubernetes YAML, until Ctrl-C")
    .option("-f, --filename <path>", "a directory or file; may be repeated", several)
    .option("-R, --recursive", "read the folders below a directory, too")
    .option("--sample <name>", "run a sample that comes with mizzen: bookinfo")
    .option("--concurrency <threads>", "traffic threads of the gateway (default: one a core, at most 4)")
    .option(...DATA_DIR)
    .option(...LOG_LEVEL)
    .option(...LOG_FORMAT)
    .addHelpText("after", "\nExamples:\n  mizzen up -f samples/bookinfo\n  mizzen up -f mesh -f apps/hello.yaml --log-format json\n")
    .action(async (options: Record<string, never>) => (await import("./up.ts")).up(options));

  mizzen
    .command("down")
    .description("stop the running mesh")
    .option(...DATA_DIR)
    .action(async (options: Record<string, never>) => (await import("./down.ts")).down(options));

  mizzen
    .command("run")
    .description("start an application as part of the running mesh")
    .argument("[command...]", "the command, after --")
    .option("--group <name>", "join this WorkloadGroup as one more instance")
    .option("--service <name>", "join as a service of this name, without writing YAML")
    .option("--port <number>", "with --service: where the program listens and others call it")
    .option("-n, --namespace <name>", "the namespace of the group or service", "default")
    .option(...DATA_DIR)
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen run --group reviews-v2 -- node app.js\n  mizzen run --service hello --port 3000 -- python3 -m http.server 3000\n",
    )
    .action(async (command: readonly string[], options: Record<string, never>) => (await import("./run.ts")).run(command, options));

  mizzen
    .command("proxy-status")
    .alias("ps")
    .description("show every proxy and whether it has the current configuration")
    .option("-o, --output <format>", "table, json or yaml", "table")
    .option(...DATA_DIR)
    .action(async (options: Record<string, never>) => (await import("./proxy-status.ts")).proxyStatus(options));

  mizzen
    .command("proxy-config")
    .alias("pc")
    .description("show the configuration that a proxy has: listeners, routes, clusters or endpoints")
    .argument("<kind>", "listeners, routes, clusters or endpoints")
    .argument("<proxy>", "its name, as mizzen proxy-status shows it, or the beginning of it")
    .option("-n, --namespace <name>", "the proxy's namespace, where names are the same")
    .option("-o, --output <format>", "table, json or yaml", "table")
    .option(...DATA_DIR)
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen proxy-config routes istio-ingressgateway-1\n  mizzen pc endpoints productpage-v1-1 -o json\n",
    )
    .action(async (kind: string, proxy: string, options: Record<string, never>) => {
      await (await import("./proxy-config.ts")).proxyConfig(singular(kind), proxy, options);
    });

  addObjectCommands(mizzen);

  mizzen
    .command("analyze")
    .description("find what is wrong or does not fit together in files, or in the running mesh")
    .argument("[paths...]", "files, folders, or - for standard input")
    .option("-n, --namespace <name>", "of objects that name none; findings of other namespaces are left out")
    .option("-A, --all-namespaces", "show the findings of all namespaces")
    .option("-R, --recursive", "read the folders below a folder, too")
    .option("-S, --suppress <code=resource>", 'leave findings out, like "IST0101=VirtualService reviews.default"; may be repeated', several)
    .option("--failure-threshold <level>", "findings from this level on make the exit code 79: Info, Warning or Error", "Error")
    .option("--output-threshold <level>", "findings from this level on are shown: Info, Warning or Error", "Info")
    .option("-o, --output <format>", "log, json or yaml", "log")
    .addOption(new Option("--mesh-config <file>", "MeshConfig over the defaults, in place of what the files hold"))
    .addOption(new Option("--meshConfigFile <file>", "istioctl's name for --mesh-config").hideHelp())
    .option("--mesh-networks <file>", "MeshNetworks, in place of what the files hold")
    .option("--cluster <name=path>", "a file or folder with the objects of another cluster of the mesh; may be repeated", several)
    .option("-L, --list-analyzers", "list the analyzers")
    .option("--analyzer <name>", "run this analyzer only; may be repeated", several)
    .option("--live", "show the findings of the running mesh")
    .addOption(new Option("-k, --use-kube", "look at a Kubernetes cluster, which is not there yet").hideHelp())
    .option("--ignore-unknown", "do not fail for documents that cannot be parsed")
    .option("--no-color", "no colours (as the variable NO_COLOR)")
    .option("-v, --verbose", "say which analyzers ran")
    .option(...DATA_DIR)
    .addHelpText("after", "\nExamples:\n  mizzen analyze mesh\n  mizzen analyze -R -A -o json . | jq\n  mizzen analyze --live\n")
    .action(async (paths: readonly string[], options: Record<string, never>) => {
      await (await import("./analyze.ts")).analyze(paths, options);
    });

  mizzen
    .command("precheck")
    .description("check whether Istio can safely be installed in, or upgraded on, a Kubernetes cluster")
    .argument("[paths...]", "what kubectl wrote of the cluster: files, folders, or - for standard input")
    .option("-R, --recursive", "read the folders below a folder, too")
    .option("--kubernetes-version <version>", "the cluster's version, like v1.31.2")
    .option("-f, --from-version <version>", "name what changed since this version of Istio, like 1.20")
    .option("--output-threshold <level>", "findings from this level on are shown: Info, Warning or Error", "Warning")
    .option("-o, --output <format>", "log, json or yaml", "log")
    .addHelpText(
      "after",
      "\nExamples:\n  kubectl get crd,service,namespace -A -o yaml | mizzen precheck - --kubernetes-version v1.31.2\n  mizzen precheck cluster.yaml --from-version 1.20\n",
    )
    .action(async (paths: readonly string[], options: Record<string, never>) => (await import("./precheck.ts")).precheck(paths, options));

  mizzen
    .command("validate")
    .description("check that files hold objects that the mesh accepts")
    .argument("[paths...]", "files, folders, or - for standard input; as -f")
    .option("-f, --filename <path>", "a file, a folder, or - for standard input; may be repeated", several)
    .option("-R, --recursive", "read the folders below a folder, too")
    .option("-n, --namespace <name>", "of objects that name none", "default")
    .option("-o, --output <format>", "text, json or yaml", "text")
    .addHelpText("after", "\nExamples:\n  mizzen validate -f mesh\n  kubectl get virtualservice -o yaml | mizzen validate -f -\n")
    .action(async (paths: readonly string[], options: Record<string, never>) => (await import("./validate.ts")).validate(paths, options));

  mizzen
    .command("kubeconfig")
    .description("print the kubeconfig of the running mesh, or write it into a file")
    .option("-o, --output <file>", "the file, for its owner alone (0600)")
    .option(...DATA_DIR)
    .addHelpText("after", "\nExamples:\n  mizzen kubeconfig -o ~/.kube/mesh\n  KUBECONFIG=~/.kube/mesh kubectl get virtualservices\n")
    .action(async (options: Record<string, never>) => (await import("./kubeconfig.ts")).kubeconfig(options));

  mizzen
    .command("kubectl")
    .description("run kubectl against the running mesh")
    .argument("[args...]", "what stands behind kubectl")
    .option(...DATA_DIR)
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen kubectl -- get virtualservices -A\n  mizzen kubectl -- apply -f samples/bookinfo/networking\n",
    )
    .action(async (args: readonly string[], options: Record<string, never>) => (await import("./kubectl.ts")).kubectl(args, options));

  mizzen
    .command("crds")
    .description("print CustomResourceDefinitions of Istio's kinds, for a Kubernetes API server")
    .argument("[kinds...]", "kinds, all when none is named")
    .addHelpText("after", "\nExamples:\n  mizzen crds | kubectl apply -f -\n  mizzen crds VirtualService Gateway\n")
    .action(async (kinds: readonly string[]) => (await import("./crds.ts")).crds(kinds));

  mizzen
    .command("schema")
    .description("print the JSON schema of a kind, or of files of any kind, for editors")
    .argument("[kind]", "the kind")
    .option("-o, --output <dir>", "write the schemas of all kinds into a folder, and mizzen.json for files of any kind")
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen schema VirtualService\n  mizzen schema -o .schemas\n\nThen begin a file with: # yaml-language-server: $schema=.schemas/mizzen.json\n",
    )
    .action(async (kind: string | undefined, options: Record<string, never>) => (await import("./schema.ts")).schema(kind, options));

  mizzen
    .command("control-plane")
    .description("run the control plane alone: for proxies that are started elsewhere")
    .option("-f, --filename <path>", "a directory or file; may be repeated", several)
    .option("-R, --recursive", "read the folders below a directory, too")
    .option("--grpc-port <port>", "where proxies connect (xDS)", "15010")
    .option("--http-port <port>", "debug and metrics", "15014")
    .option("--address <ip>", "where proxies connect: the address", "127.0.0.1")
    .option("--etcd-servers <addresses>", "keep applied objects in this etcd, which control planes share: http://HOST:2379,...")
    .option("--etcd-prefix <path>", "below which they are kept", "/mizzen")
    .option("--etcd-cafile <file>", "who vouches for etcd's certificates (PEM)")
    .option("--etcd-certfile <file>", "the certificate by which etcd knows us (PEM)")
    .option("--etcd-keyfile <file>", "its key (PEM)")
    .option("--api-port <port>", "the Kubernetes API", "15019")
    .option("--api-address <ip>", "the Kubernetes API: the address; clients prove themselves wherever they are", "127.0.0.1")
    .option("--api-host <name>", "a name by which clients know this machine, for the API's certificate; may be repeated", several)
    .option("--client-ca-file <file>", "whoever has a certificate of this authority may use the Kubernetes API")
    .option("--kubeconfig <file>", "serve the objects of a Kubernetes cluster; in a Pod without -f and this, those of its own cluster")
    .option("--context <name>", "which context of the kubeconfig; also alone, for KUBECONFIG or ~/.kube/config")
    .option("--write-status", "tell in the status of the cluster's objects whether every proxy has them")
    .option("--supervised", "started by mizzen up")
    .option(...DATA_DIR)
    .option(...LOG_LEVEL)
    .option(...LOG_FORMAT)
    .addHelpText(
      "after",
      "\nExamples:\n  mizzen control-plane -f mesh --grpc-port 15010\n  mizzen control-plane --kubeconfig ~/.kube/config --context kind-mesh\n",
    )
    .action(async (options: Record<string, never>) => (await import("./control-plane.ts")).controlPlane(options));

  mizzen
    .command("proxy")
    .description("run the proxy alone from an Envoy bootstrap, with Envoy's flags")
    .option("-c, --config-path <file>", "the bootstrap: YAML or JSON")
    .option("--config-yaml <text>", "a bootstrap in YAML, merged over that of -c")
    .option("--mode <mode>", "serve, or validate: check the bootstrap and end", "serve")
    .option("--service-node <id>", "the node's id, in place of node.id")
    .option("--service-cluster <name>", "the node's cluster, in place of node.cluster")
    .option("--concurrency <threads>", "traffic threads (default: one a core)")
    .option("-l, --log-level <level>", "trace, debug, info, warning, error, critical or off", "info")
    .option(...LOG_FORMAT)
    .option("--drain-time-s <seconds>", "how long connections may go on when their listener changed, and after SIGTERM", "45")
    .option("--allow-remote-admin", "let the admin endpoint have another address than loopback's")
    .addOption(new Option("--parent-shutdown-time-s <seconds>", "accepted: nothing is restarted hot").hideHelp())
    .addOption(new Option("--base-id <id>", "accepted: nothing is shared between proxies").hideHelp())
    .addOption(new Option("--restart-epoch <number>", "accepted: nothing is restarted hot").hideHelp())
    .addOption(new Option("--disable-hot-restart", "accepted: nothing is restarted hot").hideHelp())
    .addHelpText("after", "\nExamples:\n  mizzen proxy -c envoy.yaml\n  mizzen proxy -c envoy.yaml --mode validate\n")
    .action(async (options: ProxyOptions) => (await import("./proxy.ts")).proxy(options));

  mizzen
    .command("data-plane", { hidden: true })
    .option("--supervised", "started by mizzen up")
    .action(async (options: Record<string, never>) => (await import("./data-plane.ts")).dataPlane(options));

  mizzen
    .command("version")
    .description("print the version")
    .option("-o, --output <format>", "text, json or yaml", "text")
    .action(async (options: Record<string, never>) => (await import("./version.ts")).version(options));

  mizzen
    .command("completion")
    .description("print the script that lets a shell complete mizzen's commands")
    .argument("<shell>", "bash, zsh or fish")
    .addHelpText("after", "\nExamples:\n  source <(mizzen completion bash)\n  mizzen completion fish | source\n")
    .action(async (shell: string) => (await import("./complete.ts")).completion(shell));

  mizzen
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: readonly string[]) => (await import("./complete.ts")).complete(mizzen, words));
  return mizzen;
}

/** istioctl takes both forms: `pc route` and `pc routes`. */
function singular(kind: string): string {
  const full: Readonly<Record<string, string>> = {
    listener: "listeners",
    l: "listeners",
    route: "routes",
    r: "routes",
    cluster: "clusters",
    c: "clusters",
    endpoint: "endpoints",
    ep: "endpoints",
  };
  return full[kind] ?? kind;
}

function analyzeFlags(args: readonly string[]): readonly string[] {
  return plainFlags(args, ["all-namespaces", "recursive", "use-kube", "ignore-unknown", "list-analyzers", "live", "verbose"], ["color"]);
}

async function main(args: readonly string[]): Promise<number> {
  try {
    // As kubectl: asked for nothing, it says what there is.
    await program().parseAsync(args.length === 0 ? ["--help"] : args[0] === "analyze" ? analyzeFlags(args) : args, { from: "user" });
    // `diff` ends with 1 when something differs, which is no error.
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed its message; help and version are no errors.
      return error.exitCode === 0 || error.code === "commander.helpDisplayed" ? 0 : 2;
    }
    if (error instanceof CommandError) {
      process.stderr.write(`mizzen: ${error.message}\n`);
      return error.exitCode;
    }
    process.stderr.write(`mizzen: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

// `mizzen ... | head`: nobody reads any more. A command that has something to end in order listens for this itself.
process.stdout.on("error", () => {
  if (process.stdout.listenerCount("error") === 1) process.exit(0);
});
useCompileCache(compileCacheFolder(process.env));
process.exitCode = await main(process.argv.slice(2));
