// The four forms of a request target (RFC 9112 3.2), and what an authority may look like. Works on text whose bytes are checked already.
import { AUTHORITY } from "./characters.ts";

export interface AbsoluteTarget {
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly path: string;
}

function isPort(text: string, start: number, required: boolean): boolean {
  const digits = text.length - start;
  // An empty port is legal: `example.com:` (RFC 3986 3.2.3), but a CONNECT needs one.
  if (digits === 0) return !required;
  if (digits > 5) return false;
  let port = 0;
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}

/** HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
export function isAuthority(text: string, portRequired = false): boolean {
  let colon = -1;
  let closing = -1;
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (AUTHORITY[code] !== 1) return false;
    if (code === 0x5b) {
      if (i !== 0) return false;
    } else if (code === 0x5d) {
      if (closing !== -1 || text.charCodeAt(0) !== 0x5b) return false;
      closing = i;
    } else if (code === 0x3a && (closing !== -1 || text.charCodeAt(0) !== 0x5b)) {
      if (colon !== -1) return false;
      colon = i;
    }
  }
  if (text.charCodeAt(0) === 0x5b) {
    if (closing < 3) return false;
    for (let i = 1; i < closing; i++) {
      const code = text.charCodeAt(i);
      const isHex = (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
      if (!isHex && code !== 0x3a && code !== 0x2e) return false;
    }
    if (closing === text.length - 1) return !portRequired;
    return colon === closing + 1 && isPort(text, colon + 1, portRequired);
  }
  if (colon === -1) return !portRequired;
  return colon > 0 && isPort(text, colon + 1, portRequired);
}

/** `http://host:port/path?query`; undefined for anything else, userinfo included. */
export function parseAbsoluteTarget(target: string, method: string): AbsoluteTarget | undefined {
  const schemeEnd = target.indexOf("://");
  if (schemeEnd !== 4 && schemeEnd !== 5) return undefined;
  const scheme = target.slice(0, schemeEnd).toLowerCase();
  if (scheme !== "http" && scheme !== "https") return undefined;
  const start = schemeEnd + 3;
  let end = start;
  while (end < target.length && target.charCodeAt(end) !== 0x2f && target.charCodeAt(end) !== 0x3f) end++;
  const authority = target.slice(start, end);
  if (!isAuthority(authority)) return undefined;
  const rest = target.slice(end);
  if (rest.startsWith("/")) return { scheme, authority, path: rest };
  // RFC 9112 3.2.4: OPTIONS for the whole server comes as a URL without a path.
  if (rest === "") return { scheme, authority, path: method === "OPTIONS" ? "*" : "/" };
  return { scheme, authority, path: `/${rest}` };
}
