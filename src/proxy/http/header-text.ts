// What may be written as a header line by us. Peers' lines are checked by the codec; values that we make are checked here, because one
// line break in a value is a second header, and a character above 255 loses its high byte on the wire (U+010A would become a line feed).
import { invariant } from "#runtime/invariant";

/** The value as it goes over the wire: characters above 255 as their UTF-8 bytes. Throws on CR, LF and NUL. */
export function safeValue(value: string): string {
  let wide = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0xff) wide = true;
    else if (code < 0x0e) invariant(code !== 0x0a && code !== 0x0d && code !== 0, "a header value holds CR, LF or NUL");
  }
  return wide ? Buffer.from(value, "utf8").toString("latin1") : value;
}

/** Names given to a header map are tokens in lower case. */
export function checkName(name: string): void {
  invariant(name.length > 0, "a header name is empty");
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    invariant(code > 0x20 && code < 0x7f && code !== 0x3a && (code < 0x41 || code > 0x5a), "a header name is not a token in lower case");
  }
}

/** 100 to 999. */
export function isStatus(text: string): boolean {
  const status = Number(text);
  return Number.isInteger(status) && status >= 100 && status <= 999;
}

/** A request target or method as it may stand in a request line. */
export function checkTarget(target: string): void {
  invariant(target.length > 0, "a request target is empty");
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    invariant(code > 0x20 && code < 0x7f, "a request target holds white space, a control or a character beyond ASCII");
  }
}
