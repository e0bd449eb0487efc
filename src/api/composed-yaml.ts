// YAML text as a tree, read by the `yaml` package: every form that YAML has, and every error. What scalars mean, anchors, merge keys and
// limits are decided here, because a hostile or half-written file must end in a finding with a place, never in a long wait or a wrong value.
import { isAlias, isMap, isPair, isScalar, isSeq, parseDocument, type ParsedNode, type YAMLError } from "yaml";
import { nothing, type SourceEntry, type SourceNode, type SourceScalar } from "./yaml-node.ts";
import { resolvePlain } from "./yaml-scalar.ts";

const maxDepth = 100;
const maxNodes = 500_000;

export type ReportSyntax = (offset: number, message: string, hint?: string) => void;

/** The root; undefined when the document is empty. After a syntax error: as much as could be read. */
export function composeYaml(text: string, report: ReportSyntax): SourceNode | undefined {
  const document = parseDocument(text, {
    // Every scalar stays text: resolvePlain says what it means.
    schema: "failsafe",
    prettyErrors: false,
    stringKeys: true,
    // The package compares each key with all others; the set in #map does not.
    uniqueKeys: false,
    logLevel: "silent",
  });
  for (const error of document.errors) report(Math.min(error.pos[0], text.length), syntaxMessage(error), syntaxHint(error));
  return document.contents === null ? undefined : new Composer(text, report).read(document.contents as ParsedNode, 0);
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

interface Measured {
  readonly node: SourceNode;
  /** Nodes in it with every alias written out. */
  readonly size: number;
}

/** From the package's nodes to ours. */
class Composer {
  readonly #text: string;
  readonly #report: ReportSyntax;
  readonly #anchors = new Map<string, Measured>();
  #stopped = false;

  constructor(text: string, report: ReportSyntax) {
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
      if (names.has(name)) this.#report(keyOffset, `key "${name.slice(0, 80)}" is written twice`, twiceHint(name, depth));
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

/** Two objects in one document: files were joined without a marker. */
function twiceHint(name: string, depth: number): string {
  return depth === 0 && (name === "apiVersion" || name === "kind") ? "begin another object with a line ---" : "keep one of them";
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
