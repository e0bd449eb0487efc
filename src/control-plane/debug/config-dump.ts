// What was generated for one proxy, as readable JSON in the order of Envoy's own dump.
import { anyOf, anyToJson } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import type { ResourceSet } from "#control-plane/generate/resources";
import { versionOf } from "#control-plane/xds/resource-version";

export function configDump(resources: ResourceSet): unknown {
  const list = (typeUrl: string): unknown[] =>
    [...(resources.get(typeUrl)?.values() ?? [])].map((resource) => ({
      version_info: versionOf(resource),
      resource: anyToJson(configRegistry, anyOf(resource.typeUrl, resource.value)),
    }));
  return { clusters: list(CLUSTER_TYPE), endpoints: list(ENDPOINT_TYPE), listeners: list(LISTENER_TYPE), routes: list(ROUTE_TYPE) };
}
