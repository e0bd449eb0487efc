// What a TLS client says before anything is encrypted: server name and application protocols of its ClientHello (RFC 8446 4.1.2, RFC 6066,
// RFC 7301). Looks at the bytes that have come so far, as often as asked, and consumes nothing: the real TLS stack reads them again.

export type ClientHelloResult =
  | { readonly state: "more" }
  /** Plaintext, or a ClientHello that the real stack would refuse too. */
  | { readonly state: "not-tls" }
  | { readonly state: "tls"; readonly serverName: string; readonly applicationProtocols: readonly string[] };

const MORE: ClientHelloResult = { state: "more" };
const NOT_TLS: ClientHelloResult = { state: "not-tls" };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
const MAX_RECORD = 16_384;
const SERVER_NAME = 0;
const ALPN = 16;

export function inspectClientHello(bytes: Uint8Array): ClientHelloResult {
  const message = clientHelloBody(bytes);
  if (message === undefined) return NOT_TLS;
  if (message === "more") return MORE;
  try {
    return readClientHello(new Reader(message));
  } catch (error) {
    if (error instanceof Truncated) return NOT_TLS;
    throw error;
  }
}

/** The body of the first handshake message, put together from its records; undefined when it is no ClientHello. */
export function clientHelloBody(bytes: Uint8Array): Uint8Array | "more" | undefined {
  const parts: Uint8Array[] = [];
  let have = 0;
  let want = -1;
  for (let at = 0; ;) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return undefined;
    // Every version of TLS writes 3 here.
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return undefined;
    if (bytes.length < at + RECORD_HEADER) return "more";
    const length = uint16(bytes, at + 3);
    if (length === 0 || length > MAX_RECORD) return undefined;
    const part = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    parts.push(part);
    have += part.length;
    if (want < 0) {
      const [type, ...size] = firstBytes(parts, 4);
      if (type !== undefined && type !== CLIENT_HELLO) return undefined;
      if (size.length === 3) want = ((size[0] ?? 0) << 16) | ((size[1] ?? 0) << 8) | (size[2] ?? 0);
    }
    if (want >= 0 && have >= want + 4) return join(parts, have).subarray(4, want + 4);
    if (part.length < length) return "more";
    at += RECORD_HEADER + length;
  }
}

function firstBytes(parts: readonly Uint8Array[], count: number): number[] {
  const found: number[] = [];
  for (const part of parts) for (let at = 0; at < part.length && found.length < count; at++) found.push(part[at] ?? 0);
  return found;
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export class Truncated extends Error {}

/** @throws Truncated where less is left than is asked for */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new Truncated();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  uint8(): number {
    return this.bytes(1)[0] ?? 0;
  }

  uint16(): number {
    return uint16(this.bytes(2), 0);
  }

  vector8(): Reader {
    return new Reader(this.bytes(this.uint8()));
  }

  vector16(): Reader {
    return new Reader(this.bytes(this.uint16()));
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }
}

function readClientHello(hello: Reader): ClientHelloResult {
  if (hello.uint16() >> 8 !== 3) return NOT_TLS;
  hello.bytes(32); // random
  if (hello.vector8().rest().length > 32) return NOT_TLS;
  const ciphers = hello.vector16().rest();
  if (ciphers.length < 2 || ciphers.length % 2 !== 0) return NOT_TLS;
  // Clients offer at least "no compression".
  if (!hello.vector8().rest().includes(0)) return NOT_TLS;
  if (hello.atEnd) return { state: "tls", serverName: "", applicationProtocols: [] };
  const extensions = hello.vector16();
  if (!hello.atEnd) return NOT_TLS;
  const seen = new Set<number>();
  let serverName: string | undefined = "";
  let applicationProtocols: readonly string[] = [];
  while (!extensions.atEnd) {
    const type = extensions.uint16();
    const content = extensions.vector16();
    if (seen.has(type)) return NOT_TLS;
    seen.add(type);
    if (type === SERVER_NAME) serverName = readServerName(content);
    else if (type === ALPN) applicationProtocols = readProtocols(content);
    if (serverName === undefined) return NOT_TLS;
  }
  return { state: "tls", serverName, applicationProtocols };
}

/** One host name, as every client sends it; undefined for what servers refuse. */
function readServerName(content: Reader): string | undefined {
  const list = content.vector16();
  const type = list.uint8();
  const name = list.vector16().rest();
  if (!list.atEnd || !content.atEnd || type !== 0 || name.length === 0 || name.length > 255 || name.includes(0)) return undefined;
  return latin1(name);
}

/** Nothing when the list is broken: telling the client so is left to the real TLS stack. */
function readProtocols(content: Reader): readonly string[] {
  const protocols: string[] = [];
  try {
    const list = content.vector16();
    while (!list.atEnd) {
      const name = list.vector8().rest();
      if (name.length === 0) return [];
      protocols.push(latin1(name));
    }
  } catch (error) {
    if (error instanceof Truncated) return [];
    throw error;
  }
  return content.atEnd ? protocols : [];
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
