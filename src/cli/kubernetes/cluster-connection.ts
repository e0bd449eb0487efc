// The cluster whose objects a control plane serves: that of a kubeconfig, or the one in which it runs itself.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "#cli/command-error";
import type { ApiConnection } from "#control-plane/config/kubernetes/api-client";
import { KubernetesObjectStore } from "#control-plane/config/kubernetes/kubernetes-object-store";
import { realClock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { issueCredential } from "./credential-plugin.ts";
import { connectionFrom } from "./kubeconfig.ts";
import { kubeconfigPaths } from "./target.ts";

export interface ClusterChoice {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly filename?: readonly string[];
  readonly etcdServers?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where every Pod finds what its service account needs. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const SAID_MS = 30_000;

/** How to connect, each time with credentials as they are now. Undefined: nothing asks for a cluster. */
export function clusterConnection(
  { kubeconfig, context, filename = [], etcdServers }: ClusterChoice,
  environment: Environment,
  serviceAccount = SERVICE_ACCOUNT,
): (() => ApiConnection) | undefined {
  if (kubeconfig !== undefined || context !== undefined) {
    const paths = kubeconfigPaths(kubeconfig, environment);
    return () => connectionFrom(paths, { context, issue: (exec) => issueCredential(exec, environment) });
  }
  if (filename.length > 0 || etcdServers !== undefined || !existsSync(join(serviceAccount, "token"))) return undefined;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host === undefined || port === undefined) return undefined;
  const read = (name: string): string => readFileSync(join(serviceAccount, name), "utf8");
  return () => ({
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    tls: { ca: read("ca.crt") },
    authorization: `Bearer ${read("token").trim()}`,
  });
}

/** @throws CommandError when the connection that is described is none */
export function clusterStore(connect: () => ApiConnection, log: Log): KubernetesObjectStore {
  const connection = connect();
  if (!URL.canParse(connection.server)) throw new CommandError(`"${connection.server}" is no URL of an API server`);
  let saidMs = Number.NEGATIVE_INFINITY;
  return new KubernetesObjectStore({
    connection,
    renew: connect,
    clock: realClock,
    random: realRandom,
    // Every watch breaks at once; it is said once.
    onInterrupted(error) {
      const nowMs = realClock.monotonicMs();
      if (nowMs - saidMs < SAID_MS) return;
      saidMs = nowMs;
      log.warn("the cluster does not answer; what is known stays until it does", {
        error: error instanceof Error ? error.message : String(error),
      });
    },
  });
}
