// Takes the fields of one header block and makes a head of them, or says why there is none. A block over the limits is decoded to its
// end, but nothing of it is kept: what a few bytes that refer to the table a thousand times are worth is never built.
import type { FieldReader } from "#proxy/codec/hpack/decoder";
import type { HeaderField } from "#proxy/codec/hpack/header-field";
import type { Http2Error } from "./error-code.ts";
import { fieldError, messagingError, overflowError } from "./error-code.ts";
import { FieldKind, fieldKind } from "./field-kind.ts";
import { MessageHead } from "./message-head.ts";

export type BlockKind = "request" | "response" | "trailers";

const PSEUDO_ALLOWED: Readonly<Record<BlockKind, readonly number[]>> = {
  request: [FieldKind.METHOD, FieldKind.SCHEME, FieldKind.AUTHORITY, FieldKind.PATH, FieldKind.PROTOCOL],
  response: [FieldKind.STATUS],
  trailers: [],
};

const bit = (kind: number): number => 1 << kind;
const mask = (kinds: readonly number[]): number => kinds.reduce((bits, kind) => bits | bit(kind), 0);
const ALLOWED: Readonly<Record<BlockKind, number>> = {
  request: mask(PSEUDO_ALLOWED.request),
  response: mask(PSEUDO_ALLOWED.response),
  trailers: 0,
};

const ERRORS = {
  field: fieldError("a field has a name or a value that HTTP/2 does not allow"),
  unknownPseudo: messagingError("a pseudo header is unknown"),
  misplacedPseudo: messagingError("a pseudo header does not belong into this block"),
  repeatedPseudo: messagingError("a pseudo header comes twice"),
  latePseudo: messagingError("a pseudo header comes after other fields"),
  connectionField: messagingError("a field speaks of an HTTP/1 connection"),
  contentLength: messagingError("content-length comes twice"),
  noMethod: messagingError("a request has no :method"),
  noTarget: messagingError("a request lacks :scheme or :path"),
  path: messagingError(":path neither begins with a slash nor is the asterisk of OPTIONS"),
  connect: messagingError("a CONNECT has :scheme or :path, or no :authority"),
  protocol: messagingError(":protocol stands without CONNECT, or extended CONNECT is not offered"),
  noStatus: messagingError("a response has no :status"),
  switching: messagingError("101 does not exist in HTTP/2"),
  tooLarge: overflowError("http2.header_list_size_too_large", "the headers are larger than the limit"),
  tooMany: overflowError("http2.too_many_headers", "there are more headers than the limit"),
} as const satisfies Record<string, Http2Error>;

export interface HeadLimits {
  readonly maxHeadersBytes: number;
  readonly maxHeadersCount: number;
  /** Extended CONNECT was offered. */
  readonly allowConnect: boolean;
}

export class HeadReader implements FieldReader {
  readonly #limits: HeadLimits;
  #kind: BlockKind = "request";
  #head = new MessageHead();
  /** Pseudo headers that came, and content-length: one bit a kind. */
  #seen = 0;
  #pseudoDone = false;
  #count = 0;
  #malformed: Http2Error | undefined;
  #overflow: Http2Error | undefined;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  begin(kind: BlockKind): void {
    this.#kind = kind;
    this.#head = new MessageHead();
    this.#seen = 0;
    this.#pseudoDone = false;
    this.#count = 0;
    this.#malformed = undefined;
    this.#overflow = undefined;
  }

  get head(): MessageHead {
    return this.#head;
  }

  /** Over a limit: the fields are gone, and what is wrong with them does not matter. */
  get overflow(): Http2Error | undefined {
    return this.#overflow;
  }

  onField(field: HeaderField, neverIndexed: boolean): void {
    if (this.#overflow !== undefined) return;
    const head = this.#head;
    head.byteSize += field.name.length + field.value.length;
    if (head.byteSize > this.#limits.maxHeadersBytes) this.#exceed(ERRORS.tooLarge);
    else if (++this.#count > this.#limits.maxHeadersCount) this.#exceed(ERRORS.tooMany);
    else if (this.#malformed === undefined) {
      const kind = fieldKind(field);
      if (kind === FieldKind.REGULAR || kind === FieldKind.CONTENT_LENGTH) this.#regular(field, kind, neverIndexed);
      else if (kind >= FieldKind.METHOD && kind <= FieldKind.STATUS) this.#pseudo(field.value, kind);
      else if (kind === FieldKind.CONNECTION_SPECIFIC) this.#malformed = ERRORS.connectionField;
      else this.#malformed = kind === FieldKind.INVALID ? ERRORS.field : ERRORS.unknownPseudo;
    }
  }

  /** After the last field: what is wrong with the block as a whole. */
  malformed(): Http2Error | undefined {
    if (this.#malformed !== undefined) return this.#malformed;
    if (this.#kind === "request") return this.#requestError();
    if (this.#kind === "trailers") return undefined;
    if (this.#head.status === 0) return ERRORS.noStatus;
    return this.#head.status === 101 ? ERRORS.switching : undefined;
  }

  #exceed(error: Http2Error): void {
    this.#overflow = error;
    this.#head = new MessageHead();
  }

  #regular(field: HeaderField, kind: number, neverIndexed: boolean): void {
    const { name, value } = field;
    this.#pseudoDone = true;
    const head = this.#head;
    if (kind === FieldKind.CONTENT_LENGTH) {
      if ((this.#seen & bit(kind)) !== 0) this.#malformed = ERRORS.contentLength;
      this.#seen |= bit(kind);
      head.contentLength = Number(value);
    }
    head.fields.push(name, value);
    if (neverIndexed) (head.neverIndexed ??= []).push(name);
  }

  #pseudo(value: string, kind: number): void {
    if (this.#pseudoDone) this.#malformed = ERRORS.latePseudo;
    else if ((this.#seen & bit(kind)) !== 0) this.#malformed = ERRORS.repeatedPseudo;
    else if ((ALLOWED[this.#kind] & bit(kind)) === 0) this.#malformed = ERRORS.misplacedPseudo;
    if (this.#malformed !== undefined) return;
    this.#seen |= bit(kind);
    const head = this.#head;
    switch (kind) {
      case FieldKind.METHOD:
        head.method = value;
        break;
      case FieldKind.SCHEME:
        head.scheme = value;
        break;
      case FieldKind.AUTHORITY:
        head.authority = value;
        break;
      case FieldKind.PATH:
        head.path = value;
        break;
      case FieldKind.PROTOCOL:
        head.protocol = value;
        break;
      default:
        head.status = Number(value);
    }
  }

  #requestError(): Http2Error | undefined {
    const { method, path, scheme, protocol } = this.#head;
    if (method === "") return ERRORS.noMethod;
    if (protocol !== undefined && (method !== "CONNECT" || !this.#limits.allowConnect)) return ERRORS.protocol;
    if (method === "CONNECT" && protocol === undefined) {
      const rest = bit(FieldKind.SCHEME) | bit(FieldKind.PATH);
      return (this.#seen & rest) !== 0 || this.#head.authority === "" ? ERRORS.connect : undefined;
    }
    if (scheme === "" || path === "") return ERRORS.noTarget;
    // Other schemes than http and https may have other paths (RFC 9113 8.3.1), but none that a proxy of HTTP could send on.
    return path.charCodeAt(0) === 0x2f || (path === "*" && method === "OPTIONS") ? undefined : ERRORS.path;
  }
}
