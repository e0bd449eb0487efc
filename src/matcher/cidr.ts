// CIDR ranges, both IP versions, compiled to numbers. An IPv4-mapped IPv6 address counts as the IPv4 address it holds; an IPv4 address
// is in no range of IPv6, not even ::/0.
// BlockList is arithmetic on addresses: nothing here opens a socket.
import { BlockList, isIP, SocketAddress } from "node:net";

export interface AddressRange {
  readonly addressPrefix: string;
  /** Absent: 0, as the wrapper in the proto says. */
  readonly prefixLen?: number | undefined;
}

/** @throws Error naming the range that is not valid */
export function compileAddressRanges(ranges: readonly AddressRange[]): (address: string) => boolean {
  const [four, six] = [new BlockList(), new BlockList()];
  for (const { addressPrefix, prefixLen = 0 } of ranges) {
    const version = isIP(addressPrefix);
    if (version === 0) throw new Error(`"${addressPrefix}" is not an IP address`);
    if (prefixLen > (version === 4 ? 32 : 128)) throw new Error(`prefix length ${prefixLen} is too long for ${addressPrefix}`);
    if (version === 4) four.addSubnet(addressPrefix, prefixLen, "ipv4");
    else six.addSubnet(addressPrefix, prefixLen, "ipv6");
  }
  return (address) => {
    const version = isIP(address);
    if (version === 4) return four.check(address, "ipv4");
    return version === 6 && (six.check(address, "ipv6") || four.check(address, "ipv6"));
  };
}

/** An address as the range of its first bits, as Envoy writes ranges: `10.1.0.0/16`. */
export function compileAddressMask(v4Bits: number, v6Bits: number): (address: string) => string {
  return (address) => {
    const version = isIP(address);
    if (version === 0) return address;
    const bits = version === 4 ? v4Bits : v6Bits;
    const bytes = version === 4 ? Uint8Array.from(address.split("."), Number) : ipv6Bytes(address);
    for (let i = 0; i < bytes.length; i++) {
      const kept = Math.max(0, Math.min(8, bits - i * 8));
      bytes[i]! &= 0xff << (8 - kept);
    }
    const masked = version === 4 ? bytes.join(".") : new SocketAddress({ family: "ipv6", address: ipv6Text(bytes) }).address;
    return `${masked}/${bits}`;
  };
}

function ipv6Bytes(address: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text =
    dotted === null
      ? address
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = "", tail] = text.replace(/%.*$/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

function ipv6Text(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return groups.join(":");
}
