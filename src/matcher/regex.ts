// Regular expressions of configuration: RE2's language and linear time, whatever the pattern. Two engines:
// - V8's own backtracking engine, where V8 promises to end in linear time (it falls back to its linear engine when it backtracks too
//   much) and the pattern means the same in both languages; about 20 ns a match;
// - re2js for the rest; about 500 ns.
// Nothing else in the product may hand a pattern from configuration to `new RegExp`.
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import type { RE2JS } from "re2js";
import { wireText } from "./wire-text.ts";

/** Characters. A pattern that somebody writes by hand is below 1,000. */
const MAX_PATTERN_LENGTH = 16_384;
/** Istio's re2.max_program_size.error_level. */
const MAX_PROGRAM_SIZE = 32_768;

export interface Regex {
  readonly pattern: string;
  readonly engine: "v8" | "re2";
  /** Whether the whole text matches, as Envoy's safe_regex asks. */
  matches(text: string): boolean;
  /** Every match replaced; `\1` to `\9` in `substitution` stand for groups, `\0` for the match, `\\` for a backslash. */
  replaceAll(text: string, substitution: string): string;
}

let linearV8 = false;

/**
 * Makes V8's linear engine available to this process. Called once by whoever starts a thread, before configuration arrives; without it
 * every pattern runs in re2js, which is as safe and slower.
 */
export function enableLinearRegexEngine(): void {
  setFlagsFromString("--enable-experimental-regexp-engine");
  setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
  linearV8 = true;
}

const require = createRequire(import.meta.url);
let loaded: typeof RE2JS | undefined;

/** Most configurations hold no pattern at all, and re2js is 1 MB on each thread: loaded with the first one. */
function re2(): typeof RE2JS {
  return (loaded ??= (require("re2js") as typeof import("re2js")).RE2JS);
}

/** @throws Error naming what is wrong with the pattern */
export function compileRegex(pattern: string): Regex {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new Error(`regex is longer than ${MAX_PATTERN_LENGTH} characters`);
  const wire = wireText(pattern);
  let whole: RE2JS;
  try {
    whole = re2().compile(wire);
  } catch (error) {
    throw new Error(`regex "${shorten(pattern)}" is not valid RE2: ${message(error)}`, { cause: error });
  }
  const size = whole.programSize();
  if (size > MAX_PROGRAM_SIZE)
    throw new Error(`regex "${shorten(pattern)}" is too complex: program size ${size} exceeds ${MAX_PROGRAM_SIZE}`);
  const translated = linearV8 ? sameInV8(wire) : undefined;
  if (translated !== undefined && isLinear(`^(?:${translated})$`)) return new V8Regex(pattern, translated);
  return new Re2Regex(pattern, whole);
}

/** @throws Error when `substitution` names a group that the pattern lacks, or holds a lone backslash */
export function checkSubstitution(pattern: string, substitution: string): void {
  const groups = re2().compile(wireText(pattern)).groupCount();
  for (let i = 0; i < substitution.length; i++) {
    if (substitution[i] !== "\\") continue;
    const next = substitution[++i];
    if (next === "\\") continue;
    if (next === undefined || next < "0" || next > "9") throw new Error(`substitution "${substitution}" has a lone backslash; write \\\\`);
    if (Number(next) > groups) throw new Error(`substitution "${substitution}" names group ${next}, the regex has ${groups}`);
  }
}

class V8Regex implements Regex {
  readonly pattern: string;
  readonly engine = "v8";
  readonly #whole: RegExp;
  readonly #anywhere: RegExp;

  constructor(pattern: string, translated: string) {
    this.pattern = pattern;
    this.#whole = new RegExp(`^(?:${translated})$`);
    this.#anywhere = new RegExp(translated, "g");
  }

  matches(text: string): boolean {
    return this.#whole.test(text);
  }

