// A reader for the YAML that nearly every file is written in: block maps and lists, scalars on one line, literal blocks, flow collections
// on one line, and whole documents of JSON. It is ten times as fast as the `yaml` package, and knows no errors: at anything else (anchors,
// tags, folded text, tabs, whatever looks wrong) it gives up, and the package reads the document from its start. What it does read is
// the tree that the package gives, offsets included; `plain-yaml.test.ts` compares the two over samples and mutations.
import { nothing, type SourceEntry, type SourceMap, type SourceNode, type SourceScalar } from "./yaml-node.ts";
import { resolvePlain } from "./yaml-scalar.ts";

/** Far below the limits at which documents are refused, so that the refusal is the other reader's. */
const maxDepth = 40;
const maxNodes = 100_000;
const maxKeyLength = 1_000;

const TAB = 9;
const NEWLINE = 10;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const HASH = 35;
const SINGLE_QUOTE = 39;
const COMMA = 44;
const DASH = 45;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const PIPE = 124;
const OPEN_MAP = 123;
const CLOSE_MAP = 125;

/** Controls, what some read as the end of a line, and markers of documents after the first. */
// oxlint-disable-next-line no-control-regex
const odd = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u2028\u2029\uFEFF]|^\.\.\.|\n(?:\.\.\.|---)/u;

/** A plain scalar cannot begin with these; some of them can before certain characters, which is left to the package. */
const cannotBegin = new Set(Array.from("?:,[]{}#&*!|>'\"%@`", (character) => character.charCodeAt(0)));

/** The document's root, absent when it is empty; undefined when this reader does not take the document. */
export function readPlainYaml(text: string): { readonly root: SourceNode | undefined } | undefined {
  if (odd.test(text)) return undefined;
  const reader = new PlainReader(text);
  return reader.document();
}

