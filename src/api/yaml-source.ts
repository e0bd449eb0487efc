// YAML text as trees of nodes that know where they stand. Built on the `yaml` package's parser; what scalars mean, anchors, merge
// keys and limits are decided here, because a hostile or half-written file must end in a finding with a place, never in a crash, a
// long wait or a wrong value.
import { isAlias, isMap, isPair, isScalar, isSeq, parseDocument, type ParsedNode, type YAMLError } from "yaml";
import type { Finding, Place } from "./finding.ts";
import { resolvePlain, type ScalarValue } from "./yaml-scalar.ts";

export interface SourceScalar {
  readonly kind: "scalar";
  readonly value: ScalarValue;
  /** As it was written, without quotes. */
  readonly text: string;
  readonly offset: number;
  /** Where the lines of a literal block begin, when it is one. */
  readonly block: { readonly offset: number } | undefined;
}

export interface SourceList {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
  readonly offset: number;
}

export interface SourceEntry {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: SourceNode;
}

export interface SourceMap {
  readonly kind: "map";
  readonly entries: readonly SourceEntry[];
  readonly offset: number;
}

export type SourceNode = SourceScalar | SourceList | SourceMap;

/** One document of a file. */
export interface SourceDocument {
  readonly text: string;
  readonly startLine: number;
  /** Undefined when it is empty. After a syntax error: as much as could be read, for the object's name only. */
  readonly root: SourceNode | undefined;
  readonly findings: readonly Finding[];
  place(offset: number): Place;
}

const maxFileBytes = 3 * 1024 * 1024;
const maxDepth = 100;
const maxNodes = 500_000;
const maxSyntaxFindings = 10;
const maxDocuments = 10_000;

const marker = /^---(?=[ \t\r\n]|$)/gmu;

/** The texts between `---` lines. A line that begins so cannot be content, not even in quotes or in a block (YAML 1.2, 9.1.2). */
function split(text: string): readonly { readonly text: string; readonly startLine: number }[] {
  const starts = [0];
  for (const match of text.matchAll(marker)) if (match.index > 0) starts.push(match.index);
  const parts: { text: string; startLine: number }[] = [];
  let line = 1;
  let from = 0;
  for (let index = 0; index < starts.length; index++) {
    const end = starts[index + 1] ?? text.length;
    const part = text.slice(from, end);
    // A %YAML directive belongs to the document that the next marker begins.
    if (/^%/mu.test(part) && !part.startsWith("---") && index + 1 < starts.length) continue;
    parts.push({ text: part, startLine: line });
    for (let at = part.indexOf("\n"); at !== -1; at = part.indexOf("\n", at + 1)) line++;
    from = end;
  }
  return parts;
}

/** Reads a file; never throws. */
export function readYaml(text: string, file: string): readonly SourceDocument[] {
  if (text.length > maxFileBytes) return [refused(file, `file is larger than ${maxFileBytes / 1024 / 1024} MiB`)];
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const parts = split(plain);
  if (parts.length > maxDocuments) return [refused(file, `file has more than ${maxDocuments} documents`)];
  return parts.map((part) => readDocument(part.text, file, part.startLine));
}

function refused(file: string, message: string): SourceDocument {
  const place = { file, line: 1, column: 1 };
  return { text: "", startLine: 1, root: undefined, findings: [{ level: "error", code: "MZ0001", message, place }], place: () => place };
}

