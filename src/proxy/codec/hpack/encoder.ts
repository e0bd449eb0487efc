// Fields to header blocks (RFC 7541). What repeats is put into the table: the first value of a name, and later ones when they come a
// second time, so that ids and dates do not push out what is worth keeping. Values that pass by once go as plain bytes: Huffman coding
// saves a fifth of the bytes and costs more than everything else here; what enters the table is coded, for it is sent once.
import { ENTRY_OVERHEAD } from "./header-field.ts";
import { huffmanEncode, huffmanLength } from "./huffman-encode.ts";
import { FIRST_DYNAMIC, STATIC_TABLE } from "./static-table.ts";

/** Values that are remembered of each name. */
const VALUES_PER_NAME = 4;
/** Names come from peers: with more than this many, what is remembered is forgotten. */
const MAX_NAMES = 256;
/** Longer values are never put into the table. */
const MAX_INDEXED_VALUE = 512;
/** Longer names are not remembered. */
const MAX_LEARNED_NAME = 128;
/** Below, a loop writes text faster than a call. */
const LOOP_TEXT = 24;

/** RFC 7541 7.1.3: what must not be guessed by watching sizes. */
const NEVER_INDEXED: ReadonlySet<string> = new Set(["authorization", "proxy-authorization"]);

/** What the encoder knows of a name. */
interface NameEntry {
  /** In lower case, as HTTP/2 wants it. */
  readonly name: string;
  readonly omitted: boolean;
  readonly neverIndexed: boolean;
  /** First index of the name in the static table; 0 for none. */
  readonly staticIndex: number;
  /** Values that the static table has, its indices from `staticIndex` on. */
  readonly staticValues: readonly string[];
  readonly values: string[];
  /** The number of each value's insertion into the dynamic table; 0: never. */
  readonly insertions: number[];
  nextValue: number;
  /** The latest insertion that has the name. */
  nameInsertion: number;
}

function nameEntry(text: string, omit: ReadonlySet<string>): NameEntry {
  const name = text.toLowerCase();
  const staticIndex = Math.max(
    0,
    STATIC_TABLE.findIndex((field, index) => index > 0 && field.name === name),
  );
  const staticValues: string[] = [];
  if (staticIndex > 0) {
    for (let index = staticIndex; STATIC_TABLE[index]?.name === name; index++) {
      if (STATIC_TABLE[index]!.value !== "") staticValues.push(STATIC_TABLE[index]!.value);
    }
  }
  return {
    name,
    omitted: omit.has(name),
    neverIndexed: NEVER_INDEXED.has(name),
    staticIndex,
    staticValues,
    values: [],
    insertions: [],
    nextValue: 0,
    nameInsertion: 0,
  };
}

function writeText(text: string, out: Buffer, at: number): number {
  const { length } = text;
  if (length > LOOP_TEXT) return at + out.write(text, at, length, "latin1");
  for (let i = 0; i < length; i++) out[at + i] = text.charCodeAt(i);
  return at + length;
}

function writeInteger(value: number, mask: number, pattern: number, out: Buffer, at: number): number {
  if (value < mask) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at++] = pattern | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    out[at++] = 0x80 | (rest & 0x7f);
    rest >>>= 7;
  }
  out[at] = rest;
  return at + 1;
}

function writeString(text: string, huffman: boolean, out: Buffer, at: number): number {
  if (huffman) {
    const length = huffmanLength(text);
    if (length < text.length) return huffmanEncode(text, out, writeInteger(length, 0x7f, 0x80, out, at));
  }
  return writeText(text, out, writeInteger(text.length, 0x7f, 0, out, at));
}

/** What a field may need at most. */
export function encodedBound(name: string, value: string): number {
  return name.length + value.length + 12;
}

/** What `begin` may need at most. */
export const BEGIN_BOUND = 10;

export class HpackEncoder {
  readonly #omit: ReadonlySet<string>;
  readonly #names = new Map<string, NameEntry>();
  #maxSize = 4096;
  #size = 0;
  /** Insertions so far; the dynamic table holds those after `#evicted`. */
  #inserted = 0;
  #evicted = 0;
  /** Sizes of the entries by insertion, in a ring. */
  #sizes = new Uint32Array(256);
  /** The lowest size since the last block, which the peer must be told with the last. */
  #owedLowest: number | undefined;

  /** Fields with a name in `omit` are left out (lower case). */
  constructor(omit: ReadonlySet<string> = new Set()) {
    this.#omit = omit;
  }

