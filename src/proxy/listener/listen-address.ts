// Where a listener listens, and what it wants of its sockets there.
import type { Address } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { SocketAddress_Protocol } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { Violations } from "#proxy/field-check";
import { readLiteralOptions } from "#proxy/literal-socket-options";
import type { SocketAddress } from "#proxy/net/connection";
import { pipePathFault } from "#proxy/net/socket-address";
import { addressOption, fastOpenOption, hasLinuxOptions } from "#proxy/net/socket-option";
import type { ListenOptions, SocketOption } from "#proxy/net/socket-option";

export interface ListenAddress {
  readonly address: SocketAddress;
  readonly options: ListenOptions;
}

/** Primary first. */
export function listenAddresses(wire: Listener, violations: Violations): ListenAddress[] {
  const own = readLiteralOptions(wire.socketOptions, "socket_options", violations.add);
  const places = [
    { address: wire.address, path: "address", options: own },
    ...wire.additionalAddresses.map(({ address, socketOptions }, index) => {
      const path = `additional_addresses[${index}]`;
      // Its own instead of the listener's, where it has some.
      const options =
        socketOptions === undefined
          ? own
          : readLiteralOptions(socketOptions.socketOptions, `${path}.socket_options.socket_options`, violations.add);
      return { address, path: `${path}.address`, options };
    }),
  ];
  return places.flatMap(({ address, path, options }) => {
    const place = readAddress(address, path, violations);
    return place === undefined ? [] : [{ address: place.address, options: withFlags(wire, place, options, violations) }];
  });
}

interface Place {
  readonly address: SocketAddress;
  readonly pipe: boolean;
  readonly mode: number;
  readonly ipv4Compat: boolean;
}

function readAddress(wire: Address | undefined, path: string, violations: Violations): Place | undefined {
  const specifier = wire?.address;
  if (specifier?.case === "pipe") {
    const fault = pipePathFault(specifier.value.path);
    if (fault !== undefined) violations.add(`${path}.pipe.path`, fault);
    if (specifier.value.mode > 0o777) violations.add(`${path}.pipe.mode`, "must be at most 0777");
    if (specifier.value.mode !== 0 && specifier.value.path.startsWith("@")) violations.add(`${path}.pipe.mode`, "needs a file");
    return { address: { address: specifier.value.path, port: 0 }, pipe: true, mode: specifier.value.mode, ipv4Compat: false };
  }
  if (specifier?.case !== "socketAddress") {
    violations.add(path, "only socket addresses and pipes are served");
    return undefined;
  }
  const { protocol, portSpecifier, address, ipv4Compat } = specifier.value;
  if (protocol !== SocketAddress_Protocol.TCP) violations.add(`${path}.socket_address.protocol`, "only TCP is served yet");
  if (portSpecifier.case !== "portValue") {
    violations.add(`${path}.socket_address.port_value`, "must be set");
    return undefined;
  }
  return { address: { address, port: portSpecifier.value }, pipe: false, mode: 0, ipv4Compat };
}

/** Flags of the listener that are options of its sockets. A pipe has none of them. */
function withFlags(wire: Listener, place: Place, own: readonly SocketOption[], violations: Violations): ListenOptions {
  const { transparent, freebind, tcpFastOpenQueueLength: fastOpen, enableMptcp } = wire;
  const { pipe, mode, ipv4Compat } = place;
  const v6 = place.address.address.includes(":");
  const flags: SocketOption[] = [];
  if (transparent === true) flags.push(addressOption("transparent", v6));
  if (freebind === true) flags.push(addressOption("freebind", v6));
  if (fastOpen !== undefined) flags.push(fastOpenOption(fastOpen));
  if (pipe && (flags.length > 0 || enableMptcp))
    violations.add("address.pipe", "transparent, freebind, tcp_fast_open_queue_length and enable_mptcp are for IP addresses");
  if (!hasLinuxOptions && (flags.length > 0 || enableMptcp))
    violations.add("transparent", "transparent, freebind, tcp_fast_open_queue_length and enable_mptcp are served on Linux only");
  return { options: [...flags, ...own], ipv4Compat, multipath: enableMptcp, mode };
}
