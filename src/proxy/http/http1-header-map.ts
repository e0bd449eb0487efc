// Header maps over the raw lines of an HTTP/1 head. Nothing is split up front: lookups walk an index of offsets, edits are recorded beside
// it, and lines that nobody touched go on as slices of the text as it came, in their own spelling.
// One step of inheritance instead of delegation: the request and the response half differ in their pseudo headers only.
import { KNOWN } from "#proxy/codec/http1/known-header";
import type { HeadLines } from "#proxy/codec/http1/head-scanner";
import {
  LINE_KIND,
  LINE_SLOTS,
  LINE_START,
  NAME_END,
  VALUE_END,
  VALUE_START,
  nameBit,
  nameEquals,
  valueAt,
} from "#proxy/codec/http1/head-scanner";
import type { RequestHead } from "#proxy/codec/http1/request-head";
import type { ResponseHead } from "#proxy/codec/http1/response-head";
import type { HeaderMap, RequestHeaderMap, ResponseHeaderMap, TrailerMap } from "./header-map.ts";
import { checkName, isStatus, safeValue } from "./header-text.ts";
import { requestPseudo, setRequestPseudo } from "./pseudo-header.ts";
import { invariant } from "#runtime/invariant";

const NONE: readonly string[] = [];
const COLON = 0x3a;
const SMALL_H = 0x68;

class Http1Lines implements HeaderMap, HeadLines {
  // What the codec found: copied, because the head object is its parser's and used again. The index region is this head's for good.
  readonly text: string;
  readonly index: Int32Array;
  readonly base: number;
  readonly lineCount: number;
  readonly end: number;
  removed: number;
  /** Also of the names that were added. */
  nameBits: number;
  /** The kind of lines that are a pseudo header here: KNOWN.host in requests. */
  readonly #hidden: number;
  /** Names and values in turn; they stand behind the raw lines. */
  #added: string[] | undefined;

  constructor(lines: HeadLines, hidden: number) {
    this.text = lines.text;
    this.index = lines.index;
    this.base = lines.base;
    this.lineCount = lines.lineCount;
    this.end = lines.end;
    this.removed = lines.removed;
    this.nameBits = lines.nameBits;
    this.#hidden = hidden;
    this.#added = undefined;
  }

  /** Reads a pseudo header; subclasses know which there are. */
  protected pseudo(_name: string): string | undefined {
    return undefined;
  }

  protected setPseudo(name: string, _value: string): void {
    invariant(false, `there is no pseudo header ${name} here`);
  }

  #isPseudo(name: string): boolean {
    const first = name.charCodeAt(0);
    return first === COLON || (first === SMALL_H && this.#hidden === KNOWN.host && name === "host");
  }

