// Section `bad-input`: 10,000 documents with mistakes, made from the corpus' samples by a seeded generator. Each is decoded, validated and
// analyzed: never a throw, a hang or memory without a bound, and every error has a place within its text.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Finding } from "#api/finding";
import { parseFile, type ParsedDocument } from "#api/parse-file";
import { analyze } from "#control-plane/analysis/analyze";
import { ALL_ANALYZERS } from "#control-plane/analysis/analyzers";
import { fromDocument } from "#control-plane/analysis/analyzed-object";
import { seededRandom, type Random } from "#runtime/random";
import type { SectionResult } from "./run.ts";

const DOCUMENTS = 10_000;
const SEED = 20_261_129;
const MAX_SAMPLE = 30_000;
/** For one document, on a machine that has other work as well. */
const MAX_MS = 5_000;
const MAX_HEAP_BYTES = 700 * 2 ** 20;
/** Documents whose objects are analyzed together: mistakes meet each other. */
const GROUP = 20;

interface Mistake {
  readonly name: string;
  /** Whether the document cannot be right any more. */
  readonly isFatal: boolean;
  make(text: string, random: Random): string;
}

const at = (text: string, random: Random): number => random.integer(text.length + 1);
const pick = <T>(from: readonly T[], random: Random): T => from[random.integer(from.length)] as T;

function inserted(text: string, piece: string, random: Random): string {
  const place = at(text, random);
  return text.slice(0, place) + piece + text.slice(place);
}

/** The text with the value of one line that has a key changed. */
function withValue(text: string, value: (indent: string) => string, random: Random): string {
  const lines = text.split("\n");
  const keyed = lines.flatMap((line, index) => (/^[ -]*[\w./-]+:/u.test(line) ? index : []));
  if (keyed.length === 0) return value("");
  const index = pick(keyed, random);
  const found = /^([ -]*)([\w./-]+):/u.exec(lines[index] ?? "");
  lines[index] = `${found?.[1] ?? ""}${found?.[2] ?? ""}: ${value((found?.[1] ?? "").replaceAll("-", " "))}`;
  return lines.join("\n");
}

const BOMB = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
for (let level = 1; level < 12; level++) BOMB.push(`a${level}: &a${level} [${`*a${level - 1}, `.repeat(9)}*a${level - 1}]`);

const PIECES =
  "- |: |:|#|'|\"|[|]|{|}|,|&a |*a |!|!!binary |? |\t|%|@|...|---\n|\r\n|\r|\u0000|\u0007|\u2028|\uFEFF|\\|<<: |\u00E9|\uD83D".split("|");
const VALUES = [
  "",
  "null",
  "[]",
  "{}",
  "-1",
  "0",
  "1e999",
  ".nan",
  "99999999999999999999",
  "yes",
  "'",
  '"',
  "[[[]]]",
  "{a: {b: c}}",
  "|",
  ">",
  "*x",
];
const PROTOTYPE_KEYS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];

const MISTAKES: readonly Mistake[] = [
  { name: "cut off", isFatal: false, make: (text, random) => text.slice(0, at(text, random)) },
  { name: "beginning lost", isFatal: false, make: (text, random) => text.slice(at(text, random)) },
  { name: "odd characters", isFatal: false, make: (text, random) => inserted(text, pick(PIECES, random), random) },
  { name: "another value", isFatal: false, make: (text, random) => withValue(text, () => pick(VALUES, random), random) },
  {
    name: "indentation",
    isFatal: false,
    make: (text, random) => text.replaceAll(/^ +/gmu, (indent) => (random.integer(8) === 0 ? indent.slice(1) : indent)),
  },
  {
    name: "lines swapped",
    isFatal: false,
    make: (text, random) => {
      const lines = text.split("\n");
      const [one, other] = [random.integer(lines.length), random.integer(lines.length)];
      [lines[one], lines[other]] = [lines[other] ?? "", lines[one] ?? ""];
      return lines.join("\n");
    },
  },
  {
    name: "lines repeated",
    isFatal: false,
    make: (text, random) =>
      text
        .split("\n")
        .flatMap((line) => (random.integer(10) === 0 ? [line, line] : [line]))
        .join("\n"),
  },
  {
    name: "prototype keys",
    isFatal: false,
    make: (text, random) => {
      const key = pick(PROTOTYPE_KEYS, random);
      return withValue(text, (indent) => `\n${indent}  ${key}:\n${indent}    ${key}: {${key}: 1}`, random);
    },
  },
  {
    name: "renamed to prototype keys",
    isFatal: false,
    make: (text, random) =>
      text.replaceAll(/(?<![\w-])[\w-]{1,40}(?=:)/gu, (key) => (random.integer(12) === 0 ? pick(PROTOTYPE_KEYS, random) : key)),
  },
  {
    name: "a huge scalar",
    isFatal: false,
    make: (text, random) =>
      withValue(text, () => pick(["x", "1", "a.", "%41", "(", "*"], random).repeat(1 + random.integer(200_000)), random),
  },
  {
    name: "a huge list",
    isFatal: false,
    make: (text, random) =>
      withValue(text, () => `[${`${pick(["a", "1", "{}", "null", "[]"], random)}, `.repeat(random.integer(20_000))}]`, random),
  },
  { name: "larger than a file may be", isFatal: true, make: (text) => text + `# ${"x".repeat(1_000)}\n`.repeat(3_300) },
  { name: "deep lists", isFatal: true, make: (text, random) => withValue(text, () => "[".repeat(150 + random.integer(50_000)), random) },
  { name: "deep maps", isFatal: true, make: (text, random) => withValue(text, () => "{a: ".repeat(150 + random.integer(20_000)), random) },
  { name: "deep dashes", isFatal: true, make: (_, random) => `${"- ".repeat(250 + random.integer(20_000))}a\n` },
  {
    name: "deep indentation",
    isFatal: true,
    make: (_, random) => Array.from({ length: 250 + random.integer(500) }, (__, depth) => `${" ".repeat(depth)}a:\n`).join(""),
  },
  { name: "an alias bomb", isFatal: true, make: (text) => `${BOMB.join("\n")}\n${text.replace(/^---.*\n/u, "")}` },
  { name: "a merge bomb", isFatal: true, make: () => mergeBomb() },
  { name: "an alias to itself", isFatal: false, make: (text, random) => withValue(text, () => "&self [*self]", random) },
  { name: "UTF-16", isFatal: true, make: (text) => Buffer.from(text.slice(0, 5_000), "utf16le").toString("utf8") },
  { name: "UTF-16 with its mark", isFatal: true, make: (text) => Buffer.from(`\uFEFF${text.slice(0, 5_000)}`, "utf16le").toString("utf8") },
  {
    name: "bytes that are no UTF-8",
    isFatal: false,
    make: (text, random) => {
      const bytes = Buffer.from(text);
      for (let count = 0; count < 5; count++) bytes[random.integer(bytes.length)] = 128 + random.integer(128);
      return bytes.toString("utf8");
    },
  },
  { name: "compressed", isFatal: true, make: (text) => gzipSync(text).toString("utf8") },
];

