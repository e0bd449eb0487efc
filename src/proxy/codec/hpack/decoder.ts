// Header blocks to fields (RFC 7541). A block is given whole; what comes of it is bounded by its reader, which may pass fields over
// but must let the block be decoded to its end: the dynamic table is shared by all blocks of the connection.
import { DecoderTable } from "./decoder-table.ts";
import { HeaderField } from "./header-field.ts";
import { decodedBound, huffmanDecode } from "./huffman-decode.ts";
import { FIRST_DYNAMIC, STATIC_TABLE } from "./static-table.ts";
import { TextCache } from "./text-cache.ts";

export interface FieldReader {
  /** The field is the decoder's, and valid until the call returns; its strings may be kept. */
  onField(field: HeaderField, neverIndexed: boolean): void;
}

/** Why a block cannot be decoded. The connection is lost: the table is no longer the peer's. */
export type HpackError =
  | "the block ends within a field"
  | "an integer is too large"
  | "an index points behind the tables"
  | "a string is not a Huffman code"
  | "a table size update is larger than the setting"
  | "a table size update stands behind a field"
  | "the table size was lowered and the block does not say so";

const MAX_INTEGER_BITS = 28;

export class HpackDecoder {
  readonly #table: DecoderTable;
  readonly #texts = new TextCache();
  readonly #literal = new HeaderField("", "");
  #scratch = Buffer.allocUnsafe(256);
  /** SETTINGS_HEADER_TABLE_SIZE as the peer knows it. */
  #settingSize = 4096;
  #maxSize = 4096;
  /** The next block begins with an update to this size or less (RFC 7541 4.2). */
  #owedUpdate: number | undefined;
  // The block that is being decoded.
  #bytes: Buffer = this.#scratch;
  #at = 0;
  #end = 0;
  #error: HpackError | undefined;

  constructor() {
    this.#table = new DecoderTable(this.#maxSize);
  }

  /** The peer has acknowledged our SETTINGS_HEADER_TABLE_SIZE. */
  setMaxTableSize(size: number): void {
    if (size < this.#settingSize && size < this.#maxSize) this.#owedUpdate = size;
    this.#settingSize = size;
  }

  get tableSize(): number {
    return this.#table.size;
  }

  decode(bytes: Buffer, start: number, end: number, reader: FieldReader): HpackError | undefined {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#error = undefined;
    let updates = true;
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      if ((first & 0x80) !== 0) {
        if (updates && !this.#updatesDone()) return this.#error;
        updates = false;
        const index = this.#integer(0x7f);
        const field = index < FIRST_DYNAMIC ? STATIC_TABLE[index]! : this.#table.at(index - FIRST_DYNAMIC);
        if (field === undefined || index === 0) return this.#fail("an index points behind the tables");
        reader.onField(field, false);
      } else if ((first & 0x60) === 0x20) {
        if (!updates) return this.#fail("a table size update stands behind a field");
        this.#resize(this.#integer(0x1f));
        if (this.#error !== undefined) return this.#error;
      } else {
        if (updates && !this.#updatesDone()) return this.#error;
        updates = false;
        const indexed = (first & 0x40) !== 0;
        const name = this.#name(this.#integer(indexed ? 0x3f : 0x0f));
        const value = this.#string();
        if (this.#error !== undefined) return this.#error;
        if (indexed) reader.onField(this.#table.add(name, value), false);
        else {
          const field = this.#literal;
          field.name = name;
          field.value = value;
          field.tag = 0;
          reader.onField(field, (first & 0x10) !== 0);
        }
      }
    }
    return this.#error;
  }

  #updatesDone(): boolean {
    if (this.#owedUpdate === undefined) return true;
    this.#fail("the table size was lowered and the block does not say so");
    return false;
  }

  #resize(size: number): void {
    if (size > this.#settingSize) {
      this.#fail("a table size update is larger than the setting");
      return;
    }
    if (this.#owedUpdate !== undefined && size <= this.#owedUpdate) this.#owedUpdate = undefined;
    this.#maxSize = size;
    this.#table.resize(size);
  }

  #name(index: number): string {
    if (index === 0) return this.#string();
    const field = index < FIRST_DYNAMIC ? STATIC_TABLE[index]! : this.#table.at(index - FIRST_DYNAMIC);
    if (field !== undefined) return field.name;
    this.#fail("an index points behind the tables");
    return "";
  }

  /** RFC 7541 5.1. */
  #integer(mask: number): number {
    let value = this.#bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) {
        this.#fail("the block ends within a field");
        return 0;
      }
      if (shift >= MAX_INTEGER_BITS) {
        this.#fail("an integer is too large");
        return 0;
      }
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
  }

  #string(): string {
    if (this.#error !== undefined) return "";
    if (this.#at >= this.#end) {
      this.#fail("the block ends within a field");
      return "";
    }
    const huffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(0x7f);
    const start = this.#at;
    // Before anything is set aside for it: a length is only believed when its bytes are there.
    if (this.#error !== undefined || length > this.#end - start) {
      this.#fail("the block ends within a field");
      return "";
    }
    this.#at = start + length;
    if (!huffman) return this.#texts.text(this.#bytes, start, this.#at);
    const bound = decodedBound(length);
    if (bound > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(2 * bound);
    const decoded = huffmanDecode(this.#bytes, start, this.#at, this.#scratch);
    if (decoded >= 0) return this.#texts.text(this.#scratch, 0, decoded);
    this.#fail("a string is not a Huffman code");
    return "";
  }

  /** The first failure counts. */
  #fail(error: HpackError): HpackError {
    this.#error ??= error;
    this.#at = this.#end;
    return this.#error;
  }
}
