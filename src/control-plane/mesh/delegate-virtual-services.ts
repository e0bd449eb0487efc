// VirtualServices whose routes stand elsewhere: each route with a delegate becomes the routes of that VirtualService, which has no hosts of
// its own, under the conditions of both. A delegate's route that contradicts its root is left out, as in Istio.
import type { HTTPMatchRequest, HTTPRoute, StringMatch } from "#api/virtual-service";
import type { ResolvedVirtualService } from "./mesh.ts";
import { isVisible, visibilityOf } from "./visibility.ts";

/** In the given order, without the delegates. */
export function withDelegates(
  virtualServices: readonly ResolvedVirtualService[],
  defaultExportTo: readonly string[] | undefined,
): readonly ResolvedVirtualService[] {
  const delegates = new Map<string, ResolvedVirtualService>();
  for (const candidate of virtualServices) if (candidate.hosts.length === 0) delegates.set(keyOf(candidate), candidate);
  const roots = virtualServices.filter(({ hosts }) => hosts.length > 0);
  if (!roots.some(({ spec }) => spec.http?.some(({ delegate }) => delegate !== undefined))) return roots;
  return roots.map((root) => {
    if (root.spec.http?.some(({ delegate }) => delegate !== undefined) !== true) return root;
    const http = root.spec.http.flatMap((route) => {
      if (route.delegate === undefined) return [route];
      const { namespace } = root.object.metadata;
      const found = delegates.get(`${route.delegate.namespace || namespace}/${route.delegate.name ?? ""}`);
      if (found === undefined) return [];
      const visibility = visibilityOf(found.spec.exportTo, found.object.metadata.namespace, defaultExportTo);
      if (!isVisible(visibility, namespace)) return [];
      return (found.spec.http ?? []).flatMap((own) => mergedRoute(route, own) ?? []);
    });
    return { ...root, spec: { ...root.spec, http } };
  });
}

function keyOf({ object: { metadata } }: ResolvedVirtualService): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** What the delegate does not say the root says. undefined: they contradict each other. */
function mergedRoute(root: HTTPRoute, own: HTTPRoute): HTTPRoute | undefined {
  const match = mergedMatches(root.match ?? [], own.match ?? []);
  if (match === undefined) return undefined;
  return {
    ...own,
    match: match.length === 0 ? undefined : match,
    name: joined(root.name, own.name),
    rewrite: own.rewrite ?? root.rewrite,
    directResponse: own.directResponse ?? root.directResponse,
    timeout: own.timeout ?? root.timeout,
    retries: own.retries ?? root.retries,
    fault: own.fault ?? root.fault,
    mirror: own.mirror ?? root.mirror,
    mirrorPercent: own.mirrorPercent ?? root.mirrorPercent,
    mirrorPercentage: own.mirrorPercentage ?? root.mirrorPercentage,
    corsPolicy: own.corsPolicy ?? root.corsPolicy,
    mirrors: own.mirrors ?? root.mirrors,
    headers: own.headers ?? root.headers,
  };
}

function joined(root: string | undefined, own: string | undefined): string | undefined {
  return root && own ? `${root}-${own}` : own || root;
}

/** Each condition of the delegate under each of the root's that it does not contradict; every one must find at least one. */
function mergedMatches(root: readonly HTTPMatchRequest[], own: readonly HTTPMatchRequest[]): readonly HTTPMatchRequest[] | undefined {
  if (root.length === 0) return own;
  if (own.length === 0) return root;
  const result: HTTPMatchRequest[] = [];
  for (const inner of own) {
    const under = root.filter((outer) => !contradicts(outer, inner));
    if (under.length === 0) return undefined;
    result.push(...under.map((outer) => mergedMatch(outer, inner)));
  }
  return result;
}

function mergedMatch(root: HTTPMatchRequest, own: HTTPMatchRequest): HTTPMatchRequest {
  return {
    ...own,
    name: joined(root.name, own.name),
    uri: own.uri ?? root.uri,
    scheme: own.scheme ?? root.scheme,
    method: own.method ?? root.method,
    authority: own.authority ?? root.authority,
    headers: both(root.headers, own.headers),
    withoutHeaders: both(root.withoutHeaders, own.withoutHeaders),
    queryParams: both(root.queryParams, own.queryParams),
    port: own.port || root.port,
    sourceLabels: both(root.sourceLabels, own.sourceLabels),
    sourceNamespace: own.sourceNamespace || root.sourceNamespace,
    gateways: own.gateways !== undefined && own.gateways.length > 0 ? own.gateways : root.gateways,
    statPrefix: own.statPrefix || root.statPrefix,
  };
}

function both<T>(
  root: Readonly<Record<string, T>> | undefined,
  own: Readonly<Record<string, T>> | undefined,
): Readonly<Record<string, T>> | undefined {
  return root === undefined ? own : own === undefined ? root : { ...root, ...own };
}

function contradicts(root: HTTPMatchRequest, own: HTTPMatchRequest): boolean {
  if (textsContradict(root.uri, own.uri) || textsContradict(root.scheme, own.scheme)) return true;
  if (textsContradict(root.method, own.method) || textsContradict(root.authority, own.authority)) return true;
  for (const field of ["headers", "withoutHeaders", "queryParams"] as const) {
    for (const [name, text] of Object.entries(own[field] ?? {})) if (textsContradict(root[field]?.[name], text)) return true;
  }
  if ((root.ignoreUriCase ?? false) !== (own.ignoreUriCase ?? false)) return true;
  if (root.port && own.port && root.port !== own.port) return true;
  if (root.sourceNamespace && root.sourceNamespace !== own.sourceNamespace) return true;
  for (const [name, value] of Object.entries(own.sourceLabels ?? {})) {
    const outer = root.sourceLabels?.[name];
    if (outer !== undefined && outer !== value) return true;
  }
  const gateways = root.gateways ?? [];
  return gateways.length > 0 && (own.gateways ?? []).some((gateway) => !gateways.includes(gateway));
}

/** The delegate's text must mean a part of what the root's means; of an expression nobody can tell. */
function textsContradict(root: StringMatch | undefined, own: StringMatch | undefined): boolean {
  if (root === undefined || own === undefined) return false;
  if (root.regex || own.regex) return true;
  if (root.exact) return own.exact !== root.exact;
  if (root.prefix) return !(own.prefix || own.exact || "").startsWith(root.prefix);
  return true;
}