function readDocument(text: string, file: string, startLine: number): SourceDocument {
  let lines: readonly number[] | undefined;
  const place = (offset: number): Place => {
    lines ??= lineStarts(text);
    const line = lineOf(lines, offset);
    return { file, line: startLine + line, column: offset - (lines[line] ?? 0) + 1 };
  };
  const findings: Finding[] = [];
  const report = (offset: number, message: string, hint?: string): void => {
    if (findings.length >= maxSyntaxFindings) return;
    findings.push({ level: "error", code: "MZ0001", message, place: place(offset), ...(hint === undefined ? {} : { hint }) });
  };
  const deep = tooDeep(text);
  if (deep !== undefined) {
    report(deep, `is nested more than ${maxDepth} levels deep`);
    return { text, startLine, root: undefined, findings, place };
  }
  const document = parseDocument(text, {
    // Every scalar stays text: resolvePlain says what it means.
    schema: "failsafe",
    prettyErrors: false,
    stringKeys: true,
    // The package compares each key with all others; the set in readMap does not.
    uniqueKeys: false,
    logLevel: "silent",
  });
  for (const error of document.errors) report(Math.min(error.pos[0], text.length), syntaxMessage(error), syntaxHint(error));
  const reader = new Reader(text, report);
  const root = document.contents === null ? undefined : reader.read(document.contents as ParsedNode, 0);
  const empty = root?.kind === "scalar" && root.value === null;
  return { text, startLine, root: empty ? undefined : root, findings, place };
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function syntaxMessage(error: YAMLError): string {
  const message = error.message.replaceAll(/\s+/gu, " ").replace(/[.:]$/u, "");
  return `YAML syntax: ${message.charAt(0).toLowerCase()}${message.slice(1, 200)}`;
}

function syntaxHint(error: YAMLError): string | undefined {
  switch (error.code) {
    case "TAB_AS_INDENT":
      return "indent with spaces";
    case "BAD_INDENT":
    case "BLOCK_AS_IMPLICIT_KEY":
    case "BLOCK_IN_FLOW":
      return "check the indentation of this line and the one above";
    case "MISSING_CHAR":
      return "a bracket, quote, comma or colon is missing";
    case "MULTIPLE_DOCS":
      return "separate documents with ---";
    default:
      return undefined;
  }
}

/**
 * The package composes by recursion, so depth is bounded before it sees the text. Counted roughly, and never too low: brackets that
 * are open, and dashes and indentation that can nest in one line. Text in block scalars counts, too; a hundred open brackets there
 * are not configuration.
 */
function tooDeep(text: string): number | undefined {
  let open = 0;
  const indents: number[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf("\n", at);
    const stop = end === -1 ? text.length : end;
    let column = at;
    while (column < stop && text.charCodeAt(column) === 32) column++;
    if (column < stop && text.charCodeAt(column) !== 35) {
      const indent = column - at;
      while (indents.length > 0 && (indents.at(-1) ?? 0) >= indent) indents.pop();
      indents.push(indent);
      // `- - - a` nests without a new line, as does `? ? a`.
      let dash = column;
      while (dash + 1 < stop && isIndicator(text.charCodeAt(dash)) && text.charCodeAt(dash + 1) <= 32) {
        indents.push(dash - at);
        dash++;
        while (dash < stop && text.charCodeAt(dash) <= 32) dash++;
        if (indents.length > maxDepth * 2) return column;
      }
      for (let index = column; index < stop; index++) {
        const code = text.charCodeAt(index);
        if (code === 91 || code === 123) open++;
        else if ((code === 93 || code === 125) && open > 0) open--;
        if (open > maxDepth) return index;
      }
      if (indents.length > maxDepth * 2) return column;
    }
    at = stop + 1;
  }
  return undefined;
}

/** - or ? or : */
function isIndicator(code: number): boolean {
  return code === 45 || code === 63 || code === 58;
}

interface Measured {
  readonly node: SourceNode;
  /** Nodes in it with every alias written out. */
  readonly size: number;
}

/** From the package's nodes to ours. */
class Reader {
  readonly #text: string;
  readonly #report: (offset: number, message: string, hint?: string) => void;
  readonly #anchors = new Map<string, Measured>();
  #stopped = false;

  constructor(text: string, report: (offset: number, message: string, hint?: string) => void) {
    this.#text = text;
    this.#report = report;
  }

  read(node: ParsedNode, depth: number): SourceNode {
    return this.#measure(node, depth).node;
  }

  #measure(node: ParsedNode, depth: number): Measured {
    const offset = node.range[0];
    if (this.#stopped) return { node: nothing(offset), size: 1 };
    if (depth > maxDepth) return this.#stop(offset, `is nested more than ${maxDepth} levels deep`);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target !== undefined) return target;
      this.#report(offset, `alias *${node.source} has no anchor`, `write &${node.source} before it`);
      return { node: nothing(offset), size: 1 };
    }
    if (node.tag !== undefined && node.tag !== "!" && !/^tag:yaml\.org,2002:(?:str|map|seq)$/u.test(node.tag)) {
      this.#report(offset, `tag ${node.tag.slice(0, 80)} is not used in configuration`, "remove it");
    }
    const measured = this.#content(node, depth, offset);
    if (measured.size > maxNodes) return this.#stop(offset, `has more than ${maxNodes} values, aliases written out`);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, measured);
    return measured;
  }

  #content(node: Exclude<ParsedNode, { source: string; type?: undefined }>, depth: number, offset: number): Measured {
    if (isScalar(node)) return { node: scalar(node as ScalarNode), size: 1 };
    if (isSeq(node)) {
      const items: SourceNode[] = [];
      let size = 1;
      for (const item of node.items) {
        const bare = node.flow === true ? this.#colonAtEnd(item as ParsedNode) : undefined;
        const measured = bare === undefined ? this.#measure(item as ParsedNode, depth + 1) : { node: bare, size: 1 };
        items.push(measured.node);
        size += measured.size;
      }
      return { node: { kind: "list", items, offset }, size };
    }
    if (isMap(node)) return this.#map(node.items, depth, offset);
    return { node: nothing(offset), size: 1 };
  }

  /**
   * `[1::]` is a list of one text for kubectl and Istio (Go's parser), and of one map by YAML's letter. Addresses are written so; a map
   * of one key without a value never is.
   */
  #colonAtEnd(item: ParsedNode): SourceScalar | undefined {
    if (!isMap(item) || item.items.length !== 1 || this.#text[item.range[0]] === "{") return undefined;
    const key = item.items[0]?.key as ParsedNode | null | undefined;
    if (key === null || key === undefined || !isScalar(key) || key.type !== "PLAIN" || key.anchor !== undefined || key.tag !== undefined) {
      return undefined;
    }
    const end = key.range[1];
    if (this.#text[end] !== ":" || !",]".includes(this.#text[end + 1] ?? " ")) return undefined;
    const text = `${String(key.value)}:`;
    return { kind: "scalar", value: resolvePlain(text), text, offset: key.range[0], block: undefined };
  }

  #map(pairs: readonly unknown[], depth: number, offset: number): Measured {
    const entries: SourceEntry[] = [];
    const names = new Set<string>();
    const merged: SourceEntry[] = [];
    let size = 1;
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const key = pair.key as ParsedNode | null;
      if (key === null || !isScalar(key)) continue;
      const keyOffset = key.range[0];
      const name = typeof key.value === "string" ? key.value : "";
      const value = pair.value === null ? { node: nothing(key.range[1]), size: 1 } : this.#measure(pair.value as ParsedNode, depth + 1);
      size += value.size;
      // Checked here, before aliases are copied: merged maps add up fast.
      if (size > maxNodes) return this.#stop(keyOffset, `has more than ${maxNodes} values, aliases written out`);
      if (name === "<<" && key.type === "PLAIN") {
        merged.push(...this.#mergeable(value.node, keyOffset));
        continue;
      }
      if (names.has(name)) this.#report(keyOffset, `key "${name.slice(0, 80)}" is written twice`, "keep one of them");
      else entries.push({ key: name, keyOffset, value: value.node });
      names.add(name);
    }
    // What is written here is stronger than what is merged, and the first of several merged maps than the next.
    for (const entry of merged) {
      if (names.has(entry.key)) continue;
      names.add(entry.key);
      entries.push(entry);
    }
    return { node: { kind: "map", entries, offset }, size };
  }

  #mergeable(node: SourceNode, offset: number): readonly SourceEntry[] {
    const maps = node.kind === "list" ? node.items : [node];
    const entries: SourceEntry[] = [];
    for (const map of maps) {
      if (map.kind === "map") entries.push(...map.entries);
      else this.#report(offset, "merge key << needs a map or a list of maps");
    }
    return entries;
  }

  #stop(offset: number, message: string): Measured {
    this.#report(offset, message);
    this.#stopped = true;
    return { node: nothing(offset), size: 1 };
  }
}

interface ScalarNode {
  readonly value: unknown;
  readonly type?: string;
  readonly tag?: string;
  readonly range: readonly [number, number, number];
}

function scalar(node: ScalarNode): SourceScalar {
  const text = typeof node.value === "string" ? node.value : "";
  const plain = node.type === "PLAIN" && node.tag === undefined;
  const block = node.type === "BLOCK_LITERAL" ? { offset: node.range[0] } : undefined;
  return { kind: "scalar", value: plain ? resolvePlain(text) : text, text, offset: node.range[0], block };
}

function nothing(offset: number): SourceScalar {
  return { kind: "scalar", value: null, text: "", offset, block: undefined };
}
