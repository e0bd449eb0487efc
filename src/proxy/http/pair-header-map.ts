// Header maps over name/value pairs: answers and requests of the proxy itself, and HTTP/2 messages, whose lines never stood in an HTTP/1 head.
// The same behaviour as http1-header-map.ts; header-map.conformance.ts holds both to it.
import { nameBit } from "#proxy/codec/http1/head-scanner";
import { invariant } from "#runtime/invariant";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";
import { checkName, isStatus, safeValue } from "./header-text.ts";
import { requestPseudo, setRequestPseudo } from "./pseudo-header.ts";

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

const COLON = 0x3a;
const NONE: readonly string[] = [];

class PairLines implements HeaderMap {
  /** Names and values in turn. */
  readonly #lines: string[];
  readonly #hostIsPseudo: boolean;
  neverIndexed: readonly string[] | undefined = undefined;
  /** Bits of all names that ever were there: a name whose bit is missing is not there, which spares most lookups the walk. */
  #nameBits = 0;

  /** `fields`: names and values in turn that a codec has checked. They are taken over. */
  constructor(pairs: HeaderPairs | undefined, fields: string[] | undefined, hostIsPseudo: boolean) {
    this.#hostIsPseudo = hostIsPseudo;
    this.#lines = fields ?? [];
    if (fields !== undefined) for (let i = 0; i < fields.length; i += 2) this.#note(fields[i]!);
    if (pairs !== undefined) for (const [name, value] of pairs) this.add(name, value);
  }

  #note(name: string): void {
    this.#nameBits |= nameBit(name.length, name.charCodeAt(0));
  }

  #mayHave(name: string): boolean {
    return (this.#nameBits & nameBit(name.length, name.charCodeAt(0))) !== 0;
  }

  protected pseudo(_name: string): string | undefined {
    return undefined;
  }

  protected setPseudo(name: string, _value: string): void {
    invariant(false, `there is no pseudo header ${name} here`);
  }

  #isPseudo(name: string): boolean {
    return name.charCodeAt(0) === COLON || (this.#hostIsPseudo && name === "host");
  }

  get(name: string): string | undefined {
    if (this.#isPseudo(name)) return this.pseudo(name);
    if (!this.#mayHave(name)) return undefined;
    const lines = this.#lines;
    for (let i = 0; i < lines.length; i += 2) if (lines[i] === name) return lines[i + 1];
    return undefined;
  }

  getAll(name: string): readonly string[] {
    if (this.#isPseudo(name)) {
      const value = this.pseudo(name);
      return value === undefined ? NONE : [value];
    }
    if (!this.#mayHave(name)) return NONE;
    const lines = this.#lines;
    let values: string[] | undefined;
    for (let i = 0; i < lines.length; i += 2) if (lines[i] === name) (values ??= []).push(lines[i + 1]!);
    return values ?? NONE;
  }

  getJoined(name: string): string | undefined {
    const values = this.getAll(name);
    return values.length <= 1 ? values[0] : values.join(",");
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  set(name: string, value: string): void {
    if (this.#isPseudo(name)) {
      this.setPseudo(name, safeValue(value));
      return;
    }
    this.remove(name);
    this.add(name, value);
  }

  add(name: string, value: string): void {
    checkName(name);
    invariant(!this.#isPseudo(name), `the pseudo header ${name} cannot be repeated`);
    this.#note(name);
    this.#lines.push(name, safeValue(value));
  }

  remove(name: string): void {
    // Pseudo headers cannot go: a request without a path is no request.
    if (this.#isPseudo(name) || !this.#mayHave(name)) return;
    const lines = this.#lines;
    for (let i = lines.length - 2; i >= 0; i -= 2) if (lines[i] === name) lines.splice(i, 2);
  }

  removePrefix(prefix: string): void {
    const lines = this.#lines;
    for (let i = lines.length - 2; i >= 0; i -= 2) if (lines[i]!.startsWith(prefix)) lines.splice(i, 2);
  }

  forEach(visit: (name: string, value: string) => void): void {
    const lines = this.#lines;
    for (let i = 0; i < lines.length; i += 2) visit(lines[i]!, lines[i + 1]!);
  }

  get count(): number {
    return this.#lines.length / 2;
  }

  get byteSize(): number {
    let size = 0;
    for (const text of this.#lines) size += text.length;
    return size;
  }

  toHttp1(): string {
    const lines = this.#lines;
    let out = "";
    for (let i = 0; i < lines.length; i += 2) out += `${lines[i]}: ${lines[i + 1]}\r\n`;
    return out;
  }

  toFields(): readonly string[] {
    return this.#lines;
  }
}

export interface RequestPseudoHeaders {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly scheme: string;
  readonly upgrade?: string | undefined;
}

export class PairRequestHeaderMap extends PairLines implements RequestHeaderMap {
  method: string;
  path: string;
  authority: string;
  scheme: string;
  readonly upgrade: string | undefined;

  constructor(pseudo: RequestPseudoHeaders, pairs?: HeaderPairs, fields?: string[]) {
    super(pairs, fields, true);
    this.method = pseudo.method;
    this.path = pseudo.path;
    this.authority = pseudo.authority;
    this.scheme = pseudo.scheme;
    this.upgrade = pseudo.upgrade;
  }

  protected override pseudo(name: string): string | undefined {
    return requestPseudo(this, name);
  }

  protected override setPseudo(name: string, value: string): void {
    if (!setRequestPseudo(this, name, value)) super.setPseudo(name, value);
  }

  override toHttp1(): string {
    return `host: ${safeValue(this.authority)}\r\n${super.toHttp1()}`;
  }
}

export class PairResponseHeaderMap extends PairLines implements ResponseHeaderMap {
  status: number;

  constructor(status: number, pairs?: HeaderPairs, fields?: string[]) {
    super(pairs, fields, false);
    this.status = status;
  }

  protected override pseudo(name: string): string | undefined {
    return name === ":status" ? String(this.status) : undefined;
  }

  protected override setPseudo(name: string, value: string): void {
    if (name !== ":status" || !isStatus(value)) super.setPseudo(name, value);
    this.status = Number(value);
  }
}

export class PairTrailerMap extends PairLines {
  constructor(pairs?: HeaderPairs, fields?: string[]) {
    super(pairs, fields, false);
  }
}
