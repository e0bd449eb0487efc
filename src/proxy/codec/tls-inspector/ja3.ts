// JA3: what a TLS client offers, as text. Version, cipher suites, extensions, groups and point formats of its ClientHello in its order, without
// what clients strew in at random (GREASE, RFC 8701).
import { clientHelloBody, Reader, Truncated } from "./client-hello.ts";

const SUPPORTED_GROUPS = 10;
const EC_POINT_FORMATS = 11;

/** Undefined: these bytes are no whole ClientHello. */
export function ja3Text(bytes: Uint8Array): string | undefined {
  const body = clientHelloBody(bytes);
  if (body === undefined || body === "more") return undefined;
  try {
    return read(new Reader(body));
  } catch (error) {
    if (error instanceof Truncated) return undefined;
    throw error;
  }
}

function read(hello: Reader): string {
  const version = hello.uint16();
  hello.bytes(32); // random
  hello.vector8(); // session id
  const ciphers = numbers(hello.vector16());
  hello.vector8(); // compression methods
  const extensions: number[] = [];
  let groups: readonly number[] = [];
  let formats: readonly number[] = [];
  const list = hello.atEnd ? undefined : hello.vector16();
  while (list?.atEnd === false) {
    const type = list.uint16();
    const content = list.vector16();
    extensions.push(type);
    if (type === SUPPORTED_GROUPS) groups = numbers(content.vector16());
    else if (type === EC_POINT_FORMATS) formats = [...content.vector8().rest()];
  }
  const lists = [ciphers, extensions.filter(isReal), groups, formats];
  return [version, ...lists.map((one) => one.join("-"))].join(",");
}

function numbers(reader: Reader): number[] {
  const list: number[] = [];
  while (!reader.atEnd) list.push(reader.uint16());
  return list.filter(isReal);
}

/** GREASE's numbers are 0x0a0a, 0x1a1a ... 0xfafa. */
function isReal(value: number): boolean {
  return (value & 0x0f0f) !== 0x0a0a || value >> 8 !== (value & 255);
}
