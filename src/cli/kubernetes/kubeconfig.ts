// Kubeconfig files as kubectl reads them: several are one, the first to name something wins; paths in a file are relative to it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import type * as Yaml from "yaml";
import { CommandError } from "#cli/command-error";

const require = createRequire(import.meta.url);

/** What a client needs to talk to one API server. */
export interface Connection {
  /** How messages name it: `context kind-east`, `the mesh`. */
  readonly name: string;
  readonly server: string;
  /** Of objects that name none. */
  readonly namespace: string;
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    readonly servername?: string | undefined;
    readonly rejectUnauthorized?: boolean | undefined;
  };
  readonly authorization?: string | undefined;
}

export interface ExecCredential {
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly apiVersion: string;
  readonly installHint?: string;
}

export interface IssuedCredential {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
}

interface Cluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
  readonly "proxy-url"?: string;
}

interface User {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly "auth-provider"?: { readonly name?: string };
  readonly exec?: ExecCredential;
}

interface Context {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

interface Found<T> {
  readonly value: T;
  /** The folder of the file that holds it. */
  readonly folder: string;
}

interface Merged {
  readonly clusters: ReadonlyMap<string, Found<Cluster>>;
  readonly users: ReadonlyMap<string, Found<User>>;
  readonly contexts: ReadonlyMap<string, Found<Context>>;
  readonly currentContext: string | undefined;
}

export interface KubeconfigChoice {
  readonly context?: string | undefined;
  /** In place of the one that the context's cluster has. */
  readonly server?: string | undefined;
  /** Runs a credential plugin. */
  readonly issue: (exec: ExecCredential) => IssuedCredential;
}

/** @throws CommandError naming the file, or the context that is not there */
export function connectionFrom(paths: readonly string[], choice: KubeconfigChoice): Connection {
  const merged = mergeFiles(paths);
  const where = paths.join(", ");
  const name = choice.context ?? merged.currentContext;
  if (name === undefined || name === "") {
    throw new CommandError(`${where} names no current-context; choose one with --context: ${listed(merged.contexts.keys())}`);
  }
  const context = merged.contexts.get(name)?.value;
  if (context === undefined)
    throw new CommandError(`there is no context "${name}" in ${where}; there are ${listed(merged.contexts.keys())}`);
  const cluster = merged.clusters.get(context.cluster ?? "");
  if (cluster === undefined && choice.server === undefined)
    throw new CommandError(`context "${name}" of ${where} names the cluster "${context.cluster ?? ""}", which is not there`);
  const user = merged.users.get(context.user ?? "");
  return {
    name: `context ${name}`,
    server: choice.server ?? cluster?.value.server ?? "",
    namespace: context.namespace ?? "default",
    ...securityOf(name, cluster, user, choice),
  };
}

/** Of all files, for completion. */
export function contextNames(paths: readonly string[]): readonly string[] {
  return [...mergeFiles(paths).contexts.keys()];
}

function listed(names: Iterable<string>): string {
  return [...names].join(", ") || "none";
}

function securityOf(
  context: string,
  cluster: Found<Cluster> | undefined,
  user: Found<User> | undefined,
  choice: KubeconfigChoice,
): Pick<Connection, "tls" | "authorization"> {
  const at = cluster?.value ?? {};
  const who = user?.value ?? {};
  if (at["proxy-url"] !== undefined)
    throw new CommandError(`context "${context}" asks for proxy-url, which mizzen does not use; use kubectl`);
  if (who["auth-provider"] !== undefined)
    throw new CommandError(
      `context "${context}" asks for the auth-provider ${who["auth-provider"].name ?? ""}, which kubectl has removed, too; use exec`,
    );
  const issued = who.exec === undefined ? {} : choice.issue(who.exec);
  const token = issued.token ?? who.token ?? (who.tokenFile === undefined ? undefined : readAt(user, who.tokenFile).trim());
  const basic = who.username === undefined ? undefined : Buffer.from(`${who.username}:${who.password ?? ""}`).toString("base64");
  return {
    tls: {
      ca: data(cluster, at["certificate-authority-data"], at["certificate-authority"]),
      cert: issued.clientCertificateData ?? data(user, who["client-certificate-data"], who["client-certificate"]),
      key: issued.clientKeyData ?? data(user, who["client-key-data"], who["client-key"]),
      servername: at["tls-server-name"],
      rejectUnauthorized: at["insecure-skip-tls-verify"] !== true,
    },
    authorization: token !== undefined ? `Bearer ${token}` : basic === undefined ? undefined : `Basic ${basic}`,
  };
}

function data(from: Found<unknown> | undefined, base64: string | undefined, path: string | undefined): string | undefined {
  if (base64 !== undefined) return Buffer.from(base64, "base64").toString("utf8");
  return path === undefined || path === "" ? undefined : readAt(from, path);
}

function readAt(from: Found<unknown> | undefined, path: string): string {
  const file = resolve(from?.folder ?? ".", path);
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(`${file}, which the kubeconfig names, cannot be read: ${(error as Error).message}`);
  }
}

function mergeFiles(paths: readonly string[]): Merged {
  const clusters = new Map<string, Found<Cluster>>();
  const users = new Map<string, Found<User>>();
  const contexts = new Map<string, Found<Context>>();
  let currentContext: string | undefined;
  let found = false;
  for (const path of paths) {
    const file = readFile(path, paths.length > 1);
    if (file === undefined) continue;
    found = true;
    const folder = dirname(resolve(path));
    addTo(clusters, file["clusters"], "cluster", folder);
    addTo(users, file["users"], "user", folder);
    addTo(contexts, file["contexts"], "context", folder);
    const current = file["current-context"];
    if (typeof current === "string" && current !== "") currentContext ??= current;
  }
  if (!found) throw new CommandError(`none of ${paths.join(", ")} exists; name a kubeconfig with --kubeconfig`);
  return { clusters, users, contexts, currentContext };
}

function addTo<T>(into: Map<string, Found<T>>, list: unknown, field: string, folder: string): void {
  if (!Array.isArray(list)) return;
  for (const item of list as readonly Readonly<Record<string, unknown>>[]) {
    const name = item["name"];
    if (typeof name === "string" && !into.has(name)) into.set(name, { value: (item[field] ?? {}) as T, folder });
  }
}

/** undefined: of several, one that is not there, as kubectl passes over. */
function readFile(path: string, mayBeMissing: boolean): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CommandError(`the kubeconfig ${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    const { parse } = require("yaml") as typeof Yaml;
    const value: unknown = text.startsWith("{") ? JSON.parse(text) : parse(text);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new CommandError(`the kubeconfig ${path} is not YAML: ${(error as Error).message.split("\n")[0] ?? ""}`);
  }
  throw new CommandError(`the kubeconfig ${path} holds no clusters and contexts`);
}
