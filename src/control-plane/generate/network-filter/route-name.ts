// The name of the route configuration that a connection manager asks for, kept beside its bytes so that nobody has to decode them.
import type { Any } from "@bufbuild/protobuf/wkt";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { unpack } from "#envoy/any";

const known = new WeakMap<Any, string>();

export function rememberRouteName(manager: Any, name: string): void {
  known.set(manager, name);
}

/** Undefined for other filters and for managers that hold their routes themselves. */
export function routeNameOf(filter: Any): string | undefined {
  const remembered = known.get(filter);
  if (remembered !== undefined) return remembered;
  const routes = unpack(filter, HttpConnectionManagerSchema)?.routeSpecifier;
  return routes?.case === "rds" ? routes.value.routeConfigName : undefined;
}
