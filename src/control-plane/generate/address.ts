// Addresses as Envoy's configuration has them.
import { create } from "@bufbuild/protobuf";
import { AddressSchema, type Address } from "#envoy/gen/envoy/config/core/v3/address_pb";

const UNIX = "unix://";

/** An IP address or a name, or `unix:///path`, whose port does not count. */
export function socketAddress(address: string, port: number): Address {
  if (address.startsWith(UNIX)) {
    return create(AddressSchema, { address: { case: "pipe", value: { path: address.slice(UNIX.length) } } });
  }
  return create(AddressSchema, {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  });
}
