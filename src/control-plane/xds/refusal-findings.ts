// What connected proxies refuse at the moment, as findings: a port that is taken is news for whoever watches the mesh. Pure.
import type { Finding } from "#api/finding";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import type { Refusal } from "./proxy-connection.ts";

const WORDS: Readonly<Record<string, string>> = { CDS: "clusters", LDS: "listeners", EDS: "endpoints", RDS: "routes" };

export function refusalFindings(
  proxies: readonly { readonly node: Pick<ProxyNode, "name" | "namespace">; readonly refusals: readonly Refusal[] }[],
): readonly Finding[] {
  return proxies.flatMap(({ node, refusals }) =>
    refusals.map(({ type, message }) => ({
      level: "error" as const,
      code: "MZ0008",
      message: `${node.name}.${node.namespace} cannot serve some of its ${WORDS[type] ?? type}: ${message}`,
    })),
  );
}