function mergeBomb(): string {
  const lines = [`m0: &m0 {${Array.from({ length: 100 }, (_, index) => `k${index}: v`).join(", ")}}`];
  for (let level = 1; level < 9; level++)
    lines.push(`m${level}: &m${level} {${Array.from({ length: 10 }, (_, index) => `x${index}: {<<: *m${level - 1}}`).join(", ")}}`);
  return `${lines.join("\n")}\n`;
}

function sampleTexts(corpusRoot: string): readonly string[] {
  const index = JSON.parse(readFileSync(join(corpusRoot, "samples/index.json"), "utf8")) as readonly { readonly file: string }[];
  return index
    .filter(({ file }) => /\.ya?ml$/u.test(file))
    .flatMap(({ file }) => readFileSync(join(corpusRoot, "samples", file), "utf8").split(/^(?=---)/mu))
    .filter((text) => text.length > 40 && text.length <= MAX_SAMPLE && text.includes("kind:"));
}

function misplaced({ place }: Finding, text: string): string | undefined {
  if (place === undefined) return "an error has no place";
  const lines = text.split("\n");
  const line = lines[place.line - 1];
  // A mark of byte order does not count as a column.
  if (line === undefined || place.column < 1 || place.column > line.length + 1) return `an error stands at ${place.line}:${place.column}`;
  return undefined;
}

function judge(documents: readonly ParsedDocument[], text: string, isFatal: boolean): string | undefined {
  let errors = 0;
  for (const { findings, object } of documents) {
    const own = findings.filter(({ level }) => level === "error");
    errors += own.length;
    if (own.length > 0 && object !== undefined) return "an object was read in spite of an error";
    for (const error of own.slice(0, 20)) {
      const why = misplaced(error, text);
      if (why !== undefined) return `${why}: ${error.message.slice(0, 100)}`;
    }
  }
  return isFatal && errors === 0 ? "no error was found" : undefined;
}

export async function run(corpusRoot: string): Promise<SectionResult> {
  const random = seededRandom(SEED);
  const samples = sampleTexts(corpusRoot);
  const failures: { id: string; why: string }[] = [];
  let group: ParsedDocument[] = [];
  for (let index = 0; index < DOCUMENTS; index++) {
    const mistake = MISTAKES[index % MISTAKES.length] as Mistake;
    let text = mistake.make(pick(samples, random), random);
    const more = random.integer(3);
    // Further mistakes could take the fatal one away.
    if (!mistake.isFatal) for (let count = 0; count < more; count++) text = pick(MISTAKES.slice(0, 9), random).make(text, random);
    const fail = (why: string): void => void failures.push({ id: `${index} (${mistake.name})`, why });
    const started = performance.now();
    try {
      const documents = parseFile(text, "a.yaml");
      const why = judge(documents, text, mistake.isFatal);
      if (why !== undefined) fail(why);
      group.push(...documents.slice(0, 100));
      if (index % GROUP === 0) {
        analyzeAll(group);
        group = [];
      }
    } catch (error) {
      fail(`threw ${error instanceof Error ? (error.stack ?? error.message).slice(0, 400) : String(error)}`);
      group = [];
    }
    const ms = performance.now() - started;
    if (ms > MAX_MS) fail(`took ${Math.round(ms)} ms`);
    if (process.memoryUsage().heapUsed > MAX_HEAP_BYTES)
      fail(`the heap grew to ${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MB`);
    if (failures.length > 50) break;
  }
  return { passed: DOCUMENTS - failures.length, total: DOCUMENTS, failures };
}

/** An analyzer that throws becomes IST0001. */
function analyzeAll(documents: readonly ParsedDocument[]): void {
  const objects = documents.flatMap((document) => fromDocument(document) ?? []);
  const { findings } = analyze({ objects, meshConfig: {}, analyzers: ALL_ANALYZERS, wallMs: 0 });
  const broken = findings.find(({ code }) => code === "IST0001");
  if (broken !== undefined) throw new Error(broken.message);
}
