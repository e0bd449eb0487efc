// The load assignment of a DNS cluster with addresses in the place of names: what traffic threads are told.
import { create } from "@bufbuild/protobuf";
import { AddressSchema } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { Address } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import {
  Endpoint_AdditionalAddressSchema,
  EndpointSchema,
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "#envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb";
import type { LbEndpoint } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_components_pb";

/** The name of an endpoint; undefined: it has no socket address. */
export function nameOfEndpoint({ hostIdentifier }: LbEndpoint): string | undefined {
  const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
  return address?.case === "socketAddress" ? address.value.address : undefined;
}

/**
 * `addressesOf`: of the endpoint at this place, counted over all localities. An endpoint that has none stands for no host. `logical`: the
 * addresses are all those of one host.
 */
export function resolvedAssignment(
  wire: ClusterLoadAssignment,
  clusterName: string,
  addressesOf: (index: number, endpoint: LbEndpoint) => readonly string[],
  logical = false,
): ClusterLoadAssignment {
  let index = 0;
  const endpoints = wire.endpoints.map((locality) =>
    create(LocalityLbEndpointsSchema, {
      ...locality,
      lbEndpoints: locality.lbEndpoints.flatMap((endpoint) => {
        const addresses = addressesOf(index++, endpoint);
        if (logical) return addresses[0] === undefined ? [] : [withAddress(endpoint, addresses[0], addresses.slice(1))];
        return addresses.map((address) => withAddress(endpoint, address));
      }),
    }),
  );
  return create(ClusterLoadAssignmentSchema, { ...wire, clusterName, endpoints });
}

function withAddress(lbEndpoint: LbEndpoint, literal: string, more: readonly string[] = []): LbEndpoint {
  const { hostIdentifier } = lbEndpoint;
  if (hostIdentifier.case !== "endpoint" || hostIdentifier.value.address?.address.case !== "socketAddress") return lbEndpoint;
  const { value: endpoint } = hostIdentifier;
  const { value: socket } = hostIdentifier.value.address.address;
  const at = (address: string): Address => create(AddressSchema, { address: { case: "socketAddress", value: { ...socket, address } } });
  const value = create(EndpointSchema, {
    ...endpoint,
    // The name stays the host's: for auto_host_rewrite, and in the admin endpoint.
    hostname: endpoint.hostname === "" ? socket.address : endpoint.hostname,
    address: at(literal),
    additionalAddresses: more.map((other) => create(Endpoint_AdditionalAddressSchema, { address: at(other) })),
  });
  return create(LbEndpointSchema, { ...lbEndpoint, hostIdentifier: { case: "endpoint", value } });
}
