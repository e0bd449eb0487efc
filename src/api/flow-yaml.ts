// Flow collections of the plain reader: lists and maps in brackets, on one line, or over several in a document of JSON.
import {
  cannotBegin,
  CLOSE_LIST,
  CLOSE_MAP,
  COLON,
  COMMA,
  DASH,
  DOUBLE_QUOTE,
  HASH,
  maxKeyLength,
  NEWLINE,
  OPEN_LIST,
  OPEN_MAP,
  SINGLE_QUOTE,
  SPACE,
  type YamlCursor,
} from "./yaml-cursor.ts";
import type { SourceEntry, SourceNode } from "./yaml-node.ts";

export class FlowReader {
  readonly #cursor: YamlCursor;
  /** A whole document, whose lines may break between values. */
  readonly #isJson: boolean;

  constructor(cursor: YamlCursor, isJson: boolean) {
    this.#cursor = cursor;
    this.#isJson = isJson;
  }

  /** A list or map in brackets, in a whole document of JSON over several lines. */
  read(): SourceNode | undefined {
    if (!this.#cursor.enter()) return undefined;
    const node = this.#cursor.code() === OPEN_LIST ? this.#list() : this.#map();
    this.#cursor.leave();
    return node;
  }

  #spaces(): void {
    let code = this.#cursor.code();
    while (code === SPACE || (this.#isJson && code === NEWLINE)) {
      this.#cursor.at++;
      code = this.#cursor.code();
    }
  }

  #list(): SourceNode | undefined {
    const offset = this.#cursor.at++;
    const items: SourceNode[] = [];
    this.#spaces();
    while (this.#cursor.code() !== CLOSE_LIST) {
      const item = this.#value();
      if (item === undefined) return undefined;
      items.push(item);
      if (!this.#next(CLOSE_LIST)) return undefined;
    }
    this.#cursor.at++;
    return this.#cursor.count({ kind: "list", items, offset });
  }

  #map(): SourceNode | undefined {
    const offset = this.#cursor.at++;
    const entries: SourceEntry[] = [];
    const names = new Set<string>();
    this.#spaces();
    while (this.#cursor.code() !== CLOSE_MAP) {
      const keyOffset = this.#cursor.at;
      const code = this.#cursor.code();
      const isQuoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
      const key = isQuoted ? this.#cursor.quoted(code) : this.#plain();
      if (
        key === undefined ||
        key === "<<" ||
        names.has(key) ||
        this.#cursor.at - keyOffset > maxKeyLength ||
        this.#cursor.code() !== COLON
      ) {
        return undefined;
      }
      names.add(key);
      this.#cursor.at++;
      const next = this.#cursor.code();
      if (!isQuoted && next !== SPACE) return undefined;
      this.#spaces();
      const value = this.#value();
      if (value === undefined) return undefined;
      entries.push({ key, keyOffset, value });
      if (!this.#next(CLOSE_MAP)) return undefined;
    }
    this.#cursor.at++;
    return this.#cursor.count({ kind: "map", entries, offset });
  }

  /** Past a comma, to the next item; or to the closing bracket. */
  #next(close: number): boolean {
    this.#spaces();
    if (this.#cursor.code() === close) return true;
    if (this.#cursor.code() !== COMMA) return false;
    this.#cursor.at++;
    this.#spaces();
    return this.#cursor.code() !== close;
  }

  #value(): SourceNode | undefined {
    const start = this.#cursor.at;
    const code = this.#cursor.code();
    if (code === OPEN_LIST || code === OPEN_MAP) return this.read();
    const isQuoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
    const text = isQuoted ? this.#cursor.quoted(code) : this.#plain();
    return text === undefined ? undefined : this.#cursor.scalar(text, isQuoted, start);
  }

  /** A plain scalar between brackets, on one line: what follows it says whether it was read whole. */
  #plain(): string | undefined {
    const text = this.#cursor.text;
    const start = this.#cursor.at;
    const first = this.#cursor.code();
    if (cannotBegin.has(first) || (first === DASH && !isDigit(text.charCodeAt(start + 1)))) return undefined;
    let at = start;
    for (; at < this.#cursor.end; at++) {
      const code = text.charCodeAt(at);
      if (code === COMMA || code === OPEN_LIST || code === CLOSE_LIST || code === OPEN_MAP || code === CLOSE_MAP) break;
      if (code === NEWLINE || code === HASH) break;
      if (code === COLON) {
        const next = text.charCodeAt(at + 1);
        // `[1::]` is a text for some and a map for others.
        if (next === SPACE || next === COMMA || next === CLOSE_LIST || next === CLOSE_MAP || next === NEWLINE) break;
      }
    }
    if (at === start) return undefined;
    this.#cursor.at = at;
    return text.slice(start, at).trimEnd();
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
