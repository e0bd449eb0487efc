// What a Bookinfo task must lead to, worked out from its YAML by a reading of Istio's documentation that shares no code with the
// product: for each virtual host and caller, which versions answer in which shares, which fault comes, or what is missing.
import { parseAllDocuments } from "yaml";

export interface Task {
  /** Services that exist in Bookinfo, with the versions that run. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
}

export interface Expectation {
  readonly host: string;
  readonly port: number;
  /** The `end-user` header; undefined: nobody is signed in. */
  readonly user: string | undefined;
  readonly outcome: Outcome;
}

export type Outcome =
  /** Shares by version; they sum up to 1. */
  | { readonly kind: "versions"; readonly shares: Readonly<Record<string, number>>; readonly delayMs: number }
  | { readonly kind: "abort"; readonly status: number }
  /** 503 with Envoy's flag: UH no healthy upstream, NC no such cluster. */
  | { readonly kind: "unavailable"; readonly flag: "UH" | "NC"; readonly missing: string };

interface YamlObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly spec: any;
}

export function objectsOf(text: string): YamlObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as YamlObject | null)
    .filter((object): object is YamlObject => object !== null && typeof object === "object" && "kind" in object);
}

function matches(match: YamlObject["spec"], path: string, user: string | undefined): boolean {
  const text = (matcher: { exact?: string; prefix?: string; regex?: string }, value: string | undefined): boolean => {
    if (value === undefined) return false;
    if (matcher.exact !== undefined) return value === matcher.exact;
    if (matcher.prefix !== undefined) return value.startsWith(matcher.prefix);
    return new RegExp(`^(?:${matcher.regex})$`).test(value);
  };
  if (match.uri !== undefined && !text(match.uri, path)) return false;
  if (match.port !== undefined && match.port !== 9080) return false;
  for (const [name, matcher] of Object.entries(match.headers ?? {})) {
    if (!text(matcher as { exact?: string }, name === "end-user" ? user : undefined)) return false;
  }
  return true;
}

/** Hosts without a dot are Bookinfo's own services; everything else stands outside this mesh. */
export function outsideHosts(objects: readonly YamlObject[], task: Task): string[] {
  const hosts = new Set<string>();
  for (const { kind, spec } of objects) {
    if (kind !== "VirtualService") continue;
    for (const rule of spec.http ?? []) {
      for (const { destination } of rule.route ?? []) if (task.versions[destination.host] === undefined) hosts.add(destination.host);
    }
  }
  return [...hosts];
}

/** Every expectation that the VirtualServices of `objects` set for callers inside the mesh. `all` adds the base's DestinationRules. */
export function expectations(objects: readonly YamlObject[], all: readonly YamlObject[], task: Task): Expectation[] {
  const result: Expectation[] = [];
  const ruleOf = (host: string): YamlObject["spec"] =>
    (
      objects.find((o) => o.kind === "DestinationRule" && o.spec.host === host) ??
      all.find((o) => o.kind === "DestinationRule" && o.spec.host === host)
    )?.spec;
  for (const { kind, spec } of objects) {
    if (kind !== "VirtualService" || (spec.gateways !== undefined && !spec.gateways.includes("mesh"))) continue;
    for (const host of spec.hosts as string[]) {
      if (task.versions[host] === undefined) continue;
      const path = host === "productpage" ? "/productpage" : `/${host}/0`;
      for (const user of [undefined, "jason"]) {
        const rule = (spec.http ?? []).find(
          (candidate: YamlObject["spec"]) =>
            candidate.match === undefined || candidate.match.some((m: unknown) => matches(m as YamlObject["spec"], path, user)),
        );
        if (rule === undefined) continue;
        const abort = rule.fault?.abort;
        if (abort !== undefined && abort.percentage?.value === 100) {
          result.push({ host, port: 9080, user, outcome: { kind: "abort", status: abort.httpStatus } });
          continue;
        }
        const delay = rule.fault?.delay;
        const delayMs = delay !== undefined && delay.percentage?.value === 100 ? Number.parseFloat(delay.fixedDelay) * 1000 : 0;
        const routes = rule.route as { destination: { host: string; subset?: string }; weight?: number }[];
        const sum = routes.reduce((total, route) => total + (route.weight ?? (routes.length === 1 ? 100 : 0)), 0);
        const shares: Record<string, number> = {};
        let unavailable: Outcome | undefined;
        for (const { destination, weight } of routes) {
          const share = (weight ?? (routes.length === 1 ? 100 : 0)) / sum;
          const running = task.versions[destination.host] ?? [];
          if (destination.subset === undefined) {
            for (const version of running) shares[version] = (shares[version] ?? 0) + share / running.length;
            continue;
          }
          const rules = ruleOf(destination.host);
          const subset = rules?.subsets?.find((candidate: { name: string }) => candidate.name === destination.subset);
          const version = subset?.labels.version as string | undefined;
          if (version === undefined) unavailable = { kind: "unavailable", flag: "NC", missing: destination.subset };
          else if (!running.includes(version)) unavailable = { kind: "unavailable", flag: "UH", missing: destination.subset };
          else shares[version] = (shares[version] ?? 0) + share;
        }
        result.push({ host, port: 9080, user, outcome: unavailable ?? { kind: "versions", shares, delayMs } });
      }
    }
  }
  return result;
}

/** Hosts whose DestinationRule asks for mesh mTLS, which needs a certificate authority. */
export function meshTlsHosts(objects: readonly YamlObject[]): string[] {
  return objects
    .filter(({ kind, spec }) => kind === "DestinationRule" && spec.trafficPolicy?.tls?.mode === "ISTIO_MUTUAL")
    .map(({ spec }) => spec.host as string);
}
