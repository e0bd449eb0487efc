// Where a session's host is kept: in a cookie or in a header, as base64 of its address.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { CookieBasedSessionStateSchema } from "#envoy/gen/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb";
import type { CookieBasedSessionState } from "#envoy/gen/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb";
import { HeaderBasedSessionStateSchema } from "#envoy/gen/envoy/extensions/http/stateful_session/header/v3/header_pb";
import { nameOf, unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import { asciiLower } from "#matcher/wire-text";
import { cookieValue } from "#proxy/http/cookie";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";

export interface SessionState {
  /** False: requests like this have no sessions. */
  concerns(headers: RequestHeaderMap): boolean;
  /** undefined: the request brings none, or one that has expired. */
  read(headers: RequestHeaderMap, nowSeconds: number): string | undefined;
  write(headers: ResponseHeaderMap, address: string, nowSeconds: number): void;
}

type Refuse = (field: string, message: string) => void;

/** undefined: nothing is kept, or reported. */
export function compileSessionState(config: TypedExtensionConfig | undefined, at: string, refuse: Refuse): SessionState | undefined {
  if (config === undefined) return undefined;
  const any = config.typedConfig;
  const cookie = unpack(any, CookieBasedSessionStateSchema);
  if (cookie !== undefined) return compileCookie(cookie, `${at}.typed_config.cookie`, refuse);
  const header = unpack(any, HeaderBasedSessionStateSchema);
  if (header !== undefined) {
    if (header.name === "") refuse(`${at}.typed_config.name`, "must not be empty");
    const name = asciiLower(header.name);
    return {
      concerns: () => true,
      read: (headers) => decode(headers.get(name) ?? "").toString("latin1") || undefined,
      write: (headers, address) => headers.set(name, Buffer.from(address, "latin1").toString("base64")),
    };
  }
  refuse(`${at}.typed_config`, `${nameOf(any?.typeUrl ?? "")} is not known to this proxy: cookies and headers are`);
  return undefined;
}

function compileCookie({ cookie }: CookieBasedSessionState, at: string, refuse: Refuse): SessionState {
  const name = cookie?.name ?? "";
  const path = cookie?.path ?? "";
  const ttlSeconds = Math.trunc((durationMs(cookie?.ttl) ?? 0) / 1000);
  if (name === "") refuse(`${at}.name`, "must not be empty");
  if (ttlSeconds < 0) refuse(`${at}.ttl`, "must not be negative");
  const attributes = `${ttlSeconds > 0 ? `; Max-Age=${ttlSeconds}` : ""}${path === "" ? "" : `; Path=${path}`}; HttpOnly`;
  return {
    concerns: ({ path: requestPath }) => cookiePathTakes(path, requestPath),
    read(headers, nowSeconds) {
      const value = decode(cookieValue(headers, name) ?? "");
      const kept = parseCookie(value);
      // Cookies of old Envoys hold the address alone.
      if (kept === undefined) return value.toString("latin1") || undefined;
      return kept.address === "" || (kept.expires !== 0 && kept.expires < nowSeconds) ? undefined : kept.address;
    },
    write(headers, address, nowSeconds) {
      const value = Buffer.from(makeCookie(address, ttlSeconds > 0 ? nowSeconds + ttlSeconds : 0)).toString("base64");
      headers.add("set-cookie", `${name}="${value}"${attributes}`);
    },
  };
}

/** RFC 6265 5.1.4, where the request's path has a query. */
function cookiePathTakes(path: string, requestPath: string): boolean {
  if (path === "" || path === "/") return true;
  if (!requestPath.startsWith(path)) return false;
  return path.endsWith("/") || requestPath.length === path.length || "/?#".includes(requestPath[path.length]!);
}

function decode(text: string): Buffer {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : Buffer.alloc(0);
}

// What Envoy's cookies hold is a message of its own: `string address = 1; uint64 expires = 2`, seconds.
const ADDRESS = 1;
const EXPIRES = 2;

function makeCookie(address: string, expires: number): Uint8Array {
  const writer = new BinaryWriter().tag(ADDRESS, WireType.LengthDelimited).string(address);
  if (expires > 0) writer.tag(EXPIRES, WireType.Varint).uint64(expires);
  return writer.finish();
}

/** undefined: no such message. */
function parseCookie(bytes: Uint8Array): { readonly address: string; readonly expires: number } | undefined {
  let [address, expires] = ["", 0];
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === ADDRESS && type === WireType.LengthDelimited) address = reader.string();
      else if (field === EXPIRES && type === WireType.Varint) expires = Number(reader.uint64());
      else reader.skip(type, field);
    }
    return reader.pos === reader.len ? { address, expires } : undefined;
  } catch {
    return undefined;
  }
}
