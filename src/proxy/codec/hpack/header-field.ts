// A name and a value as HPACK carries them: latin1 strings, one character a byte. Entries of the tables are such objects, so that what
// was found out about a field once (`tag`) is known each time that a peer refers to it.

/** RFC 7541 4.1: what an entry costs beside its bytes. */
export const ENTRY_OVERHEAD = 32;

export class HeaderField {
  name: string;
  value: string;
  /** For the reader of fields; 0 as long as it has not looked at this one. */
  tag = 0;

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
  }

  get size(): number {
    return this.name.length + this.value.length + ENTRY_OVERHEAD;
  }
}
