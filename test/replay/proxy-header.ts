// The PROXY protocol's header, versions 1 and 2, as its receiver reads it.
const V1 = "PROXY ";
const V2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** What the header says and how long it is; "more" while bytes are missing; undefined where there is none. */
export function readProxyHeader(bytes: Buffer): { readonly text: string; readonly length: number } | "more" | undefined {
  if (startsAlike(bytes, Buffer.from(V1))) {
    const end = bytes.indexOf("\r\n");
    return end < 0 ? "more" : { text: bytes.toString("latin1", 0, end), length: end + 2 };
  }
  if (!startsAlike(bytes, V2)) return undefined;
  if (bytes.length < 16) return "more";
  const length = 16 + bytes.readUInt16BE(14);
  if (bytes.length < length) return "more";
  const command = bytes[12] === 0x20 ? "LOCAL" : "PROXY";
  const family = { 0x11: "TCP4", 0x21: "TCP6" }[bytes[13] ?? 0] ?? "UNSPEC";
  const size = family === "TCP4" ? 4 : 16;
  const source = family === "UNSPEC" ? "" : ` ${addressText(bytes.subarray(16, 16 + size))}`;
  return { text: `v2 ${command} ${family}${source}`, length };
}

function startsAlike(bytes: Buffer, prefix: Buffer): boolean {
  const common = Math.min(bytes.length, prefix.length);
  return common > 0 && bytes.subarray(0, common).equals(prefix.subarray(0, common));
}

function addressText(bytes: Buffer): string {
  return bytes.length === 4 ? [...bytes].join(".") : (bytes.toString("hex").match(/.{4}/g) ?? []).join(":");
}
