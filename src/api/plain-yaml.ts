// A reader for the YAML that nearly every file is written in: block maps and lists, scalars on one line, literal blocks, flow collections
// on one line, and whole documents of JSON. It is about ten times as fast as the `yaml` package, and knows no errors: at anything else (anchors,
// tags, folded text, tabs, whatever looks wrong) it gives up, and the package reads the document from its start. What it does read is
// the tree that the package gives, offsets included; `plain-yaml.test.ts` compares the two over samples and mutations.
import { FlowReader } from "./flow-yaml.ts";
import {
  cannotBegin,
  COLON,
  DASH,
  DOUBLE_QUOTE,
  HASH,
  maxKeyLength,
  NEWLINE,
  OPEN_LIST,
  OPEN_MAP,
  SINGLE_QUOTE,
  SPACE,
  YamlCursor,
} from "./yaml-cursor.ts";
import { nothing, type SourceEntry, type SourceMap, type SourceNode } from "./yaml-node.ts";

const PIPE = 124;

/** Controls, what some read as the end of a line, and markers of documents after the first. */
// oxlint-disable-next-line no-control-regex
const odd = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u2028\u2029\uFEFF]|^\.\.\.|\n(?:\.\.\.|---)/u;

/** The document's root, absent when it is empty; undefined when this reader does not take the document. */
export function readPlainYaml(text: string): { readonly root: SourceNode | undefined } | undefined {
  if (odd.test(text)) return undefined;
  const reader = new PlainReader(text);
  return reader.document();
}

class PlainReader {
  readonly #cursor: YamlCursor;
  /** Of the line that `nextLine` found: where it starts and how many spaces stand before its content. -1 at the end of the text. */
  #lineStart = 0;
  #indent = 0;

  constructor(text: string) {
    this.#cursor = new YamlCursor(text);
  }

