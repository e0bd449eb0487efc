// Resources of one type by name: those that all callers of a class share, and the few of a proxy's own. Shared ones are put together
// once a snapshot, and the result stays the same object when nothing in it changed, however many proxies have it.
import type { ProxyView } from "#control-plane/mesh/mesh";
import { callerClass } from "./caller-class.ts";
import type { Resource } from "./resource.ts";
import type { ResourceCache } from "./resource-cache.ts";

export type ResourcesByName = ReadonlyMap<string, Resource>;

/** Two services at one name and port: the first counts. */
export function byName(resources: readonly Resource[]): ResourcesByName {
  const result = new Map<string, Resource>();
  for (const resource of [...resources].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    if (!result.has(resource.name)) result.set(resource.name, resource);
  }
  return result;
}

/** `key` names what of the proxy `make` reads beside its class (`caller-class.ts`). A proxy's own resources go before shared ones. */
export function withShared(
  cache: ResourceCache | undefined,
  key: string,
  view: ProxyView,
  own: readonly Resource[],
  make: () => readonly Resource[],
): ResourcesByName {
  if (cache === undefined) return byName([...own, ...make()]);
  const classKey = `${key} ${callerClass(view, cache)}`;
  const inputs = [view.mesh.destinations, view.services];
  const shared = cache.get<ResourcesByName>(classKey, inputs, (before) => sameMap(before, byName(make())));
  if (own.length === 0) return shared;
  const ownKey = own.map(({ name, value }) => `${name} ${Buffer.from(value).toString("latin1")}`).join("|");
  return cache.get<ResourcesByName>(`own ${classKey} ${ownKey}`, [shared], () => byName([...own, ...shared.values()]));
}

function sameMap(before: ResourcesByName | undefined, after: ResourcesByName): ResourcesByName {
  if (before === undefined || before.size !== after.size) return after;
  for (const [name, resource] of after) if (before.get(name) !== resource) return after;
  return before;
}
