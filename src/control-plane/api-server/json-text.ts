// The text of a body -> JSON, with the fields that stand in it twice. Depth is bounded before a parser builds anything.
import type { SourceNode } from "#api/yaml-node";
import { readYaml } from "#api/yaml-source";
import { objectOf, type Json } from "./json.ts";

const MAX_DEPTH = 100;

export interface ReadText {
  readonly value: Json;
  /** Paths of fields that are written twice: `spec.hosts`. */
  readonly duplicates: readonly string[];
}

interface Frame {
  /** Undefined in a list. */
  readonly keys: Set<string> | undefined;
  readonly path: string;
  key: string;
  index: number;
}

const WHITE = /[ \t\r\n]*/uy;

/** @throws Error that says what is wrong with the text */
export function readJson(text: string): ReadText {
  const duplicates = scan(text);
  return { value: JSON.parse(text) as Json, duplicates };
}

/** Finds keys that stand twice, and refuses what is too deep; whether the text is JSON at all is for the parser to say. */
function scan(text: string): readonly string[] {
  const duplicates: string[] = [];
  const stack: Frame[] = [];
  let mayBeKey = false;
  for (let at = 0; at < text.length; at++) {
    const top = stack.at(-1);
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const end = stringEnd(text, at);
        if (mayBeKey && top?.keys !== undefined) noteKey(top, text.slice(at, end + 1), duplicates);
        mayBeKey = false;
        at = end;
        break;
      }
      case 0x7b:
      case 0x5b: {
        if (stack.length >= MAX_DEPTH) throw new Error(`nested more than ${MAX_DEPTH} levels deep`);
        const isMap = text.charCodeAt(at) === 0x7b;
        stack.push({ keys: isMap ? new Set() : undefined, path: pathOf(top), key: "", index: 0 });
        mayBeKey = isMap;
        break;
      }
      case 0x7d:
      case 0x5d:
        stack.pop();
        mayBeKey = false;
        break;
      case 0x2c:
        mayBeKey = top?.keys !== undefined;
        if (top !== undefined && top.keys === undefined) top.index++;
        break;
      default:
    }
  }
  return duplicates;
}

function pathOf(frame: Frame | undefined): string {
  if (frame === undefined) return "";
  if (frame.keys === undefined) return `${frame.path}[${frame.index}]`;
  return frame.path === "" ? frame.key : `${frame.path}.${frame.key}`;
}

function noteKey(frame: Frame, quoted: string, duplicates: string[]): void {
  let key: string;
  try {
    key = JSON.parse(quoted) as string;
  } catch {
    return;
  }
  frame.key = key;
  if (frame.keys?.has(key) === true) duplicates.push(pathOf(frame));
  frame.keys?.add(key);
}

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) return at;
  }
  return text.length;
}

/** JSON where the text begins like JSON, YAML otherwise: as the API server reads what is sent as YAML. @throws Error */
export function readYamlOrJson(text: string): ReadText {
  WHITE.lastIndex = 0;
  WHITE.exec(text);
  if (text[WHITE.lastIndex] === "{") return readJson(text);
  const documents = readYaml(text, "body").filter(({ root, findings }) => root !== undefined || findings.length > 0);
  const [document] = documents;
  const finding = document?.findings[0];
  if (finding !== undefined) throw new Error(`line ${finding.place?.line ?? 1}: ${finding.message}`);
  if (documents.length > 1) throw new Error("holds more than one document");
  // What stands twice in YAML is an error of its reader.
  return { value: document?.root === undefined ? null : valueOf(document.root), duplicates: [] };
}

function valueOf(node: SourceNode): Json {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(valueOf);
  return objectOf(node.entries.map(({ key, value }) => [key, valueOf(value)] as const));
}
