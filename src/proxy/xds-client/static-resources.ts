// What the bootstrap itself holds: it is there at once, stays for ever, and nobody who serves resources can change it.
import { CLUSTER_TYPE, LISTENER_TYPE } from "#envoy/type-urls";
import { ConfigError } from "#proxy/config-error";
import type { Log } from "#runtime/log";
import type { ConfigState } from "./config-state.ts";
import type { IncomingResource } from "./response-result.ts";

export interface StaticResources {
  readonly clusters: readonly IncomingResource[];
  readonly listeners: readonly IncomingResource[];
  /** By name. */
  readonly secrets: ReadonlyMap<string, IncomingResource>;
}

export const NO_STATIC_RESOURCES: StaticResources = { clusters: [], listeners: [], secrets: new Map() };

/** Whether the bootstrap has a resource of this name; as Envoy, one that comes by xDS is then passed over. */
export function isStatic(resources: StaticResources, type: string, name: string): boolean {
  const list = type === CLUSTER_TYPE ? resources.clusters : type === LISTENER_TYPE ? resources.listeners : [];
  return list.some((resource) => resource.name === name);
}

/** @throws Error when one is refused: the bootstrap is wrong */
export function takeStatic(state: ConfigState, type: string, resources: readonly IncomingResource[], log: Log): void {
  if (resources.length === 0) return;
  const { refused, unbound, live } = state.receive(type, resources, []);
  if (unbound.length > 0 && unbound.length === refused.length) {
    const place = (name: string): string =>
      `static_resources.listeners[${resources.findIndex((resource) => resource.name === name)}].address`;
    throw new ConfigError(
      "Bootstrap",
      unbound.map(({ resource: { name }, reason }) => ({ path: place(name), message: reason })),
    );
  }
  if (refused.length > 0) throw new Error(refused.join("; "));
  live.then(
    (errors) => errors.forEach((error) => log.error("a static resource failed", { error })),
    (error: unknown) => log.error("static resources failed", { error: String(error) }),
  );
}
