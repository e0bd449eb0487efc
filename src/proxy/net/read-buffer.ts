// Where bytes lie that were just read. All connections of a thread read into one shared buffer; whoever handles a read has its bytes until
// it returns, and asks `own` for bytes that it needs longer: nothing is allocated for what is parsed and sent on at once. A connection
// that reads much gets memory of its own, out of which the kernel may go on to write when the read is over.

export const SHARED_BYTES = 65_536;

/** A body of 100 KB and its head in one read, where they are there already. */
const PRIVATE_BYTES = 131_072;

/** More in one read: the next one goes into memory of the connection's own. */
const LARGE_READ_BYTES = 16_384;

/** So many smaller ones in a row, and it is given back. */
const SMALL_READS = 16;

/** Memory that waits for the next connection that reads much. */
const MAX_FREE = 16;

const POISON = 0xdb;

/** `writes`: so many writes out of it have not ended. `owned`: somebody keeps a part for good. `reading`: a connection reads into it. */
interface Memory {
  readonly bytes: Buffer;
  writes: number;
  owned: boolean;
  reading: boolean;
}

function makeMemory(length: number): Memory {
  return { bytes: Buffer.allocUnsafeSlow(length), writes: 0, owned: false, reading: false };
}

const shared = makeMemory(SHARED_BYTES);
const free: Memory[] = [];

/** Up to here reads have one view each, which all reads of that length share: making one costs as much as a look at a whole head. */
const VIEWED_BYTES = 4096;

/** A buffer that is given up soon is not worth the list of its views. */
const USES_BEFORE_VIEWS = 64;

/** The first bytes of one buffer, again and again. */
export class Views {
  readonly #bytes: Buffer;
  #uses = 0;
  #views: (Buffer | undefined)[] | undefined = undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  first(length: number): Buffer {
    if (length > VIEWED_BYTES || ++this.#uses < USES_BEFORE_VIEWS) return this.#bytes.subarray(0, length);
    const views = (this.#views ??= Array.from<undefined>({ length: VIEWED_BYTES + 1 }).fill(undefined));
    return (views[length] ??= this.#bytes.subarray(0, length));
  }
}

const sharedViews = new Views(shared.bytes);

/** The memory of the read that is being handled. */
let lent: Memory | undefined;

export function isLent(bytes: Uint8Array): boolean {
  return lent !== undefined && bytes.buffer === lent.bytes.buffer;
}

/** Bytes that stay as they are when the read is over: the same, or a copy where they are only lent. For everybody who holds on to a chunk. */
export function own<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  if (lent === undefined || !isLent(bytes)) return bytes;
  if (lent === shared || bytes.length < LARGE_READ_BYTES) return Buffer.from(bytes) as Uint8Array as Bytes;
  lent.owned = true;
  return bytes;
}

/** Bytes for a write, which may not end at once: out of memory that is not shared the kernel can go on to write. */
export function stable(bytes: Uint8Array): Uint8Array {
  return lent === shared ? own(bytes) : bytes;
}

/** A write of these has not ended. @returns what to `release` when it has */
export function hold(pieces: readonly (string | Uint8Array)[]): Memory | undefined {
  if (!pieces.some((piece) => typeof piece !== "string" && isLent(piece))) return undefined;
  lent!.writes++;
  return lent;
}

export function release(memory: Memory): void {
  memory.writes--;
  recycle(memory);
}

function recycle(memory: Memory): void {
  if (memory.writes > 0 || memory.owned || memory.reading || memory.bytes.length !== PRIVATE_BYTES) return;
  if (free.length < MAX_FREE) free.push(memory);
}

/** Lends bytes from elsewhere, and overwrites them when `take` is done: whoever holds on to them without asking is found. */
export function lendPoisoned(bytes: Uint8Array, take: (chunk: Buffer) => void): void {
  const memory = makeMemory(bytes.length);
  memory.bytes.set(bytes);
  const outer = lent;
  lent = memory;
  try {
    take(memory.bytes);
  } finally {
    lent = outer;
    if (!memory.owned) memory.bytes.fill(POISON);
  }
}

/** The reads of one connection. */
export class ReadBuffer {
  readonly #poison: boolean;
  #memory = shared;
  #small = 0;

  /** `poison`: what was lent is overwritten. */
  constructor(poison: boolean) {
    this.#poison = poison;
  }

  /** For the next read. */
  get bytes(): Buffer {
    return this.#memory.bytes;
  }

  /** `length` bytes were read. @returns the buffer for the next read; undefined: the same */
  lend(length: number, take: { onData(chunk: Buffer): void }): Buffer | undefined {
    const memory = this.#memory;
    const outer = lent;
    lent = memory;
    try {
      take.onData(memory === shared ? sharedViews.first(length) : memory.bytes.subarray(0, length));
    } finally {
      lent = outer;
      if (this.#poison && memory.writes === 0 && !memory.owned) memory.bytes.fill(POISON, 0, length);
    }
    return this.#next(memory, length);
  }

  #next(memory: Memory, length: number): Buffer | undefined {
    const large = length > LARGE_READ_BYTES;
    this.#small = large ? 0 : this.#small + 1;
    if (memory === shared ? !large : memory.writes === 0 && !memory.owned && this.#small < SMALL_READS) return undefined;
    this.giveBack();
    if (large) this.#take();
    return this.#memory.bytes;
  }

  #take(): void {
    this.#memory = free.pop() ?? makeMemory(PRIVATE_BYTES);
    this.#memory.reading = true;
  }

  /** Nothing is read any more. */
  giveBack(): void {
    const memory = this.#memory;
    if (memory === shared) return;
    this.#memory = shared;
    memory.reading = false;
    recycle(memory);
  }
}
