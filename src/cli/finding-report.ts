// Findings as people and programs read them: istioctl's lines with the source below them, and istioctl's JSON and YAML. Pure.
import picocolors from "picocolors";
import type { Finding, FindingLevel } from "#api/finding";
import { writtenKind } from "#api/kinds";
import { yamlText } from "./yaml-text.ts";

export const REPORT_FORMATS = ["log", "json", "yaml"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  readonly format: ReportFormat;
  readonly colors: boolean;
  /** The text of a file that findings stand in; undefined when it is not at hand. */
  readonly textOf: (file: string) => string | undefined;
}

const LEVEL_NAMES: Readonly<Record<FindingLevel, string>> = { error: "Error", warning: "Warning", info: "Info" };
const DOCUMENTATION = "https://istio.io/latest/docs/reference/config/analysis";
const MAX_QUOTED = 160;
/** What decoding and validation say begins with the field: "must be 0 or more". Analyzers speak in whole sentences. */
const SAID_OF_FIELDS = new Set(["IST0106", "IST0130", "IST0131", "IST0133"]);

/** `VirtualService default/reviews` */
function originOf({ object }: Finding): string {
  if (object === undefined) return "";
  return `${writtenKind(object.kind)} ${object.namespace === "" ? "" : `${object.namespace}/`}${object.name}`;
}

function messageOf({ code, field, message }: Finding): string {
  const isOfField = code.startsWith("MZ") || SAID_OF_FIELDS.has(code);
  return isOfField && field !== undefined && field !== "" ? `${field}: ${message}` : message;
}

function referenceOf({ place }: Finding): string {
  return place === undefined ? "" : `${place.file}:${place.line}`;
}

export function reportText(findings: readonly Finding[], options: ReportOptions): string {
  if (options.format === "json") return `${JSON.stringify(findings.map(unstructured), undefined, 2)}\n`;
  if (options.format === "yaml") return yamlText(findings.map(unstructured));
  const lines = new SourceLines(options.textOf);
  return findings.map((finding) => logEntry(finding, options.colors, lines)).join("");
}

/** istioctl's fields, then ours. */
function unstructured(finding: Finding): Readonly<Record<string, unknown>> {
  const { code, level, field, hint, place } = finding;
  const reference = referenceOf(finding);
  return {
    code,
    level: LEVEL_NAMES[level],
    message: messageOf(finding),
    ...(finding.object === undefined ? {} : { origin: originOf(finding) }),
    ...(reference === "" ? {} : { reference, column: place?.column }),
    ...(code.startsWith("IST") ? { documentationUrl: `${DOCUMENTATION}/${code.toLowerCase()}/` } : {}),
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function logEntry(finding: Finding, colors: boolean, lines: SourceLines): string {
  const paint = picocolors.createColors(colors);
  const colorOf = { error: paint.red, warning: paint.yellow, info: paint.green }[finding.level];
  const origin = [originOf(finding), referenceOf(finding)].filter((part) => part !== "").join(" ");
  const head = `${colorOf(LEVEL_NAMES[finding.level])} [${finding.code}]${origin === "" ? "" : ` (${origin})`} ${messageOf(finding)}\n`;
  const quote = finding.place === undefined || lines.mayBeSecret(finding) ? undefined : lines.at(finding.place.file, finding.place.line);
  const entry = [head];
  if (quote !== undefined && finding.place !== undefined) {
    const number = String(finding.place.line).padStart(6);
    const shown = quote.slice(0, MAX_QUOTED);
    entry.push(paint.dim(`${number} | ${shown}\n`));
    const column = finding.place.column - 1;
    if (column < shown.length) entry.push(`${" ".repeat(6)} | ${" ".repeat(column)}${colorOf("^")}\n`);
  }
  if (finding.hint !== undefined) entry.push(`${" ".repeat(6)} = ${finding.hint}\n`);
  return entry.join("");
}

const SECRET = /\bkind["']?\s*:\s*["']?Secret\b/u;

/** The lines of files, each split once. */
class SourceLines {
  #textOf: (file: string) => string | undefined;
  #lines = new Map<string, readonly string[]>();

  constructor(textOf: (file: string) => string | undefined) {
    this.#textOf = textOf;
  }

  /** What is printed ends in the logs of CI: no line of a Secret, nor of a document that could be one. */
  mayBeSecret({ object, place }: Finding): boolean {
    if (object !== undefined) return object.kind === "Secret";
    return place !== undefined && SECRET.test(this.#textOf(place.file) ?? "");
  }

  at(file: string, line: number): string | undefined {
    let lines = this.#lines.get(file);
    if (lines === undefined) this.#lines.set(file, (lines = this.#textOf(file)?.split(/\r?\n/u) ?? []));
    // Tabs and escapes of a terminal would move the mark, or more.
    return lines[line - 1]?.replaceAll(/\p{Cc}/gu, " ");
  }
}
