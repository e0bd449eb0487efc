// Istio's rules for MeshNetworks.
import type { MeshNetworksSpec } from "#api/mesh-networks";
import { domainFault, isDnsLabel, isIpAddress, portFault, subnetFault } from "#api/validation/names";
import type { Check } from "#api/validation/violations";

export function validateMeshNetworks(spec: MeshNetworksSpec, check: Check): void {
  for (const [name, network] of Object.entries(spec.networks ?? {})) {
    const at = check.at("networks", name);
    for (const [index, { fromCidr, fromRegistry }] of (network.endpoints ?? []).entries()) {
      const endpoint = at.at("endpoints", index);
      if (fromCidr !== undefined) endpoint.at("fromCidr").refuse(subnetFault(fromCidr));
      if (fromRegistry !== undefined && !isDnsLabel(fromRegistry)) {
        endpoint.at("fromRegistry").error(`${JSON.stringify(fromRegistry)} is no name of a cluster`);
      }
    }
    for (const [index, { registryServiceName, address, port = 0 }] of (network.gateways ?? []).entries()) {
      const gateway = at.at("gateways", index);
      if (registryServiceName !== undefined) gateway.at("registryServiceName").refuse(domainFault(registryServiceName));
      if (address !== undefined && !isIpAddress(address) && domainFault(address) !== undefined) {
        gateway.at("address").error(`${JSON.stringify(address)} is neither an IP address nor a host`);
      }
      gateway.at("port").refuse(portFault(port));
    }
  }
}
