// Which API server a command talks to: the running mesh, or a cluster when one is asked for by --context, --kubeconfig or --server.
// A kubeconfig that merely lies around (KUBECONFIG) counts only where no mesh runs: nobody shall change a cluster who meant the mesh.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { runningMesh } from "#embedded/mesh-handle";
import { CommandError } from "#cli/command-error";
import { dataDirectory, type DataDirectoryOption } from "#cli/data-directory";
import { KUBECONFIG } from "#cli/kubeconfig";
import { KubernetesClient } from "./client.ts";
import { issueCredential } from "./credential-plugin.ts";
import { connectionFrom, type Connection } from "./kubeconfig.ts";

export interface TargetOptions extends DataDirectoryOption {
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly server?: string;
  readonly namespace?: string;
}

export interface Target {
  readonly client: KubernetesClient;
  readonly isMesh: boolean;
  /** Of objects that name none. */
  readonly namespace: string;
  /** By -n: then an object that names another one is an error. */
  readonly isNamespaceGiven: boolean;
}

function openTarget(options: TargetOptions): Target {
  const { connection, isMesh } = chooseConnection(options);
  const warn = (text: string): void => void process.stderr.write(`Warning: ${text}\n`);
  return {
    client: new KubernetesClient(connection, warn),
    isMesh,
    namespace: options.namespace ?? connection.namespace,
    isNamespaceGiven: options.namespace !== undefined,
  };
}

/** Opens the API server for a command, and closes it behind it. */
export async function withTarget<T>(options: TargetOptions, use: (target: Target) => Promise<T>): Promise<T> {
  const target = openTarget(options);
  try {
    return await use(target);
  } finally {
    target.client.close();
  }
}

function chooseConnection(options: TargetOptions): { readonly connection: Connection; readonly isMesh: boolean } {
  const environment = process.env;
  const cluster = (): Connection =>
    connectionFrom(kubeconfigPaths(options.kubeconfig, environment), {
      context: options.context,
      server: options.server,
      issue: (exec) => issueCredential(exec, environment),
    });
  if (options.context !== undefined || options.kubeconfig !== undefined || options.server !== undefined)
    return { connection: cluster(), isMesh: false };
  const directory = dataDirectory(options, environment);
  if (runningMesh(directory) !== undefined) return { connection: meshConnection(directory), isMesh: true };
  if ((environment["KUBECONFIG"] ?? "") !== "") return { connection: cluster(), isMesh: false };
  throw new CommandError(
    `no mesh is running (looked in ${directory}); start one with \`mizzen up -f DIR\`, or name a cluster with --context`,
  );
}

function meshConnection(directory: string): Connection {
  const file = join(directory, KUBECONFIG);
  if (!existsSync(file))
    throw new CommandError(`the running mesh has no Kubernetes API (${file} is missing); start it again with \`mizzen up\``);
  const connection = connectionFrom([file], {
    issue: () => {
      throw new CommandError(`${file} asks for a credential plugin`);
    },
  });
  return { ...connection, name: "the mesh" };
}

export function kubeconfigPaths(given: string | undefined, environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (given !== undefined) return [given];
  const paths = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  return paths.length > 0 ? paths : [join(homedir(), ".kube", "config")];
}
