// MeshNetworks: which endpoints are in which network, and the gateways between networks.
import { field, map, message, repeated, string, uint32, type Decoded } from "./declaration.ts";

const networkEndpoints = message(
  "NetworkEndpoints",
  {
    fromCidr: field(string, "Endpoints with addresses of this network"),
    fromRegistry: field(string, "Endpoints of this cluster"),
  },
  [["fromCidr", "fromRegistry"]],
);

const networkGateway = message(
  "IstioNetworkGateway",
  {
    registryServiceName: field(string, "The gateway's service"),
    address: field(string, "The gateway's address"),
    port: field(uint32, "The gateway's port"),
    locality: field(string, "Where it stands: region/zone/sub-zone"),
  },
  [["registryServiceName", "address"]],
);

const network = message("Network", {
  endpoints: field(repeated(networkEndpoints), "What is in the network"),
  gateways: field(repeated(networkGateway), "How other networks get in"),
});

export const meshNetworks = message("MeshNetworks", {
  networks: field(map(network), "The networks by name"),
});
export type MeshNetworksSpec = Decoded<typeof meshNetworks>;
