// CIDR ranges, both IP versions, compiled to numbers. An IPv4-mapped IPv6 address counts as the IPv4 address it holds.
// BlockList is arithmetic on addresses: nothing here opens a socket.
import { BlockList, isIP } from "node:net";

export interface AddressRange {
  readonly addressPrefix: string;
  /** Absent: 0, as the wrapper in the proto says. */
  readonly prefixLen?: number | undefined;
}

/** @throws Error naming the range that is not valid */
export function compileAddressRanges(ranges: readonly AddressRange[]): (address: string) => boolean {
  const list = new BlockList();
  for (const { addressPrefix, prefixLen = 0 } of ranges) {
    const version = isIP(addressPrefix);
    if (version === 0) throw new Error(`"${addressPrefix}" is not an IP address`);
    if (prefixLen > (version === 4 ? 32 : 128)) throw new Error(`prefix length ${prefixLen} is too long for ${addressPrefix}`);
    list.addSubnet(addressPrefix, prefixLen, version === 4 ? "ipv4" : "ipv6");
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}
