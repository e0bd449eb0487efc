// What a field means to HTTP/2 (RFC 9113 8.2 and 8.3). Found out once per table entry: the kind is the field's tag.
import type { HeaderField } from "#proxy/codec/hpack/header-field";

export const FieldKind = {
  REGULAR: 1,
  /** A name that is no lower case token, or a value with a forbidden character. */
  INVALID: 2,
  UNKNOWN_PSEUDO: 3,
  METHOD: 4,
  SCHEME: 5,
  AUTHORITY: 6,
  PATH: 7,
  PROTOCOL: 8,
  STATUS: 9,
  CONTENT_LENGTH: 10,
  /** Says something about an HTTP/1 connection: malformed (RFC 9113 8.2.2). */
  CONNECTION_SPECIFIC: 11,
} as const;

/** RFC 9113 8.2.2; `te` is allowed with `trailers` alone. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const KINDS: ReadonlyMap<string, number> = new Map<string, number>([
  [":method", FieldKind.METHOD],
  [":scheme", FieldKind.SCHEME],
  [":authority", FieldKind.AUTHORITY],
  [":path", FieldKind.PATH],
  [":protocol", FieldKind.PROTOCOL],
  [":status", FieldKind.STATUS],
  ["content-length", FieldKind.CONTENT_LENGTH],
  ...[...CONNECTION_FIELDS].map((name): [string, number] => [name, FieldKind.CONNECTION_SPECIFIC]),
]);

function table(accept: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (accept.test(String.fromCharCode(byte)) ? 1 : 0));
}

const NAME = table(/[a-z0-9!#$%&'*+\-.^_`|~]/);
const TOKEN = table(/[A-Za-z0-9!#$%&'*+\-.^_`|~]/);
/** Tab, space, visible ASCII and obs-text; stricter than RFC 9113 8.2.1 asks, as RFC 9110 5.5 is. */
const VALUE = table(/[\t\x20-\x7e\x80-\xff]/);
const SCHEME = table(/[A-Za-z0-9+\-.]/);
/** Host and port; no user information (RFC 9113 8.3.1). */
const AUTHORITY = table(/[A-Za-z0-9\-._~%!$&'()*+;=:[\]]/);
const PATH = table(/[\x21-\x7e]/);
const DIGIT = table(/[0-9]/);

function consistsOf(text: string, allowed: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (allowed[text.charCodeAt(i)] !== 1) return false;
  return true;
}

const isBlank = (character: number): boolean => character === 0x20 || character === 0x09;

function isValue(text: string): boolean {
  if (text === "") return true;
  return !isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(text.length - 1)) && consistsOf(text, VALUE);
}

/** The field's kind, by its tag where that is set. */
export function fieldKind(field: HeaderField): number {
  if (field.tag === 0) field.tag = classify(field.name, field.value);
  return field.tag;
}

function classify(name: string, value: string): number {
  const kind = KINDS.get(name);
  switch (kind) {
    case undefined:
      if (name.charCodeAt(0) === 0x3a) return FieldKind.UNKNOWN_PSEUDO;
      if (name === "te" && value.toLowerCase() !== "trailers") return FieldKind.CONNECTION_SPECIFIC;
      return name !== "" && consistsOf(name, NAME) && isValue(value) ? FieldKind.REGULAR : FieldKind.INVALID;
    case FieldKind.METHOD:
    case FieldKind.PROTOCOL:
      return value !== "" && consistsOf(value, TOKEN) ? kind : FieldKind.INVALID;
    case FieldKind.SCHEME:
      return value !== "" && consistsOf(value, SCHEME) ? kind : FieldKind.INVALID;
    case FieldKind.AUTHORITY:
      return consistsOf(value, AUTHORITY) ? kind : FieldKind.INVALID;
    case FieldKind.PATH:
      return consistsOf(value, PATH) ? kind : FieldKind.INVALID;
    case FieldKind.STATUS:
      return value.length === 3 && consistsOf(value, DIGIT) && value >= "100" ? kind : FieldKind.INVALID;
    case FieldKind.CONTENT_LENGTH:
      return value !== "" && value.length <= 15 && consistsOf(value, DIGIT) ? kind : FieldKind.INVALID;
    default:
      return kind;
  }
}
