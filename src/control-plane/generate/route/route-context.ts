// All that the routes of one VirtualService or service depend on, beside it: nothing else may be read while making them.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import type { Service } from "#control-plane/registry/service";

/** The caller, as far as routes depend on who calls. */
export interface Caller {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** It speaks xDS without a proxy, with gRPC: some fields stand in another place for it. */
  readonly proxyless: boolean;
}

export interface RouteContext {
  readonly config: MeshConfigSpec;
  readonly caller: Caller;
  /** `mesh`, or the one Gateway (`namespace/name`) that routes are made for. */
  readonly gateway: string;
  /** The port that the caller addresses: a service port in the mesh, a server port at a gateway. */
  readonly port: number;
  /** The listener ends TLS: a redirect without a scheme is one to https. */
  readonly endsTls: boolean;
  service(hostname: string): Service | undefined;
  destinationRule(hostname: string): ResolvedDestinationRule | undefined;
}

export function callerOf(node: ProxyNode): Caller {
  return { namespace: node.namespace, labels: node.labels, proxyless: node.generator === "grpc" };
}
