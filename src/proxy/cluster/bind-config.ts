// upstream_bind_config: where the connections of a cluster begin, and what their sockets are given before that. The choice among addresses
// is that of Envoy's default local address selector, the only one that Envoy has.
import type { ExtraSourceAddress, SocketAddress as WireAddress } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { DefaultLocalAddressSelectorSchema } from "#envoy/gen/envoy/config/upstream/local_address_selector/v3/default_local_address_selector_pb";
import type { SocketOption as WireOption } from "#envoy/gen/envoy/config/core/v3/socket_option_pb";
import { SocketOption_SocketState as State } from "#envoy/gen/envoy/config/core/v3/socket_option_pb";
import { nameOf } from "#envoy/any";
import { ipBytes } from "#proxy/codec/ip-address";
import { readLiteralOptions } from "#proxy/literal-socket-options";
import type { SocketAddress } from "#proxy/net/connection";
import type { ConnectSource } from "#proxy/net/connector";
import { isPipe } from "#proxy/net/socket-address";
import { addressOption, hasLinuxOptions } from "#proxy/net/socket-option";
import type { SocketOption } from "#proxy/net/socket-option";

export interface SourceAddress {
  /** Undefined: the kernel's choice. */
  readonly address: string | undefined;
  readonly options: readonly SocketOption[];
}

export interface BindAddresses {
  /** At least one; the first is for targets of a family that has no address of its own. */
  readonly sources: readonly SourceAddress[];
  /** IP_FREEBIND */
  readonly freebind: boolean;
}

type Refuse = (path: string, message: string) => void;

const PATH = "upstream_bind_config";

export function readBind({ upstreamBindConfig: bind }: Cluster, refuse: Refuse): BindAddresses | undefined {
  if (bind === undefined) return undefined;
  const { localAddressSelector: selector, sourceAddress, extraSourceAddresses: extra, additionalSourceAddresses: additional } = bind;
  const selectorType = nameOf(selector?.typedConfig?.typeUrl ?? "");
  if (selector !== undefined && selectorType !== DefaultLocalAddressSelectorSchema.typeName)
    refuse(`${PATH}.local_address_selector.typed_config`, `${selectorType} is not known to this proxy`);
  if (bind.freebind === true && !hasLinuxOptions) refuse(`${PATH}.freebind`, "is served on Linux only");
  const options = readOptions(bind.socketOptions, `${PATH}.socket_options`, refuse);
  const sources = [{ address: readAddress(sourceAddress, `${PATH}.source_address`, refuse), options }];
  if (extra.length > 0 && additional.length > 0)
    refuse(`${PATH}.additional_source_addresses`, "is set beside extra_source_addresses, which takes its place");
  const more = [
    ...extra.map((one, at) => readExtra(one, `${PATH}.extra_source_addresses[${at}]`, options, refuse)),
    ...additional.map((one, at) => ({ address: readAddress(one, `${PATH}.additional_source_addresses[${at}]`, refuse), options })),
  ];
  if (more.length > 0) {
    const field = extra.length > 0 ? "extra_source_addresses" : "additional_source_addresses";
    if (sourceAddress === undefined) refuse(`${PATH}.${field}`, "needs source_address");
    if (more.length > 1) refuse(`${PATH}.${field}`, "may have one address only");
    else if (isV6(more[0]!.address) === isV6(sources[0]!.address))
      refuse(`${PATH}.${field}`, "must be of another family than source_address");
  }
  return { sources: [...sources, ...more], freebind: bind.freebind ?? false };
}

function readExtra(
  { address, socketOptions: own }: ExtraSourceAddress,
  path: string,
  shared: SocketOption[],
  refuse: Refuse,
): SourceAddress {
  if (address === undefined) refuse(`${path}.address`, "must be set");
  const options = own === undefined ? shared : readOptions(own.socketOptions, `${path}.socket_options.socket_options`, refuse);
  return { address: readAddress(address, `${path}.address`, refuse), options };
}

/** Envoy takes the other states and does nothing for them. */
function readOptions(wire: readonly WireOption[], path: string, refuse: Refuse): SocketOption[] {
  for (const [at, { state }] of wire.entries())
    if (state !== State.STATE_PREBIND) refuse(`${path}[${at}].state`, "only STATE_PREBIND has an effect on upstream connections");
  return readLiteralOptions(wire, path, refuse);
}

function readAddress(socket: WireAddress | undefined, path: string, refuse: Refuse): string | undefined {
  if (socket === undefined) return undefined;
  if (socket.portSpecifier.case === "portValue" && socket.portSpecifier.value !== 0) refuse(`${path}.port_value`, "must be 0");
  if (ipBytes(socket.address) === undefined) refuse(`${path}.address`, `"${socket.address}" is not an IP address`);
  return socket.address;
}

/** Undefined: as the kernel likes. */
export function sourceFor(target: SocketAddress, bind: BindAddresses | undefined): ConnectSource | undefined {
  if (bind === undefined) return undefined;
  const pipe = isPipe(target);
  const v6 = isV6(target.address);
  const source = bind.sources.find(({ address }) => address !== undefined && isV6(address) === v6 && !pipe) ?? bind.sources[0]!;
  const options = bind.freebind && !pipe ? [addressOption("freebind", v6), ...source.options] : source.options;
  const address = pipe ? undefined : source.address;
  return address === undefined && options.length === 0 ? undefined : { address, options };
}

function isV6(address: string | undefined): boolean {
  return address?.includes(":") === true;
}
