// The documents of the debug server, in istiod's form where istiod has one. Pure.
import { findingText } from "#api/finding";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SHORT_TYPE } from "#envoy/type-urls";
import type { ConnectedProxy } from "#control-plane/xds/connected-proxy";
import { reconciledCondition, type ObjectDistribution } from "#control-plane/xds/distribution";
import type { DebugState } from "./debug-state.ts";

const SYNC_TYPES = [
  ["cluster", CLUSTER_TYPE],
  ["listener", LISTENER_TYPE],
  ["route", ROUTE_TYPE],
  ["endpoint", ENDPOINT_TYPE],
] as const;

/** `/debug/syncz`: istiod's fields, and per type what proxy-status prints. */
export function syncz({ server }: DebugState): unknown {
  return server.proxies.map((connection) => {
    const node = connection.node;
    const nonces: Record<string, string> = {};
    const types: Record<string, unknown> = {};
    for (const [name, typeUrl] of SYNC_TYPES) {
      const status = connection.status(typeUrl);
      if (status.nonceSent !== undefined) nonces[`${name}_sent`] = status.nonceSent;
      if (status.nonceAcked !== undefined) nonces[`${name}_acked`] = status.nonceAcked;
      types[SHORT_TYPE[typeUrl] ?? typeUrl] = {
        status: status.status,
        resources: status.resources,
        ...(status.rejection === undefined
          ? {}
          : { error: status.rejection.message, errorAt: new Date(status.rejection.atMs).toISOString() }),
      };
    }
    return {
      cluster_id: connection.clusterId,
      proxy: `${node.name}.${node.namespace}`,
      proxy_type: node.type,
      istio_version: node.version,
      node: node.id,
      connected_at: new Date(connection.connectedMs).toISOString(),
      ...nonces,
      types,
    };
  });
}

/** By full node id or by `name.namespace`. */
export function findProxy({ server }: DebugState, id: string): ConnectedProxy | undefined {
  return server.proxies.find(({ node }) => node.id === id || `${node.name}.${node.namespace}` === id);
}

export function registryz({ mesh }: DebugState): unknown {
  return mesh.services;
}

export function endpointz({ mesh }: DebugState): unknown {
  return mesh.services.map((service) => ({
    service: service.hostname,
    ports: service.ports.map((port) => ({ name: port.name, port: port.number, endpoints: mesh.endpoints(service.hostname, port.number) })),
  }));
}

/** Secrets are no objects of this list: the kinds that are held are configuration only. */
export function configz({ objects, kinds, distribution, server }: DebugState): unknown {
  const { proxies } = server;
  return kinds.flatMap((kind) =>
    objects.list(kind).map((object) => ({ ...object, status: { conditions: [reconciledCondition(distribution.of(object, proxies))] } })),
  );
}

/** Where one object is live. undefined: there is no such object. */
export function configDistribution(
  { objects, distribution, server }: DebugState,
  kind: string,
  namespace: string,
  name: string,
): ObjectDistribution | undefined {
  const object = objects.get(kind, namespace, name);
  return object === undefined ? undefined : distribution.of(object, server.proxies);
}

export function findingsDocument({ findings }: DebugState): unknown {
  return findings.map((finding) => ({ ...finding, text: findingText(finding) }));
}