  replaceAll(text: string, substitution: string): string {
    let end = -1;
    return text.replace(this.#anywhere, (...found: unknown[]) => {
      const match = found[0] as string;
      const at = found.at(-2) as number;
      if (isLeftOver(match, at, end)) return "";
      end = at + match.length;
      return fill(substitution, (group) => (found[group] as string | undefined) ?? "");
    });
  }
}

class Re2Regex implements Regex {
  readonly pattern: string;
  readonly engine = "re2";
  readonly #compiled: RE2JS;

  constructor(pattern: string, compiled: RE2JS) {
    this.pattern = pattern;
    this.#compiled = compiled;
  }

  matches(text: string): boolean {
    return this.#compiled.testExact(text);
  }

  replaceAll(text: string, substitution: string): string {
    const matcher = this.#compiled.matcher(text);
    let out = "";
    let from = 0;
    let end = -1;
    while (matcher.find()) {
      if (isLeftOver(matcher.group() ?? "", matcher.start(), end)) continue;
      out += text.slice(from, matcher.start()) + fill(substitution, (group) => matcher.group(group) ?? "");
      end = from = matcher.end();
    }
    return out + text.slice(from);
  }
}

/** RE2 knows no empty match right behind the match before: `.*` replaces a text once, not once more at its end. */
function isLeftOver(match: string, at: number, endBefore: number): boolean {
  return match === "" && at === endBefore;
}

function fill(substitution: string, group: (index: number) => string): string {
  let out = "";
  for (let i = 0; i < substitution.length; i++) {
    const char = substitution[i] as string;
    if (char !== "\\") out += char;
    else {
      const next = substitution[++i] as string;
      out += next === "\\" ? "\\" : group(Number(next));
    }
  }
  return out;
}

/** V8's own flag: such an expression compiles only when it can run in linear time. */
const LINEAR_FLAG: string = "l";

function isLinear(source: string): boolean {
  try {
    void new RegExp(source, LINEAR_FLAG);
    return true;
  } catch {
    // Not an error: the pattern runs in re2js.
    return false;
  }
}

/**
 * The pattern in V8's notation when every construct in it means the same in both languages, else undefined. A list of what is known
 * to be safe: what is not on it (flags, Unicode classes, POSIX classes, \Q..\E, \C, octal escapes ...) goes to re2js.
 */
function sameInV8(pattern: string): string | undefined {
  let out = "";
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char > "~" || char < " ") return undefined;
    if (char === "\\") {
      const translated = escapeInV8(pattern[++i], inClass);
      if (translated === undefined) return undefined;
      out += translated;
    } else if (inClass) {
      if (char === "[") return undefined;
      if (char === "]") inClass = false;
      out += char;
    } else if (char === "[") {
      inClass = true;
      out += char;
      if (pattern[i + 1] === "^") out += pattern[++i];
      // A leading "]" is a literal for RE2 and the end of an empty class for V8.
      if (pattern[i + 1] === "]") return undefined;
    } else if (char === "(" && pattern[i + 1] === "?") {
      if (pattern[i + 2] !== ":") return undefined;
      out += "(?:";
      i += 2;
    } else if (char === ".") {
      // V8's dot leaves out \r, U+2028 and U+2029 too.
      out += "[^\\n]";
    } else {
      out += char;
    }
  }
  return out;
}

const SPACE = "\\t\\n\\f\\r ";

function escapeInV8(next: string | undefined, inClass: boolean): string | undefined {
  if (next === undefined) return undefined;
  if ("dDwW".includes(next)) return `\\${next}`;
  // V8's \s holds Unicode spaces and \v, RE2's does not.
  if (next === "s") return inClass ? SPACE : `[${SPACE}]`;
  if (next === "S") return inClass ? undefined : `[^${SPACE}]`;
  if ("bB".includes(next)) return inClass ? undefined : `\\${next}`;
  if ("nrtf".includes(next)) return `\\${next}`;
  return /[A-Za-z0-9_]/.test(next) ? undefined : `\\${next}`;
}

function shorten(pattern: string): string {
  return pattern.length > 80 ? `${pattern.slice(0, 80)}...` : pattern;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
