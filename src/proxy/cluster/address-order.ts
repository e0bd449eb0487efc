// The order in which the addresses of one host are tried (RFC 8305, section 4): families take turns, one of them comes first.
import { UpstreamConnectionOptions_FirstAddressFamilyVersion as FirstFamily } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { UpstreamConnectionOptions_HappyEyeballsConfig } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { SocketAddress } from "#proxy/net/connection";

/** happy_eyeballs_config */
export interface AddressOrder {
  /** Undefined: that of the first address. */
  readonly firstFamily: "v4" | "v6" | undefined;
  /** So many of it before each one of the other family. */
  readonly firstFamilyCount: number;
}

const DEFAULT_ORDER: AddressOrder = { firstFamily: undefined, firstFamilyCount: 1 };

const PATH = "upstream_connection_options.happy_eyeballs_config";

export function readAddressOrder(
  wire: UpstreamConnectionOptions_HappyEyeballsConfig | undefined,
  refuse: (path: string, message: string) => void,
): AddressOrder {
  if (wire === undefined) return DEFAULT_ORDER;
  const { firstAddressFamilyVersion: version, firstAddressFamilyCount: firstFamilyCount = 1 } = wire;
  if (firstFamilyCount < 1) refuse(`${PATH}.first_address_family_count`, "must be at least 1");
  const firstFamily = version === FirstFamily.V4 ? "v4" : version === FirstFamily.V6 ? "v6" : undefined;
  if (firstFamily === undefined && version !== FirstFamily.DEFAULT)
    refuse(`${PATH}.first_address_family_version`, `${String(version)} is not known to this proxy`);
  return { firstFamily, firstFamilyCount };
}

export function inOrder(addresses: readonly SocketAddress[], { firstFamily, firstFamilyCount }: AddressOrder): SocketAddress[] {
  const family = ({ address }: SocketAddress): "v4" | "v6" => (address.includes(":") ? "v6" : "v4");
  const begins = firstFamily ?? family(addresses[0]!);
  const first = addresses.filter((one) => family(one) === begins);
  const other = addresses.filter((one) => family(one) !== begins);
  const out: SocketAddress[] = [];
  while (first.length > 0 || other.length > 0) out.push(...first.splice(0, firstFamilyCount), ...other.splice(0, 1));
  return out;
}
