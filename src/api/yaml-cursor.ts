// A place in the text of a document, and what is read the same way everywhere: quoted scalars, and nodes, which are counted. Part of the
// plain reader (`plain-yaml.ts`): undefined means that the document is left to the `yaml` package.
import type { SourceNode, SourceScalar } from "./yaml-node.ts";
import { resolvePlain } from "./yaml-scalar.ts";

/** Far below the limits at which documents are refused, so that the refusal is the other reader's. */
const maxDepth = 40;
const maxNodes = 100_000;
export const maxKeyLength = 1_000;

export const NEWLINE = 10;
export const SPACE = 32;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
export const SINGLE_QUOTE = 39;
export const COMMA = 44;
export const DASH = 45;
export const COLON = 58;
export const OPEN_LIST = 91;
export const CLOSE_LIST = 93;
export const OPEN_MAP = 123;
export const CLOSE_MAP = 125;
const BACKSLASH = 92;

/** A plain scalar cannot begin with these; some of them can before certain characters, which is left to the package. */
export const cannotBegin: ReadonlySet<number> = new Set(Array.from("?:,[]{}#&*!|>'\"%@`", (character) => character.charCodeAt(0)));

export class YamlCursor {
  readonly text: string;
  readonly end: number;
  /** The next character. */
  at = 0;
  #depth = 0;
  #nodes = 0;

  constructor(text: string) {
    this.text = text;
    this.end = text.length;
  }

  code(): number {
    return this.text.charCodeAt(this.at);
  }

  skipSpaces(): void {
    while (this.text.charCodeAt(this.at) === SPACE) this.at++;
  }

  /** False when collections stand too deep in each other. */
  enter(): boolean {
    return ++this.#depth <= maxDepth;
  }

  leave(): void {
    this.#depth--;
  }

  /** On one line; undefined as well for escapes that JSON does not have. */
  quoted(quote: number): string | undefined {
    const text = this.text;
    const start = this.at;
    let hasEscapes = false;
    for (let at = start + 1; at < this.end; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) return undefined;
      if (code === quote) {
        if (quote === SINGLE_QUOTE && text.charCodeAt(at + 1) === SINGLE_QUOTE) {
          hasEscapes = true;
          at++;
          continue;
        }
        this.at = at + 1;
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

  scalar(text: string, isQuoted: boolean, offset: number): SourceScalar | undefined {
    return this.count({ kind: "scalar", value: isQuoted ? text : resolvePlain(text), text, offset, block: undefined });
  }

  count<N extends SourceNode>(node: N): N | undefined {
    return ++this.#nodes > maxNodes ? undefined : node;
  }
}

/** JSON's escapes are YAML's, too; YAML's others are left to the package. */
function unescaped(quoted: string): string | undefined {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}
