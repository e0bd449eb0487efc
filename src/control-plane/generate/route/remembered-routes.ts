// The routes of VirtualServices, kept for as long as the VirtualService is: an edit somewhere else makes none of them anew, and their
// encoded bytes are kept with them. What a route was made of beside its VirtualService is watched while it is made, and looked at again
// before it is used again; nobody may change a route that comes from here.
import type { Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ResolvedDestinationRule, ResolvedVirtualService } from "#control-plane/mesh/mesh";
import type { Service } from "#control-plane/registry/service";
import type { RouteContext } from "./route-context.ts";

interface Remembered {
  readonly config: MeshConfigSpec;
  readonly services: ReadonlyMap<string, Service | undefined>;
  readonly rules: ReadonlyMap<string, ResolvedDestinationRule | undefined>;
  readonly routes: readonly Route[];
}

/** Callers come and go; what the last of them asked for is not kept for ever. */
const MAX_CALLERS = 256;

const remembered = new WeakMap<ResolvedVirtualService, Map<string, Remembered>>();
const sourceLabels = new WeakMap<ResolvedVirtualService, readonly string[]>();

export function rememberedRoutes(
  virtualService: ResolvedVirtualService,
  context: RouteContext,
  make: (context: RouteContext) => readonly Route[],
): readonly Route[] {
  let byCaller = remembered.get(virtualService);
  if (byCaller === undefined) remembered.set(virtualService, (byCaller = new Map()));
  const key = callerKey(virtualService, context);
  const known = byCaller.get(key);
  if (known !== undefined && holds(known, context)) return known.routes;
  const services = new Map<string, Service | undefined>();
  const rules = new Map<string, ResolvedDestinationRule | undefined>();
  const routes = make({
    ...context,
    service: (hostname) => {
      const service = context.service(hostname);
      services.set(hostname, service);
      return service;
    },
    destinationRule: (hostname) => {
      const rule = context.destinationRule(hostname);
      rules.set(hostname, rule);
      return rule;
    },
  });
  if (byCaller.size >= MAX_CALLERS) byCaller.clear();
  byCaller.set(key, { config: context.config, services, rules, routes });
  return routes;
}

function holds({ config, services, rules }: Remembered, context: RouteContext): boolean {
  if (config !== context.config) return false;
  for (const [hostname, service] of services) if (context.service(hostname) !== service) return false;
  for (const [hostname, rule] of rules) if (!sameRule(context.destinationRule(hostname), rule)) return false;
  return true;
}

/** Rules are merged anew for each snapshot; what they were merged of says whether they are the same. */
export function sameRule(a: ResolvedDestinationRule | undefined, b: ResolvedDestinationRule | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.objects.length !== b.objects.length) return false;
  return a.objects.every((object, index) => object === b.objects[index]);
}

/** Everything of the context that is no lookup. Of the caller's labels those count that a rule asks for. */
function callerKey(virtualService: ResolvedVirtualService, { caller, gateway, port, endsTls }: RouteContext): string {
  let names = sourceLabels.get(virtualService);
  if (names === undefined) sourceLabels.set(virtualService, (names = labelsAskedFor(virtualService)));
  const labels = names.map((name) => caller.labels[name] ?? null);
  return JSON.stringify([caller.namespace, caller.proxyless, labels, gateway, port, endsTls]);
}

function labelsAskedFor({ spec }: ResolvedVirtualService): readonly string[] {
  const names = new Set<string>();
  for (const { match = [] } of spec.http ?? [])
    for (const { sourceLabels = {} } of match) for (const name of Object.keys(sourceLabels)) names.add(name);
  return [...names].sort();
}
