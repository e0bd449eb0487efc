// Writing the PROXY protocol's header in front of a connection's own bytes.
import { ipBytes } from "#proxy/codec/ip-address";
import type { ProxiedAddress } from "./proxy-protocol-header.ts";
import { writeTlvs } from "./tlv.ts";
import type { Tlv } from "./tlv.ts";

const V2_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const STREAM_OVER_IPV4 = 0x11;
const STREAM_OVER_IPV6 = 0x21;

interface ProxiedConnection {
  readonly source: ProxiedAddress;
  readonly destination: ProxiedAddress;
}

export function writeProxyProtocolHeader(
  version: 1 | 2,
  { source, destination }: ProxiedConnection,
  tlvs: readonly Tlv[] = [],
): Uint8Array {
  const from = ipBytes(source.address);
  const to = ipBytes(destination.address);
  const known = from !== undefined && to !== undefined;
  // One header holds one family: an IPv4 address beside an IPv6 one is written as IPv6.
  const v6 = known && from.length + to.length > 8;
  if (version === 1) {
    const text = (address: string): string => (v6 && !address.includes(":") ? `::ffff:${address}` : address);
    const line = known
      ? `PROXY ${v6 ? "TCP6" : "TCP4"} ${text(source.address)} ${text(destination.address)} ${source.port} ${destination.port}\r\n`
      : "PROXY UNKNOWN\r\n";
    return Uint8Array.from(line, (character) => character.charCodeAt(0));
  }
  if (!known) return Uint8Array.from([...V2_SIGNATURE, 0x20, 0, 0, 0]);
  const bytes = (address: Uint8Array): Uint8Array => (v6 && address.length === 4 ? Uint8Array.from([...MAPPED, ...address]) : address);
  const ports = [source.port >> 8, source.port & 255, destination.port >> 8, destination.port & 255];
  const body = [...bytes(from), ...bytes(to), ...ports, ...writeTlvs(tlvs)];
  const length = [body.length >> 8, body.length & 255];
  return Uint8Array.from([...V2_SIGNATURE, 0x21, v6 ? STREAM_OVER_IPV6 : STREAM_OVER_IPV4, ...length, ...body]);
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];
