// X-Forwarded-For: each hop appends the address that it saw.
import type { SocketAddress } from "#proxy/net/connection";

/** The address that stands `skip` places before the end of X-Forwarded-For; undefined when there is none or it is no IP address. */
export function lastAddress(forwarded: string | undefined, skip: number): SocketAddress | undefined {
  if (forwarded === undefined) return undefined;
  let end = forwarded.length;
  for (let i = 0; i < skip; i++) {
    const comma = forwarded.lastIndexOf(",", end - 1);
    if (comma === -1) return undefined;
    end = comma;
  }
  const comma = end === 0 ? -1 : forwarded.lastIndexOf(",", end - 1);
  const address = forwarded.slice(comma + 1, end).trim();
  return isAddress(address) ? { address, port: 0 } : undefined;
}

function isAddress(text: string): boolean {
  if (text.includes(":")) return text.length <= 45 && /^[0-9a-fA-F:.]+$/.test(text);
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}
