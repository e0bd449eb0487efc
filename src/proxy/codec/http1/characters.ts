// Which bytes may stand where (RFC 9110 5.1 and 5.5, RFC 3986). One table lookup per byte; a table entry is 1 or 0.

function table(accept: (byte: number) => boolean): Uint8Array {
  const entries = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) if (accept(byte)) entries[byte] = 1;
  return entries;
}

const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

const oneOf = (text: string): ((byte: number) => boolean) => {
  const bytes = new Set(Array.from(text, (character) => character.charCodeAt(0)));
  return (byte) => bytes.has(byte);
};

const inToken = oneOf("!#$%&'*+-.^_`|~");
const inAuthority = oneOf("-._~%!$&'()*+;=:[]");

/** Method and field names. */
export const TOKEN = table((byte) => isAlphanumeric(byte) || inToken(byte));

/** Field values and reason phrases: tab, space, visible ASCII and obs-text (0x80 and above); no other control, no DEL. */
export const FIELD_VALUE = table((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** Request targets: visible ASCII. `#` never goes over the wire (RFC 9112 3.2). */
export const TARGET = table((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** Host and port. No `@` (userinfo) and no comma (joined Host lines), though RFC 3986 would allow the latter. */
export const AUTHORITY = table((byte) => isAlphanumeric(byte) || inAuthority(byte));

/** Value of a hexadecimal digit, 255 for anything else. */
export const HEX_VALUE = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 10; digit++) HEX_VALUE[0x30 + digit] = digit;
for (let digit = 0; digit < 6; digit++) {
  HEX_VALUE[0x41 + digit] = 10 + digit;
  HEX_VALUE[0x61 + digit] = 10 + digit;
}

export const CR = 0x0d;
export const LF = 0x0a;
export const SPACE = 0x20;
export const TAB = 0x09;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
