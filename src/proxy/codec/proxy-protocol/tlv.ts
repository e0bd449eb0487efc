// The extensions of a PROXY protocol header of version 2, as of a proxied connection: type, length, value, one behind the other.

export interface Tlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Undefined: one is cut off. */
export function readTlvs(bytes: Uint8Array): readonly Tlv[] | undefined {
  const all: Tlv[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at + 3;
    const end = start + (((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0));
    if (start > bytes.length || end > bytes.length) return undefined;
    all.push({ type: bytes[at]!, value: bytes.slice(start, end) });
    at = end;
  }
  return all;
}

export function writeTlvs(tlvs: readonly Tlv[]): number[] {
  return tlvs.flatMap(({ type, value }) => [type, value.length >> 8, value.length & 255, ...value]);
}
