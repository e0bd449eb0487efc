// Absolute URLs in header fields, read as Envoy's parser reads them.

export interface AbsoluteUrl {
  /** Without user information. */
  readonly hostAndPort: string;
  readonly hasUserInfo: boolean;
  readonly hasFragment: boolean;
}

/** Scheme, user information, host and port, path and query, fragment. A fragment right behind the host is none: the whole is no URL. */
const URL_FORM = /^[A-Za-z]+:\/\/(?:([\w.!~*'()%;:&=+$,-]*)@)?((?:[\w.-]+|\[[\dA-Fa-f:.%a-z]+\])(?::\d{1,5})?)(?=[/?]|$)([^\s#]*)(#.*)?$/;

/** undefined: it is none. */
export function parseAbsoluteUrl(text: string): AbsoluteUrl | undefined {
  const found = URL_FORM.exec(text);
  if (found === null) return undefined;
  return { hostAndPort: found[2]!, hasUserInfo: found[1] !== undefined, hasFragment: found[4] !== undefined };
}

/** RFC 3986: what may stand in a path or query. */
const REFERENCE = /^[\w.~!$%&'()*+,;=:@/?-]*$/;

/** RFC 9110 10.1.3: a URI reference without user information and fragment; Envoy takes any other from requests. */
export function isReferer(text: string): boolean {
  const url = parseAbsoluteUrl(text);
  if (url !== undefined) return !url.hasUserInfo && !url.hasFragment;
  const slash = text.indexOf("/");
  const colon = text.indexOf(":");
  // A colon in the first segment would make a scheme of it (RFC 3986 3.3).
  return REFERENCE.test(text) && (colon === -1 || (slash !== -1 && slash < colon));
}
