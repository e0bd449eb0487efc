// Addresses as Envoy's configuration has them.
import { create } from "@bufbuild/protobuf";
import { AddressSchema, type Address } from "#envoy/gen/envoy/config/core/v3/address_pb";

export function socketAddress(address: string, port: number): Address {
  return create(AddressSchema, {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  });
}
