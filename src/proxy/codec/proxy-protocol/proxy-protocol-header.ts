// The PROXY protocol's header, versions 1 and 2 (haproxy's proxy-protocol.txt): who the client in front of a balancer is. Looks at the
// bytes that have come so far; `length` says how many of them are the header.
import { ipBytes, ipText } from "#proxy/codec/ip-address";

export interface ProxiedAddress {
  readonly address: string;
  readonly port: number;
}

export type ProxyProtocolResult =
  | { readonly state: "more" }
  /** These bytes begin with no header. */
  | { readonly state: "none" }
  | { readonly state: "error"; readonly why: string }
  | {
      readonly state: "done";
      readonly version: 1 | 2;
      readonly length: number;
      /** Undefined: the balancer speaks for itself (LOCAL, UNKNOWN), the connection's own addresses stand. */
      readonly addresses: { readonly source: ProxiedAddress; readonly destination: ProxiedAddress } | undefined;
      /** What stands behind the addresses of version 2: type, length and value each. They are not looked into here. */
      readonly extensions: Uint8Array;
    };

const NONE = new Uint8Array(0);
const MORE: ProxyProtocolResult = { state: "more" };

/** The longest line of version 1, with its CRLF. */
const MAX_V1 = 108;
const V1_SIGNATURE = Uint8Array.from("PROXY ", (character) => character.charCodeAt(0));
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_HEADER = 16;
const LF = 10;
const CR = 13;

export function readProxyProtocolHeader(bytes: Uint8Array): ProxyProtocolResult {
  if (begins(bytes, V2_SIGNATURE)) return bytes.length < V2_HEADER ? MORE : readV2(bytes);
  if (begins(bytes, V1_SIGNATURE)) return bytes.length < V1_SIGNATURE.length ? MORE : readV1(bytes);
  return { state: "none" };
}

function begins(bytes: Uint8Array, signature: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== signature[at]) return false;
  return true;
}

function fail(why: string): ProxyProtocolResult {
  return { state: "error", why };
}

function readV1(bytes: Uint8Array): ProxyProtocolResult {
  const end = bytes.subarray(0, MAX_V1).indexOf(LF);
  if (end < 0) return bytes.length < MAX_V1 ? MORE : fail("a line of version 1 is too long");
  if (bytes[end - 1] !== CR) return fail("a line of version 1 ends without CR");
  const [, family, source = "", destination = "", sourcePort = "", destinationPort = "", ...more] = String.fromCharCode(
    ...bytes.subarray(0, end - 1),
  ).split(" ");
  const length = end + 1;
  if (family === "UNKNOWN") return { state: "done", version: 1, length, addresses: undefined, extensions: NONE };
  const size = family === "TCP4" ? 4 : family === "TCP6" ? 16 : 0;
  if (size === 0 || more.length > 0) return fail("a line of version 1 has the wrong words");
  return withAddresses(1, length, v1Address(source, sourcePort, size), v1Address(destination, destinationPort, size));
}

function v1Address(address: string, port: string, size: number): ProxiedAddress | undefined {
  const bytes = ipBytes(address);
  if (bytes?.length !== size || !/^\d{1,5}$/.test(port) || Number(port) > 65_535 || !isUnicast(bytes)) return undefined;
  return { address: ipText(bytes), port: Number(port) };
}

function readV2(bytes: Uint8Array): ProxyProtocolResult {
  const versionAndCommand = bytes[12] ?? 0;
  const familyAndTransport = bytes[13] ?? 0;
  const length = V2_HEADER + (((bytes[14] ?? 0) << 8) | (bytes[15] ?? 0));
  if (versionAndCommand >> 4 !== 2) return fail("unknown version");
  const command = versionAndCommand & 15;
  if (command > 1) return fail("unknown command");
  const family = familyAndTransport >> 4;
  const transport = familyAndTransport & 15;
  const size = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (command === 1 && (size === 0 || transport < 1 || transport > 2)) return fail("unknown address family or transport");
  if (command === 1 && length < V2_HEADER + size * 2 + 4) return fail("the addresses are too short");
  if (bytes.length < length) return MORE;
  // What a balancer says of its own connection does not count.
  if (command === 0) return { state: "done", version: 2, length, addresses: undefined, extensions: NONE };
  const at = V2_HEADER;
  const ports = at + size * 2;
  return withAddresses(
    2,
    length,
    v2Address(bytes.subarray(at, at + size), bytes.subarray(ports, ports + 2)),
    v2Address(bytes.subarray(at + size, ports), bytes.subarray(ports + 2, ports + 4)),
    bytes.subarray(ports + 4, length),
  );
}

function v2Address(address: Uint8Array, [high = 0, low = 0]: Uint8Array): ProxiedAddress | undefined {
  return isUnicast(address) ? { address: ipText(address), port: (high << 8) | low } : undefined;
}

function withAddresses(
  version: 1 | 2,
  length: number,
  source: ProxiedAddress | undefined,
  destination: ProxiedAddress | undefined,
  extensions: Uint8Array = NONE,
): ProxyProtocolResult {
  if (source === undefined || destination === undefined) return fail("an address is not a unicast address of its family with a port");
  return { state: "done", version, length, addresses: { source, destination }, extensions };
}

/** As TCP needs it: not unspecified, not multicast, not broadcast. */
function isUnicast(address: Uint8Array): boolean {
  const [first = 0] = address;
  if (address.every((byte) => byte === 0)) return false;
  return address.length === 4 ? first >> 4 !== 14 && address.some((byte) => byte !== 255) : first !== 255;
}
