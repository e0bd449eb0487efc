// How to reach the API server of a kubeconfig with one cluster and one user.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { ApiConnection } from "#control-plane/config/kubernetes/api-client";

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

export function connectionOf(file: string): ApiConnection {
  const { clusters, users } = parse(readFileSync(file, "utf8")) as Kubeconfig;
  const { cluster = {} } = clusters[0] ?? {};
  const { user = {} } = users[0] ?? {};
  const pem = (from: Readonly<Record<string, string>>, name: string): string | undefined => {
    const data = from[`${name}-data`];
    if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
    const path = from[name];
    return path === undefined ? undefined : readFileSync(path, "utf8");
  };
  const { server = "" } = cluster;
  const authorization = user["token"] === undefined ? undefined : `Bearer ${user["token"]}`;
  return {
    server,
    tls: { ca: pem(cluster, "certificate-authority"), cert: pem(user, "client-certificate"), key: pem(user, "client-key") },
    authorization,
  };
}
