// A socket's address in the JSON form of envoy.config.core.v3.Address.
import type { JsonObject } from "@bufbuild/protobuf";
import type { SocketAddress } from "#proxy/net/connection";
import { isPipe } from "#proxy/net/socket-address";

export function addressJson(socket: SocketAddress): JsonObject {
  const { address, port } = socket;
  return isPipe(socket) ? { pipe: { path: address } } : { socket_address: { address, port_value: port } };
}
