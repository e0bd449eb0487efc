// Addresses as Istio reads them: Go's url.Parse, which is stricter than a browser about what it does not know and mends nothing.

export interface Address {
  /** Lower case; empty when none is written. */
  readonly scheme: string;
}

const badEscape = /%(?![0-9a-fA-F]{2})/u;

/** Undefined when it is no URL. */
export function parseAddress(text: string): Address | undefined {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (text === "" || /[\u0000-\u001F\u007F]/u.test(text)) return undefined;
  const hash = text.indexOf("#");
  const withoutFragment = hash === -1 ? text : text.slice(0, hash);
  if (badEscape.test(text.slice(withoutFragment.length))) return undefined;
  const match = /^([a-zA-Z][-a-zA-Z0-9+.]*):/u.exec(withoutFragment);
  if (match === null && withoutFragment.startsWith(":")) return undefined;
  const scheme = (match?.[1] ?? "").toLowerCase();
  const rest = (match === null ? withoutFragment : withoutFragment.slice(match[0].length)).split("?", 1)[0] ?? "";
  if (!rest.startsWith("/")) {
    if (scheme !== "") return { scheme };
    return /^[^/]*:/u.test(rest) ? undefined : { scheme };
  }
  let path = rest;
  if (rest.startsWith("//") && (scheme !== "" || !rest.startsWith("///"))) {
    const slash = rest.indexOf("/", 2);
    const authority = slash === -1 ? rest.slice(2) : rest.slice(2, slash);
    path = slash === -1 ? "" : rest.slice(slash);
    if (!isAuthority(authority)) return undefined;
  }
  return badEscape.test(path) ? undefined : { scheme };
}

function isAuthority(authority: string): boolean {
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);
  if (at !== -1 && !/^(?:[-A-Za-z0-9._:~!$&'()*+,;=%@])*$/u.test(authority.slice(0, at))) return false;
  if (host.startsWith("[")) return /^\[[^\]]*\](?::\d*)?$/u.test(host);
  const name = /^(.*?)(?::\d*)?$/u.exec(host)?.[1] ?? "";
  // A second colon would have to be a port.
  return !name.includes(":") && /^[-A-Za-z0-9._~!$&'()*+,;=[\]<>"\u0080-\uFFFF]*$/u.test(name);
}

/** As a request line needs it: absolute, or with a path that begins with /. */
export function isRequestAddress(text: string): boolean {
  const parsed = parseAddress(text);
  return parsed !== undefined && (parsed.scheme !== "" || text.startsWith("/"));
}
