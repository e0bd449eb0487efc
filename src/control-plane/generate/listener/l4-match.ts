// Conditions of TLS and TCP routes that are decided while generating: the caller and the port that it addresses.
import type { L4MatchAttributes, TLSMatchAttributes } from "#api/virtual-service";
import type { ProxyNode } from "#control-plane/mesh/proxy";
import { MESH_GATEWAY } from "#control-plane/mesh/resolve-virtual-service";
import { selects } from "#control-plane/registry/labels";

type Conditions = L4MatchAttributes | TLSMatchAttributes;

export function isForCaller(match: Conditions, caller: Pick<ProxyNode, "labels" | "namespace">, port: number): boolean {
  const { gateways = [], sourceLabels = {}, sourceNamespace = "", port: wanted = 0 } = match;
  return (
    (gateways.length === 0 || gateways.includes(MESH_GATEWAY)) &&
    (wanted === 0 || wanted === port) &&
    (sourceNamespace === "" || sourceNamespace === caller.namespace) &&
    (Object.keys(sourceLabels).length === 0 || selects(sourceLabels, caller.labels))
  );
}