  /** Index position of the next visible line of that name at or after `from`, -1 without one. */
  #find(name: string, from: number): number {
    const end = this.base + this.lineCount * LINE_SLOTS;
    for (let at = from; at < end; at += LINE_SLOTS) {
      if (this.index[at + LINE_KIND] !== KNOWN.removed && nameEquals(this, at, name)) return at;
    }
    return -1;
  }

  #mayHave(name: string): boolean {
    return (this.nameBits & nameBit(name.length, name.charCodeAt(0))) !== 0;
  }

  get(name: string): string | undefined {
    if (this.#isPseudo(name)) return this.pseudo(name);
    if (!this.#mayHave(name)) return undefined;
    const at = this.#find(name, this.base);
    if (at !== -1) return valueAt(this, at);
    const added = this.#added;
    if (added !== undefined) for (let i = 0; i < added.length; i += 2) if (added[i] === name) return added[i + 1];
    return undefined;
  }

  getAll(name: string): readonly string[] {
    if (this.#isPseudo(name)) {
      const value = this.pseudo(name);
      return value === undefined ? NONE : [value];
    }
    if (!this.#mayHave(name)) return NONE;
    let values: string[] | undefined;
    for (let at = this.#find(name, this.base); at !== -1; at = this.#find(name, at + LINE_SLOTS)) (values ??= []).push(valueAt(this, at));
    const added = this.#added;
    if (added !== undefined) for (let i = 0; i < added.length; i += 2) if (added[i] === name) (values ??= []).push(added[i + 1]!);
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
    this.nameBits |= nameBit(name.length, name.charCodeAt(0));
    (this.#added ??= []).push(name, safeValue(value));
  }

  remove(name: string): void {
    // Pseudo headers cannot go: a request without a path is no request.
    if (this.#isPseudo(name) || !this.#mayHave(name)) return;
    for (let at = this.#find(name, this.base); at !== -1; at = this.#find(name, at + LINE_SLOTS)) this.#hide(at);
    const added = this.#added;
    if (added === undefined) return;
    for (let i = added.length - 2; i >= 0; i -= 2) if (added[i] === name) added.splice(i, 2);
  }

  removePrefix(prefix: string): void {
    const end = this.base + this.lineCount * LINE_SLOTS;
    for (let at = this.base; at < end; at += LINE_SLOTS) {
      const kind = this.index[at + LINE_KIND]!;
      if (kind !== KNOWN.removed && kind !== this.#hidden && this.#startsWith(at, prefix)) this.#hide(at);
    }
    const added = this.#added;
    if (added === undefined) return;
    for (let i = added.length - 2; i >= 0; i -= 2) if (added[i]!.startsWith(prefix)) added.splice(i, 2);
  }

  #hide(at: number): void {
    this.index[at + LINE_KIND] = KNOWN.removed;
    this.removed++;
  }

  #startsWith(at: number, prefix: string): boolean {
    const start = this.index[at + LINE_START]!;
    if (this.index[at + NAME_END]! - start < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) {
      const code = this.text.charCodeAt(start + i);
      if ((code >= 0x41 && code <= 0x5a ? code | 0x20 : code) !== prefix.charCodeAt(i)) return false;
    }
    return true;
  }

  forEach(visit: (name: string, value: string) => void): void {
    const end = this.base + this.lineCount * LINE_SLOTS;
    for (let at = this.base; at < end; at += LINE_SLOTS) {
      const kind = this.index[at + LINE_KIND]!;
      if (kind === KNOWN.removed || kind === this.#hidden) continue;
      visit(this.text.slice(this.index[at + LINE_START], this.index[at + NAME_END]).toLowerCase(), valueAt(this, at));
    }
    const added = this.#added;
    if (added !== undefined) for (let i = 0; i < added.length; i += 2) visit(added[i]!, added[i + 1]!);
  }

  get count(): number {
    let count = (this.#added?.length ?? 0) / 2;
    const end = this.base + this.lineCount * LINE_SLOTS;
    for (let at = this.base; at < end; at += LINE_SLOTS) {
      const kind = this.index[at + LINE_KIND]!;
      if (kind !== KNOWN.removed && kind !== this.#hidden) count++;
    }
    return count;
  }

  get byteSize(): number {
    let size = 0;
    const end = this.base + this.lineCount * LINE_SLOTS;
    for (let at = this.base; at < end; at += LINE_SLOTS) {
      const kind = this.index[at + LINE_KIND]!;
      if (kind === KNOWN.removed || kind === this.#hidden) continue;
      size += this.index[at + NAME_END]! - this.index[at + LINE_START]! + this.index[at + VALUE_END]! - this.index[at + VALUE_START]!;
    }
    const added = this.#added;
    if (added !== undefined) for (const text of added) size += text.length;
    return size;
  }

  toHttp1(): string {
    return this.lines(false);
  }

  toFields(): readonly string[] {
    const { text, index, base } = this;
    const fields: string[] = [];
    const end = base + this.lineCount * LINE_SLOTS;
    for (let at = base; at < end; at += LINE_SLOTS) {
      const kind = index[at + LINE_KIND]!;
      if (kind === KNOWN.removed || kind === this.#hidden) continue;
      fields.push(text.slice(index[at + LINE_START], index[at + NAME_END]), valueAt(this, at));
    }
    const added = this.#added;
    if (added !== undefined) for (let i = 0; i < added.length; i++) fields.push(added[i]!);
    return fields;
  }

  /** All visible lines; `withoutHidden` leaves the raw line of the pseudo header out too. */
  protected lines(withoutHidden: boolean): string {
    const { index, base, lineCount } = this;
    let out: string;
    if (this.removed === 0 && !withoutHidden) {
      out = lineCount === 0 ? "" : this.text.slice(index[base + LINE_START], this.end);
    } else {
      out = "";
      const end = base + lineCount * LINE_SLOTS;
      let runStart = -1;
      for (let at = base; at < end; at += LINE_SLOTS) {
        const kind = index[at + LINE_KIND]!;
        const skipped = kind === KNOWN.removed || (withoutHidden && kind === this.#hidden);
        if (skipped) {
          if (runStart !== -1) out += this.text.slice(runStart, index[at + LINE_START]);
          runStart = -1;
        } else if (runStart === -1) runStart = index[at + LINE_START]!;
      }
      if (runStart !== -1) out += this.text.slice(runStart, this.end);
    }
    const added = this.#added;
    if (added !== undefined) for (let i = 0; i < added.length; i += 2) out += `${added[i]}: ${added[i + 1]}\r\n`;
    return out;
  }
}

export class Http1RequestHeaderMap extends Http1Lines implements RequestHeaderMap {
  method: string;
  path: string;
  authority: string;
  scheme: string;
  readonly upgrade: string | undefined;
  /** What the raw Host line says; undefined when there is none that counts. */
  readonly #rawHost: string | undefined;

  constructor(head: RequestHead) {
    super(head, KNOWN.host);
    this.method = head.method;
    this.path = head.path;
    this.authority = head.authority;
    this.scheme = head.scheme;
    this.upgrade = head.upgradeProtocol;
    this.#rawHost = head.hostLine === -1 ? undefined : head.authority;
    // Connection-specific lines that go on do so in our own words: whatever else they named was meant for us.
    if (head.upgradeProtocol !== undefined) this.add("connection", "upgrade");
    if (head.teTrailers) this.add("te", "trailers");
  }

  protected override pseudo(name: string): string | undefined {
    return requestPseudo(this, name);
  }

  protected override setPseudo(name: string, value: string): void {
    if (!setRequestPseudo(this, name, value)) super.setPseudo(name, value);
  }

  /** The Host line stands where it stood as long as it says the same; a changed one comes first (RFC 9112 3.2). */
  override toHttp1(): string {
    if (this.authority === this.#rawHost) return this.lines(false);
    return `host: ${safeValue(this.authority)}\r\n${this.lines(true)}`;
  }
}

export class Http1ResponseHeaderMap extends Http1Lines implements ResponseHeaderMap {
  status: number;

  constructor(head: ResponseHead) {
    super(head, KNOWN.removed);
    this.status = head.status;
    if (head.status === 101) this.add("connection", "upgrade");
  }

  protected override pseudo(name: string): string | undefined {
    return name === ":status" ? String(this.status) : undefined;
  }

  protected override setPseudo(name: string, value: string): void {
    if (name !== ":status" || !isStatus(value)) super.setPseudo(name, value);
    this.status = Number(value);
  }
}

export class Http1TrailerMap extends Http1Lines implements TrailerMap {
  constructor(lines: HeadLines) {
    super(lines, KNOWN.removed);
  }
}
