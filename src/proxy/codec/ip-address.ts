// IP literals as bytes in network order, and back.

/** The 4 or 16 bytes of a literal; undefined for any other text. */
export function ipBytes(literal: string): Uint8Array | undefined {
  return literal.includes(":") ? ipv6Bytes(literal) : ipv4Bytes(literal);
}

function ipv4Bytes(literal: string): Uint8Array | undefined {
  const parts = literal.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [at, part] of parts.entries()) {
    // No leading zeros: some read those as octal.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[at] = Number(part);
  }
  return bytes;
}

function ipv6Bytes(literal: string): Uint8Array | undefined {
  let text = literal;
  const lastColon = literal.lastIndexOf(":");
  if (literal.includes(".", lastColon)) {
    const tail = ipv4Bytes(literal.slice(lastColon + 1));
    if (tail === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = tail;
    text = `${literal.slice(0, lastColon + 1)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = (part: string | undefined): string[] => (part === undefined || part === "" ? [] : part.split(":"));
  const front = groups(halves[0]);
  const back = groups(halves[1]);
  const missing = 8 - front.length - back.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  for (const [at, group] of [...front, ...Array.from({ length: missing }, () => "0"), ...back].entries()) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes[at * 2] = value >> 8;
    bytes[at * 2 + 1] = value & 255;
  }
  return bytes;
}

/** The literal of 4 or 16 bytes; an IPv4-mapped IPv6 address as the IPv4 address that it holds. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const mapped = bytes.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 255));
  if (mapped) return bytes.subarray(12).join(".");
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  // RFC 5952: the longest run of two or more zero groups, the first of equals, is "::".
  let start = -1;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}