  document(): { readonly root: SourceNode | undefined } | undefined {
    if (this.#cursor.text.startsWith("---")) {
      this.#cursor.at = 3;
      if (!this.#endOfLine()) return undefined;
    }
    this.#nextLine();
    if (this.#indent === -1) return { root: undefined };
    const first = this.#cursor.code();
    if (first === OPEN_MAP || first === OPEN_LIST) {
      const root = this.#indent === 0 ? new FlowReader(this.#cursor, true).read() : undefined;
      if (root === undefined || !this.#endOfLine()) return undefined;
      this.#nextLine();
      return this.#indent === -1 ? { root } : undefined;
    }
    const root = this.#collection(this.#indent);
    return root === undefined || this.#indent !== -1 ? undefined : { root };
  }

  /** To the content of the next line that has any; comments are none. */
  #nextLine(): void {
    const text = this.#cursor.text;
    let start = this.#cursor.at;
    while (start < this.#cursor.end) {
      let at = start;
      while (text.charCodeAt(at) === SPACE) at++;
      const code = text.charCodeAt(at);
      if (at < this.#cursor.end && code !== NEWLINE && code !== HASH) {
        this.#lineStart = start;
        this.#indent = at - start;
        this.#cursor.at = at;
        return;
      }
      const end = text.indexOf("\n", at);
      start = end === -1 ? this.#cursor.end : end + 1;
    }
    this.#cursor.at = this.#cursor.end;
    this.#indent = -1;
  }

  /** Past spaces, a comment and the end of the line; false when something else stands there. */
  #endOfLine(): boolean {
    const text = this.#cursor.text;
    let at = this.#cursor.at;
    while (text.charCodeAt(at) === SPACE) at++;
    if (at >= this.#cursor.end) this.#cursor.at = this.#cursor.end;
    else if (text.charCodeAt(at) === NEWLINE) this.#cursor.at = at + 1;
    else if (text.charCodeAt(at) === HASH && text.charCodeAt(at - 1) === SPACE) {
      const end = text.indexOf("\n", at);
      this.#cursor.at = end === -1 ? this.#cursor.end : end + 1;
    } else return false;
    return true;
  }

  /** - before a space or the end of the line */
  #isDash(): boolean {
    if (this.#cursor.code() !== DASH) return false;
    const next = this.#cursor.text.charCodeAt(this.#cursor.at + 1);
    return next === SPACE || next === NEWLINE || this.#cursor.at + 1 >= this.#cursor.end;
  }

  /** A block list or map whose first line is this one; its other lines are indented as much as `column`. */
  #collection(column: number): SourceNode | undefined {
    if (!this.#cursor.enter()) return undefined;
    const node = this.#isDash() ? this.#list(column) : this.#map(column);
    this.#cursor.leave();
    return node;
  }

  #list(column: number): SourceNode | undefined {
    const offset = this.#cursor.at;
    const items: SourceNode[] = [];
    do {
      this.#cursor.at++;
      const item = this.#value(column, true);
      if (item === undefined) return undefined;
      items.push(item);
    } while (this.#indent === column && this.#isDash());
    // A line that is indented more than this list belongs to nothing.
    if (this.#indent > column) return undefined;
    return this.#cursor.count({ kind: "list", items, offset });
  }

  #map(column: number): SourceMap | undefined {
    const offset = this.#cursor.at;
    const entries: SourceEntry[] = [];
    const names = new Set<string>();
    do {
      const keyOffset = this.#cursor.at;
      const key = this.#blockKey();
      if (key === undefined || key === "<<" || names.has(key)) return undefined;
      names.add(key);
      const value = this.#value(column, false);
      if (value === undefined) return undefined;
      entries.push({ key, keyOffset, value });
    } while (this.#indent === column && !this.#isDash());
    if (this.#indent > column) return undefined;
    return this.#cursor.count({ kind: "map", entries, offset });
  }

  /** A key and the colon after it, which a space or the end of the line follows. */
  #blockKey(): string | undefined {
    const start = this.#cursor.at;
    const code = this.#cursor.code();
    let key: string | undefined;
    if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) {
      key = this.#cursor.quoted(code);
      if (key === undefined || this.#cursor.code() !== COLON) return undefined;
    } else {
      const end = this.#plainEnd();
      if (end === undefined || this.#cursor.text.charCodeAt(end) !== COLON) return undefined;
      this.#cursor.at = end;
      key = this.#cursor.text.slice(start, end);
      if (key.endsWith(" ")) return undefined;
    }
    if (this.#cursor.at - start > maxKeyLength) return undefined;
    this.#cursor.at++;
    const next = this.#cursor.code();
    return this.#cursor.at >= this.#cursor.end || next === SPACE || next === NEWLINE ? key : undefined;
  }

  /** Where a plain scalar of this line ends: at the colon of a key, a comment's space, or the line's end. */
  #plainEnd(): number | undefined {
    const text = this.#cursor.text;
    let at = this.#cursor.at;
    const first = text.charCodeAt(at);
    if (cannotBegin.has(first) || (first === DASH && this.#isDash())) return undefined;
    for (; at < this.#cursor.end; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) break;
      if (code === COLON) {
        const next = text.charCodeAt(at + 1);
        if (next === SPACE || next === NEWLINE || at + 1 >= this.#cursor.end) break;
      } else if (code === SPACE && text.charCodeAt(at + 1) === HASH) break;
    }
    return at;
  }

  /** What stands after a key's colon or an item's dash, and the move to the line after it. */
  #value(column: number, inList: boolean): SourceNode | undefined {
    this.#cursor.skipSpaces();
    const start = this.#cursor.at;
    const code = this.#cursor.code();
    if (start >= this.#cursor.end || code === NEWLINE || code === HASH) return this.#valueBelow(column, inList, start);
    if (inList && this.#isDash()) return this.#collection(start - this.#lineStart);
    let node: SourceNode | undefined;
    if (code === PIPE) return this.#literal(column);
    if (code === OPEN_LIST || code === OPEN_MAP) node = new FlowReader(this.#cursor, false).read();
    else {
      const isQuoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
      const text = isQuoted ? this.#cursor.quoted(code) : this.#plain();
      if (text === undefined) return undefined;
      if (this.#cursor.code() === COLON) {
        if (!inList) return undefined;
        this.#cursor.at = start;
        return this.#collection(start - this.#lineStart);
      }
      node = this.#cursor.scalar(text, isQuoted, start);
    }
    if (node === undefined || !this.#endOfLine()) return undefined;
    this.#nextLine();
    // The next line would go on with this scalar.
    return this.#indent > column ? undefined : node;
  }

  #valueBelow(column: number, inList: boolean, offset: number): SourceNode | undefined {
    if (!this.#endOfLine()) return undefined;
    this.#nextLine();
    if (this.#indent > column) return this.#collection(this.#indent);
    // The items of a list may stand below the key without being indented.
    if (!inList && this.#indent === column && this.#isDash()) return this.#collection(column);
    return this.#cursor.count(nothing(offset));
  }

  #plain(): string | undefined {
    const end = this.#plainEnd();
    if (end === undefined) return undefined;
    const text = this.#cursor.text.slice(this.#cursor.at, end);
    this.#cursor.at = end;
    return text.endsWith(" ") ? text.trimEnd() : text;
  }

  /** The lines below | or |-, up to the first that is indented less. */
  #literal(column: number): SourceNode | undefined {
    const text = this.#cursor.text;
    const offset = this.#cursor.at;
    this.#cursor.at++;
    const isStripped = this.#cursor.code() === DASH;
    if (isStripped) this.#cursor.at++;
    if (this.#cursor.code() !== NEWLINE) return undefined;
    let at = this.#cursor.at + 1;
    let margin = -1;
    let lead = 0;
    const lines: string[] = [];
    let length = 0;
    while (at < this.#cursor.end) {
      const end = text.indexOf("\n", at);
      if (end === -1) return undefined;
      let content = at;
      while (text.charCodeAt(content) === SPACE) content++;
      const indent = content - at;
      if (content === end) {
        if (margin === -1) lead = Math.max(lead, indent);
        else if (indent > margin) return undefined;
        lines.push("");
      } else {
        if (margin === -1) {
          if (indent <= column || lead > indent) return undefined;
          margin = indent;
        }
        if (indent < margin) {
          if (indent > column) return undefined;
          break;
        }
        lines.push(text.slice(at + margin, end));
        length = lines.length;
      }
      at = end + 1;
    }
    if (margin === -1) return undefined;
    this.#cursor.at = at;
    this.#nextLine();
    if (this.#indent > column) return undefined;
    const value = lines.slice(0, length).join("\n") + (isStripped ? "" : "\n");
    return this.#cursor.count({ kind: "scalar", value, text: value, offset, block: { offset } });
  }
}
