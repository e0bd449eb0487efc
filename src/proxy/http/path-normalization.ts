// Request paths brought to one form before anything matches on them: what a policy sees must be what the application sees.
// normalize_path is RFC 3986 6.2.2 as Envoy (Chromium's canonicalizer) does it; the query is never touched.

export const ESCAPED_SLASHES = ["keep", "reject", "redirect", "unescape"] as const;
export type EscapedSlashes = (typeof ESCAPED_SLASHES)[number];

export interface PathOptions {
  readonly normalize: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: EscapedSlashes;
}

export type PathResult =
  | { readonly kind: "ok"; readonly path: string }
  | { readonly kind: "reject" }
  /** 307 to the path with its slashes unescaped. */
  | { readonly kind: "redirect"; readonly path: string };

const REJECT: PathResult = Object.freeze({ kind: "reject" });

/** What Chromium's canonicalizer escapes in a path though it is visible; the backslash became a slash before. */
const ESCAPED = '"<>^`{|}';

/** Characters that stand in a normal path whatever is around them. */
const PLAIN = new Uint8Array(128);
for (let code = 0x21; code < 0x7f; code++) if (!`%\\#?${ESCAPED}`.includes(String.fromCharCode(code))) PLAIN[code] = 1;

/** True when the path is in normal form for sure: the case of nearly all requests, decided in one pass without an allocation. */
export function isPlain(path: string): boolean {
  let previous = 0;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (PLAIN[code] !== 1) return code === 63;
    // "//" matters to merge_slashes, "/." to dot segments.
    if (previous === 47 && (code === 46 || code === 47)) return false;
    previous = code;
  }
  return true;
}

export function normalizePath(original: string, options: PathOptions): PathResult {
  const queryAt = original.indexOf("?");
  const query = queryAt === -1 ? "" : original.slice(queryAt);
  let path = queryAt === -1 ? original : original.slice(0, queryAt);

  let redirect = false;
  if (options.escapedSlashes !== "keep" && /%2f|%5c/i.test(path)) {
    if (options.escapedSlashes === "reject") return REJECT;
    redirect = options.escapedSlashes === "redirect";
    path = path.replaceAll(/%2f/gi, "/").replaceAll(/%5c/gi, "\\");
  }
  if (options.normalize) {
    const normal = canonical(path);
    if (normal === undefined) return REJECT;
    path = normal;
  }
  if (options.mergeSlashes) path = path.replaceAll(/\/{2,}/g, "/");
  return { kind: redirect ? "redirect" : "ok", path: path + query };
}

const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/** Backslash is a slash, unreserved characters are not escaped, escapes are upper case only where they were, dot segments are gone. */
function canonical(path: string): string | undefined {
  let decoded = "";
  for (let i = 0; i < path.length; i++) {
    const char = path[i]!;
    const code = path.charCodeAt(i);
    if (char === "\\") {
      decoded += "/";
    } else if (char === "%") {
      const hex = path.slice(i + 1, i + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) {
        decoded += char;
        continue;
      }
      const value = Number.parseInt(hex, 16);
      if (value === 0) return undefined;
      const plain = String.fromCharCode(value);
      decoded += UNRESERVED.test(plain) ? plain : path.slice(i, i + 3);
      i += 2;
    } else if (code < 0x21 || code > 0x7e || ESCAPED.includes(char)) {
      if (code === 0) return undefined;
      decoded += `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
    } else {
      decoded += char;
    }
  }
  if (!decoded.startsWith("/")) return undefined;
  const out: string[] = [];
  const segments = decoded.split("/");
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const last = i === segments.length - 1;
    if (segment === "." || segment === "..") {
      if (segment === ".." && out.length > 0) out.pop();
      if (last) out.push("");
    } else {
      out.push(segment);
    }
  }
  return `/${out.join("/")}`;
}
