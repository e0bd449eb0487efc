// The result of a run as lines to read: per scenario what differs, per type how much is equal, and which differences are frequent.
import type { JsonValue } from "@bufbuild/protobuf";
import { canonical } from "./list-meaning.ts";
import type { PlacedDifference, ScenarioResult } from "./scenario-result.ts";
import { TYPE_NAMES } from "./scenario.ts";

const SHOWN = 3;
const VALUE_WIDTH = 160;
const PATTERNS = 40;

/** `found` in full: every difference. */
export function scenarioLines(result: ScenarioResult, inFull: boolean): readonly string[] {
  if (result.error !== undefined) return [`error: ${result.error}`];
  const shown = inFull ? result.differences : result.differences.slice(0, SHOWN);
  const lines = shown.map((difference) => differenceLine(difference, inFull));
  const left = result.differences.length - shown.length;
  return left === 0 ? lines : [...lines, `... and ${left} more`];
}

function differenceLine({ proxy, type, resource, path, expected, got }: PlacedDifference, inFull: boolean): string {
  return `${proxy} ${type} ${resource} ${path === "" ? "(resource)" : path}: expected ${shorten(expected, inFull)}, got ${shorten(got, inFull)}`;
}

function shorten(value: JsonValue | undefined, inFull: boolean): string {
  if (value === undefined) return "nothing";
  const text = canonical(value);
  return inFull || text.length <= VALUE_WIDTH ? text : `${text.slice(0, VALUE_WIDTH)}...`;
}

export function summaryLines(results: readonly ScenarioResult[]): readonly string[] {
  const lines = TYPE_NAMES.map((type) => {
    const [total, equal] = (["total", "equal"] as const).map((which) => results.reduce((sum, { counts }) => sum + counts[type][which], 0));
    return `${type}: ${equal} of ${total} resources equal`;
  });
  const byPattern = Map.groupBy(
    results.flatMap(({ name, differences }) => differences.map((difference) => ({ scenario: name, pattern: patternOf(difference) }))),
    ({ pattern }) => pattern,
  );
  const frequent = [...byPattern]
    .map(([pattern, found]) => ({ pattern, count: found.length, scenarios: new Set(found.map(({ scenario }) => scenario)) }))
    .sort((a, b) => b.scenarios.size - a.scenarios.size || b.count - a.count);
  lines.push(`${frequent.length} patterns of differences (scenarios, differences, pattern, an example)`);
  for (const { pattern, count, scenarios } of frequent.slice(0, PATTERNS)) {
    const [example] = scenarios;
    lines.push(`${String(scenarios.size).padStart(4)} ${String(count).padStart(5)}  ${pattern}  (${example})`);
  }
  return lines;
}

/** Names of filters stay, other names go: the same fault in many places is one pattern. */
function patternOf({ type, resource, path, expected, got }: PlacedDifference): string {
  const general = path.replaceAll(/\[(?!(?:istio|envoy)\.)[^\]]*\]/g, "[]");
  const kind = expected === undefined ? "extra" : got === undefined ? "missing" : "differs";
  return `${type} ${resourceClass(resource)} ${general === "" ? "(resource)" : general} ${kind}`;
}

function resourceClass(resource: string): string {
  if (/^(?:out|in)bound(?:_\.\d+_)?\|/.test(resource)) return `${resource.slice(0, resource.indexOf("|"))}|*`;
  if (/^(?:virtual|BlackHole|Passthrough|Inbound)/.test(resource)) return resource;
  return "*";
}
