// Runs analyzers over objects. Pure. Findings are free of repetitions, sorted by level, code and object, and have their places.
import type { Finding, FindingLevel } from "#api/finding";
import { keyString } from "#api/object";
import type { MeshConfigSpec } from "#api/mesh-config";
import type { AnalyzedObject } from "./analyzed-object.ts";
import type { Analyzer, Report } from "./analyzer.ts";
import { MESSAGES } from "./messages.ts";
import { ObjectTable } from "./object-table.ts";

export interface AnalysisInputs {
  readonly objects: Iterable<AnalyzedObject>;
  readonly meshConfig: MeshConfigSpec;
  readonly analyzers: readonly Analyzer[];
  readonly wallMs: number;
  /** The kinds of which all objects are there; analyzers that need another one are left out. Everything is there when it is missing. */
  readonly seenKinds?: ReadonlySet<string> | undefined;
}

export interface Analysis {
  readonly findings: readonly Finding[];
  /** Names of the analyzers that could not see what they need. */
  readonly skipped: readonly string[];
}

/** An annotation of codes, by commas, or `*`: nothing of that is said about the object. */
const SUPPRESS_ANNOTATION = "galley.istio.io/analyze-suppress";

const LEVEL_ORDER: Readonly<Record<FindingLevel, number>> = { error: 0, warning: 1, info: 2 };

export function analyze(inputs: AnalysisInputs): Analysis {
  const { seenKinds } = inputs;
  const objects = new ObjectTable(inputs.objects);
  const found = new Map<string, Finding>();
  const report: Report = (object, type, values, where = {}) => {
    if (isSuppressed(object, type.code)) return;
    const message = type.text(...values);
    const identity = [type.code, keyString(object.key), where.field ?? "", message].join("|");
    if (found.has(identity)) return;
    const field = where.field ?? where.near;
    const place = object.placeOf?.(field ?? "metadata.name");
    found.set(identity, {
      level: type.level,
      code: type.code,
      message,
      object: object.key,
      ...(field === undefined ? {} : { field }),
      ...(place === undefined ? {} : { place }),
      ...(where.hint === undefined ? {} : { hint: where.hint }),
    });
  };
  const skipped: string[] = [];
  for (const analyzer of inputs.analyzers) {
    if (seenKinds !== undefined && (analyzer.needs ?? []).some((kind) => !seenKinds.has(kind))) {
      skipped.push(analyzer.name);
      continue;
    }
    try {
      analyzer.analyze({ objects, meshConfig: inputs.meshConfig, wallMs: inputs.wallMs, report });
    } catch (error) {
      // A fault of ours: it is said, and the other analyzers go on.
      const { code, level, text } = MESSAGES.InternalError;
      const why = error instanceof Error ? error.message : String(error);
      found.set(`${code}|${analyzer.name}`, { level, code, message: text(`analyzer ${analyzer.name}: ${why}`) });
    }
  }
  return { findings: [...found.values()].toSorted(compareFindings), skipped };
}

function isSuppressed(object: AnalyzedObject, code: string): boolean {
  const codes = object.annotations[SUPPRESS_ANNOTATION];
  return codes !== undefined && codes !== "" && codes.split(",").some((entry) => entry === "*" || entry === code);
}

export function compareFindings(a: Finding, b: Finding): number {
  return (
    LEVEL_ORDER[a.level] - LEVEL_ORDER[b.level] ||
    compareTexts(a.code, b.code) ||
    compareTexts(a.object === undefined ? "" : keyString(a.object), b.object === undefined ? "" : keyString(b.object)) ||
    (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
    compareTexts(a.message, b.message)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