class PlainReader {
  readonly #text: string;
  readonly #end: number;
  /** The next character. */
  #at = 0;
  /** Of the line that `nextLine` found: where it starts and how many spaces stand before its content. -1 at the end of the text. */
  #lineStart = 0;
  #indent = 0;
  #depth = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
    this.#end = text.length;
  }

  document(): { readonly root: SourceNode | undefined } | undefined {
    if (this.#text.startsWith("---")) {
      this.#at = 3;
      if (!this.#endOfLine()) return undefined;
    }
    this.#nextLine();
    if (this.#indent === -1) return { root: undefined };
    const first = this.#code();
    if (first === OPEN_MAP || first === OPEN_LIST) {
      const root = this.#indent === 0 ? this.#flow(true) : undefined;
      if (root === undefined || !this.#endOfLine()) return undefined;
      this.#nextLine();
      return this.#indent === -1 ? { root } : undefined;
    }
    const root = this.#collection(this.#indent);
    return root === undefined || this.#indent !== -1 ? undefined : { root };
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  /** To the content of the next line that has any; comments are none. */
  #nextLine(): void {
    const text = this.#text;
    let start = this.#at;
    while (start < this.#end) {
      let at = start;
      while (text.charCodeAt(at) === SPACE) at++;
      const code = text.charCodeAt(at);
      if (at < this.#end && code !== NEWLINE && code !== HASH) {
        this.#lineStart = start;
        this.#indent = at - start;
        this.#at = at;
        return;
      }
      const end = text.indexOf("\n", at);
      start = end === -1 ? this.#end : end + 1;
    }
    this.#at = this.#end;
    this.#indent = -1;
  }

  /** Past spaces, a comment and the end of the line; false when something else stands there. */
  #endOfLine(): boolean {
    const text = this.#text;
    let at = this.#at;
    while (text.charCodeAt(at) === SPACE) at++;
    if (at >= this.#end) this.#at = this.#end;
    else if (text.charCodeAt(at) === NEWLINE) this.#at = at + 1;
    else if (text.charCodeAt(at) === HASH && text.charCodeAt(at - 1) === SPACE) {
      const end = text.indexOf("\n", at);
      this.#at = end === -1 ? this.#end : end + 1;
    } else return false;
    return true;
  }

  #skipSpaces(): void {
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++;
  }

  /** - before a space or the end of the line */
  #isDash(): boolean {
    if (this.#code() !== DASH) return false;
    const next = this.#text.charCodeAt(this.#at + 1);
    return next === SPACE || next === NEWLINE || this.#at + 1 >= this.#end;
  }

  /** A block list or map whose first line is this one; its other lines are indented as much as `column`. */
  #collection(column: number): SourceNode | undefined {
    if (++this.#depth > maxDepth) return undefined;
    const node = this.#isDash() ? this.#list(column) : this.#map(column);
    this.#depth--;
    return node;
  }

  #list(column: number): SourceNode | undefined {
    const offset = this.#at;
    const items: SourceNode[] = [];
    do {
      this.#at++;
      const item = this.#value(column, true);
      if (item === undefined) return undefined;
      items.push(item);
    } while (this.#indent === column && this.#isDash());
    // A line that is indented more than this list belongs to nothing.
    if (this.#indent > column) return undefined;
    return this.#count({ kind: "list", items, offset });
  }

  #map(column: number): SourceMap | undefined {
    const offset = this.#at;
    const entries: SourceEntry[] = [];
    const names = new Set<string>();
    do {
      const keyOffset = this.#at;
      const key = this.#blockKey();
      if (key === undefined || key === "<<" || names.has(key)) return undefined;
      names.add(key);
      const value = this.#value(column, false);
      if (value === undefined) return undefined;
      entries.push({ key, keyOffset, value });
    } while (this.#indent === column && !this.#isDash());
    if (this.#indent > column) return undefined;
    return this.#count({ kind: "map", entries, offset });
  }

  /** A key and the colon after it, which a space or the end of the line follows. */
  #blockKey(): string | undefined {
    const start = this.#at;
    const code = this.#code();
    let key: string | undefined;
    if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) {
      key = this.#quoted(code);
      if (key === undefined || this.#code() !== COLON) return undefined;
    } else {
      const end = this.#plainEnd();
      if (end === undefined || this.#text.charCodeAt(end) !== COLON) return undefined;
      this.#at = end;
      key = this.#text.slice(start, end);
      if (key.endsWith(" ")) return undefined;
    }
    if (this.#at - start > maxKeyLength) return undefined;
    this.#at++;
    const next = this.#code();
    return this.#at >= this.#end || next === SPACE || next === NEWLINE ? key : undefined;
  }

  /** Where a plain scalar of this line ends: at the colon of a key, a comment's space, or the line's end. */
  #plainEnd(): number | undefined {
    const text = this.#text;
    let at = this.#at;
    const first = text.charCodeAt(at);
    if (cannotBegin.has(first) || (first === DASH && this.#isDash())) return undefined;
    for (; at < this.#end; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) break;
      if (code === COLON) {
        const next = text.charCodeAt(at + 1);
        if (next === SPACE || next === NEWLINE || at + 1 >= this.#end) break;
      } else if (code === SPACE && text.charCodeAt(at + 1) === HASH) break;
    }
    return at;
  }

  /** What stands after a key's colon or an item's dash, and the move to the line after it. */
  #value(column: number, inList: boolean): SourceNode | undefined {
    this.#skipSpaces();
    const start = this.#at;
    const code = this.#code();
    if (start >= this.#end || code === NEWLINE || code === HASH) return this.#valueBelow(column, inList, start);
    if (inList && this.#isDash()) return this.#collection(start - this.#lineStart);
    let node: SourceNode | undefined;
    if (code === PIPE) return this.#literal(column);
    if (code === OPEN_LIST || code === OPEN_MAP) node = this.#flow(false);
    else {
      const isQuoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
      const text = isQuoted ? this.#quoted(code) : this.#plain();
      if (text === undefined) return undefined;
      if (this.#code() === COLON) {
        if (!inList) return undefined;
        this.#at = start;
        return this.#collection(start - this.#lineStart);
      }
      node = this.#scalar(text, isQuoted, start);
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
    return this.#count(nothing(offset));
  }

  #plain(): string | undefined {
    const end = this.#plainEnd();
    if (end === undefined) return undefined;
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return text.endsWith(" ") ? text.trimEnd() : text;
  }

  /** On one line; undefined as well for escapes that JSON does not have. */
  #quoted(quote: number): string | undefined {
    const text = this.#text;
    const start = this.#at;
    let hasEscapes = false;
    for (let at = start + 1; at < this.#end; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) return undefined;
      if (code === quote) {
        if (quote === SINGLE_QUOTE && text.charCodeAt(at + 1) === SINGLE_QUOTE) {
          hasEscapes = true;
          at++;
          continue;
        }
        this.#at = at + 1;
        if (!hasEscapes) return text.slice(start + 1, at);
        return quote === SINGLE_QUOTE ? text.slice(start + 1, at).replaceAll("''", "'") : unescaped(text.slice(start, at + 1));
      }
      if (code === BACKSLASH && quote === DOUBLE_QUOTE) {
        hasEscapes = true;
        at++;
        if (text.charCodeAt(at) === NEWLINE) return undefined;
      }
    }
    return undefined;
  }

  #scalar(text: string, isQuoted: boolean, offset: number): SourceScalar | undefined {
    return this.#count({ kind: "scalar", value: isQuoted ? text : resolvePlain(text), text, offset, block: undefined });
  }

  /** The lines below | or |-, up to the first that is indented less. */
  #literal(column: number): SourceNode | undefined {
    const text = this.#text;
    const offset = this.#at;
    this.#at++;
    const isStripped = this.#code() === DASH;
    if (isStripped) this.#at++;
    if (this.#code() !== NEWLINE) return undefined;
    let at = this.#at + 1;
    let margin = -1;
    let lead = 0;
    const lines: string[] = [];
    let length = 0;
    while (at < this.#end) {
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
    this.#at = at;
    this.#nextLine();
    if (this.#indent > column) return undefined;
    const value = lines.slice(0, length).join("\n") + (isStripped ? "" : "\n");
    return this.#count({ kind: "scalar", value, text: value, offset, block: { offset } });
  }

  /** A list or map in brackets, in a whole document of JSON over several lines. */
  #flow(isJson: boolean): SourceNode | undefined {
    if (++this.#depth > maxDepth) return undefined;
    const node = this.#code() === OPEN_LIST ? this.#flowList(isJson) : this.#flowMap(isJson);
    this.#depth--;
    return node;
  }

  #flowSpaces(isJson: boolean): void {
    let code = this.#code();
    while (code === SPACE || (isJson && code === NEWLINE)) {
      this.#at++;
      code = this.#code();
    }
  }

  #flowList(isJson: boolean): SourceNode | undefined {
    const offset = this.#at++;
    const items: SourceNode[] = [];
    this.#flowSpaces(isJson);
    while (this.#code() !== CLOSE_LIST) {
      const item = this.#flowValue(isJson);
      if (item === undefined) return undefined;
      items.push(item);
      if (!this.#flowNext(isJson, CLOSE_LIST)) return undefined;
    }
    this.#at++;
    return this.#count({ kind: "list", items, offset });
  }

  #flowMap(isJson: boolean): SourceNode | undefined {
    const offset = this.#at++;
    const entries: SourceEntry[] = [];
    const names = new Set<string>();
    this.#flowSpaces(isJson);
    while (this.#code() !== CLOSE_MAP) {
      const keyOffset = this.#at;
      const code = this.#code();
      const isQuoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
      const key = isQuoted ? this.#quoted(code) : this.#flowPlain();
      if (key === undefined || key === "<<" || names.has(key) || this.#at - keyOffset > maxKeyLength || this.#code() !== COLON) {
        return undefined;
      }
      names.add(key);
      this.#at++;
      const next = this.#code();
      if (!isQuoted && next !== SPACE) return undefined;
      this.#flowSpaces(isJson);
      const value = this.#flowValue(isJson);
      if (value === undefined) return undefined;
      entries.push({ key, keyOffset, value });
      if (!this.#flowNext(isJson, CLOSE_MAP)) return undefined;
    }
    this.#at++;
    return this.#count({ kind: "map", entries, offset });
  }

  /** Past a comma, to the next item; or to the closing bracket. */
  #flowNext(isJson: boolean, close: number): boolean {
    this.#flowSpaces(isJson);
    if (this.#code() === close) return true;
    if (this.#code() !== COMMA) return false;
    this.#at++;
    this.#flowSpaces(isJson);
    return this.#code() !== close;
  }

  #flowValue(isJson: boolean): SourceNode | undefined {
    const start = this.#at;
    const code = this.#code();
    if (code === OPEN_LIST || code === OPEN_MAP) return this.#flow(isJson);
    const isQuoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
    const text = isQuoted ? this.#quoted(code) : this.#flowPlain();
    return text === undefined ? undefined : this.#scalar(text, isQuoted, start);
  }

  /** A plain scalar between brackets, on one line: what follows it says whether it was read whole. */
  #flowPlain(): string | undefined {
    const text = this.#text;
    const start = this.#at;
    const first = this.#code();
    if (cannotBegin.has(first) || (first === DASH && !isDigit(text.charCodeAt(start + 1)))) return undefined;
    let at = start;
    for (; at < this.#end; at++) {
      const code = text.charCodeAt(at);
      if (code === COMMA || code === OPEN_LIST || code === CLOSE_LIST || code === OPEN_MAP || code === CLOSE_MAP) break;
      if (code === NEWLINE || code === HASH || code === TAB) break;
      if (code === COLON) {
        const next = text.charCodeAt(at + 1);
        // `[1::]` is a text for some and a map for others.
        if (next === SPACE || next === COMMA || next === CLOSE_LIST || next === CLOSE_MAP || next === NEWLINE) break;
      }
    }
    if (at === start) return undefined;
    this.#at = at;
    return text.slice(start, at).trimEnd();
  }

  #count<N extends SourceNode>(node: N): N | undefined {
    return ++this.#nodes > maxNodes ? undefined : node;
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** JSON's escapes are YAML's, too; YAML's others are left to the package. */
function unescaped(quoted: string): string | undefined {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}
