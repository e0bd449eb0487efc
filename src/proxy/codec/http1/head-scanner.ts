// One pass over the field lines of a head (or of trailers) into an index of offsets. The index lives in a slab that many heads share:
// a typed array of its own would cost more than the scan. A region of the slab belongs to its head for good, so that whoever holds the
// head may record edits in it; the slab goes when the last of its heads goes.
import { COLON, CR, FIELD_VALUE, LF, SPACE, TAB, TOKEN } from "./characters.ts";
import { HTTP1_ERRORS } from "./http1-error.ts";
import type { Http1Error } from "./http1-error.ts";
import { KNOWN, knownHeader } from "./known-header.ts";

/** Slots of one line in the index. Offsets are relative to the head's text; a line ends where the next one starts. */
export const LINE_START = 0;
export const NAME_END = 1;
export const VALUE_START = 2;
export const VALUE_END = 3;
/** One of KNOWN; KNOWN.removed hides the line. */
export const LINE_KIND = 4;
export const LINE_SLOTS = 5;

const SLAB_SLOTS = 4096;
// The thread's slab. Nobody sees it but through the regions handed out, and a scan never yields.
let slab = new Int32Array(SLAB_SLOTS);
let used = 0;

/** Bits that most names of a head set: a name whose bits are missing is not there, which spares most lookups the walk. */
export function nameBit(length: number, firstLowerCase: number): number {
  return 1 << ((length * 5 + firstLowerCase) & 31);
}

/** Where lines stand in a text. What a scan fills, and what header maps read. */
export interface HeadLines {
  text: string;
  index: Int32Array;
  base: number;
  lineCount: number;
  /** Offset in the text after the last line. */
  end: number;
  /** Lines marked KNOWN.removed. */
  removed: number;
  /** Union of nameBit over all lines. */
  nameBits: number;
}

export function emptyHeadLines(): HeadLines {
  return { text: "", index: slab, base: 0, lineCount: 0, end: 0, removed: 0, nameBits: 0 };
}

export const INCOMPLETE = -1;
export const REFUSED = -2;

/** The result of the last scan beside its return value. */
export const scan: { error: Http1Error; kinds: number } = { error: HTTP1_ERRORS.noColon, kinds: 0 };

function refuse(error: Http1Error): number {
  scan.error = error;
  return REFUSED;
}

function notAName(byte: number, position: number, start: number): number {
  if (byte === SPACE || byte === TAB) return refuse(position === start ? HTTP1_ERRORS.obsFold : HTTP1_ERRORS.spaceBeforeColon);
  if (byte === LF) return refuse(HTTP1_ERRORS.bareLf);
  if (byte === CR) return refuse(HTTP1_ERRORS.noColon);
  if (byte === COLON) return refuse(HTTP1_ERRORS.emptyName);
  return refuse(HTTP1_ERRORS.nameCharacter);
}

/**
 * Scans lines from `position` up to and with the blank line. Returns the position behind it, INCOMPLETE when `end` comes first, or
 * REFUSED with `scan.error`. Fills `lines` but for its text only when complete; `scan.kinds` then has bit 1 << kind for every KNOWN kind seen.
 */
export function scanLines(bytes: Uint8Array, position: number, end: number, origin: number, maxLines: number, lines: HeadLines): number {
  if (used + maxLines * LINE_SLOTS > slab.length) {
    slab = new Int32Array(SLAB_SLOTS + maxLines * LINE_SLOTS);
    used = 0;
  }
  const index = slab;
  let at = used;
  let count = 0;
  let kinds = 0;
  let nameBits = 0;
  let i = position;
  for (;;) {
    if (i >= end) return INCOMPLETE;
    const first = bytes[i]!;
    const start = i;
    if (TOKEN[first] !== 1) {
      if (first !== CR) return notAName(first, i, i);
      if (i + 1 >= end) return INCOMPLETE;
      if (bytes[i + 1] !== LF) return refuse(HTTP1_ERRORS.bareCr);
      break;
    }
    do i++;
    while (i < end && TOKEN[bytes[i]!] === 1);
    if (i >= end) return INCOMPLETE;
    if (bytes[i] !== COLON) return notAName(bytes[i]!, i, start);
    const nameEnd = i++;
    while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++;
    const valueStart = i;
    while (i < end && FIELD_VALUE[bytes[i]!] === 1) i++;
    if (i >= end) return INCOMPLETE;
    if (bytes[i] !== CR) return refuse(bytes[i] === LF ? HTTP1_ERRORS.bareLf : HTTP1_ERRORS.valueCharacter);
    if (i + 1 >= end) return INCOMPLETE;
    if (bytes[i + 1] !== LF) return refuse(HTTP1_ERRORS.bareCr);
    let valueEnd = i;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--;
    i += 2;
    if (count === maxLines) return refuse(HTTP1_ERRORS.tooManyHeaders);
    const kind = knownHeader(bytes, start, nameEnd - start);
    if (kind !== KNOWN.other) kinds |= 1 << kind;
    nameBits |= nameBit(nameEnd - start, first >= 0x41 && first <= 0x5a ? first | 0x20 : first);
    index[at] = start - origin;
    index[at + 1] = nameEnd - origin;
    index[at + 2] = valueStart - origin;
    index[at + 3] = valueEnd - origin;
    index[at + 4] = kind;
    at += LINE_SLOTS;
    count++;
  }
  lines.index = index;
  lines.base = used;
  lines.lineCount = count;
  lines.end = i - origin;
  lines.removed = 0;
  lines.nameBits = nameBits;
  used = at;
  scan.kinds = kinds;
  return i + 2;
}

/** Hides every line of these kinds (bits 1 << kind). */
export function removeKinds(lines: HeadLines, kinds: number): void {
  const { index } = lines;
  const end = lines.base + lines.lineCount * LINE_SLOTS;
  for (let at = lines.base; at < end; at += LINE_SLOTS) {
    const kind = index[at + LINE_KIND]!;
    if (kind > 0 && (kinds & (1 << kind)) !== 0) {
      index[at + LINE_KIND] = KNOWN.removed;
      lines.removed++;
    }
  }
}

/** Index position of the first line of this kind, -1 without one. */
export function findKind(lines: HeadLines, kind: number): number {
  const end = lines.base + lines.lineCount * LINE_SLOTS;
  for (let at = lines.base; at < end; at += LINE_SLOTS) if (lines.index[at + LINE_KIND] === kind) return at;
  return -1;
}

export function valueAt(lines: HeadLines, at: number): string {
  return lines.text.slice(lines.index[at + VALUE_START], lines.index[at + VALUE_END]);
}

/** Does the line's name equal `name`, which is lower case? */
export function nameEquals(lines: HeadLines, at: number, name: string): boolean {
  const start = lines.index[at + LINE_START]!;
  const length = name.length;
  if (lines.index[at + NAME_END]! - start !== length) return false;
  const { text } = lines;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(start + i);
    const wanted = name.charCodeAt(i);
    if (code !== wanted && (code < 0x41 || code > 0x5a || (code | 0x20) !== wanted)) return false;
  }
  return true;
}
