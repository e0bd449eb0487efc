// The text of a file as documents: trees of nodes that know where they stand. A hostile or half-written file must end in a finding with a
// place, never in a crash, a long wait or a wrong value: limits are decided here, before a parser sees the text.
import { createRequire } from "node:module";
import type { Finding, Place } from "./finding.ts";
import { readPlainYaml } from "./plain-yaml.ts";
import type { SourceNode } from "./yaml-node.ts";

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
  const plain = readPlainYaml(text);
  const root = plain === undefined ? composed(text, report) : plain.root;
  const empty = root?.kind === "scalar" && root.value === null;
  return { text, startLine, root: empty ? undefined : root, findings, place };
}

const require = createRequire(import.meta.url);

/** Most files need no more than the plain reader; loading the other one takes as long as reading a thousand objects. */
function composed(text: string, report: (offset: number, message: string, hint?: string) => void): SourceNode | undefined {
  const { composeYaml } = require("#api/composed-yaml") as typeof import("./composed-yaml.ts");
  return composeYaml(text, report);
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