  /** What the peer's SETTINGS_HEADER_TABLE_SIZE and our own limit allow. */
  setMaxTableSize(size: number): void {
    if (size === this.#maxSize) return;
    this.#owedLowest = Math.min(size, this.#owedLowest ?? size);
    this.#maxSize = size;
    this.#evict(size);
  }

  get tableSize(): number {
    return this.#size;
  }

  /** Starts a block: what has changed of the table's size goes first (RFC 7541 4.2). Returns where the block goes on. */
  begin(out: Buffer, at: number): number {
    const lowest = this.#owedLowest;
    if (lowest === undefined) return at;
    this.#owedLowest = undefined;
    if (lowest < this.#maxSize) at = writeInteger(lowest, 0x1f, 0x20, out, at);
    return writeInteger(this.#maxSize, 0x1f, 0x20, out, at);
  }

  /** Writes a field to `out`, which has room for `encodedBound`; returns where it ends. */
  field(text: string, value: string, neverIndexed: boolean, out: Buffer, at: number): number {
    const entry = this.#names.get(text) ?? this.#learn(text);
    if (entry.omitted) return at;
    const { staticValues } = entry;
    for (let i = 0; i < staticValues.length; i++) {
      if (staticValues[i] === value) return writeInteger(entry.staticIndex + i, 0x7f, 0x80, out, at);
    }
    if (neverIndexed || entry.neverIndexed) return this.#literal(entry, value, 0x0f, 0x10, false, out, at);
    const { values } = entry;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== value) continue;
      const insertion = entry.insertions[i]!;
      if (insertion > this.#evicted) return writeInteger(FIRST_DYNAMIC + this.#inserted - insertion, 0x7f, 0x80, out, at);
      return this.#index(entry, i, value, out, at);
    }
    if (value.length > MAX_INDEXED_VALUE) return this.#literal(entry, value, 0x0f, 0, false, out, at);
    const slot = this.#remember(entry, value);
    if (values.length === 1) return this.#index(entry, slot, value, out, at);
    return this.#literal(entry, value, 0x0f, 0, false, out, at);
  }

  #learn(text: string): NameEntry {
    if (this.#names.size >= MAX_NAMES) this.#names.clear();
    const entry = nameEntry(text, this.#omit);
    if (text.length <= MAX_LEARNED_NAME) this.#names.set(text, entry);
    return entry;
  }

  #remember(entry: NameEntry, value: string): number {
    const slot = entry.values.length < VALUES_PER_NAME ? entry.values.length : entry.nextValue;
    entry.nextValue = (slot + 1) % VALUES_PER_NAME;
    entry.values[slot] = value;
    entry.insertions[slot] = 0;
    return slot;
  }

  #index(entry: NameEntry, slot: number, value: string, out: Buffer, at: number): number {
    const size = entry.name.length + value.length + ENTRY_OVERHEAD;
    if (size > this.#maxSize) return this.#literal(entry, value, 0x0f, 0, false, out, at);
    const next = this.#literal(entry, value, 0x3f, 0x40, true, out, at);
    this.#evict(this.#maxSize - size);
    if (this.#inserted - this.#evicted === this.#sizes.length) this.#grow();
    this.#inserted++;
    this.#sizes[this.#inserted & (this.#sizes.length - 1)] = size;
    this.#size += size;
    entry.insertions[slot] = this.#inserted;
    entry.nameInsertion = this.#inserted;
    return next;
  }

  #literal(entry: NameEntry, value: string, mask: number, pattern: number, huffman: boolean, out: Buffer, at: number): number {
    const { staticIndex, nameInsertion } = entry;
    if (staticIndex > 0) at = writeInteger(staticIndex, mask, pattern, out, at);
    else if (nameInsertion > this.#evicted) at = writeInteger(FIRST_DYNAMIC + this.#inserted - nameInsertion, mask, pattern, out, at);
    else {
      out[at] = pattern;
      at = writeString(entry.name, huffman, out, at + 1);
    }
    return writeString(value, huffman, out, at);
  }

  #evict(limit: number): void {
    while (this.#evicted < this.#inserted && this.#size > limit) {
      this.#evicted++;
      this.#size -= this.#sizes[this.#evicted & (this.#sizes.length - 1)]!;
    }
  }

  #grow(): void {
    const sizes = new Uint32Array(this.#sizes.length * 2);
    for (let insertion = this.#evicted + 1; insertion <= this.#inserted; insertion++) {
      sizes[insertion & (sizes.length - 1)] = this.#sizes[insertion & (this.#sizes.length - 1)]!;
    }
    this.#sizes = sizes;
  }
}
