// What of an outcome must be the same whoever is asked: without times, random identifiers and what the harness itself adds.
import type { Outcome } from "../replay/traffic.ts";

/** Compared as text. */
export type Observation = string;

/** How often each was observed. */
export type Observations = ReadonlyMap<Observation, number>;

const OF_THE_HARNESS = /^x-echo-/;
const VARYING_REQUEST_HEADERS: ReadonlySet<string> = new Set(["x-request-id"]);
const VARYING_RESPONSE_HEADERS: ReadonlySet<string> = new Set(["date", "content-length", "x-envoy-upstream-service-time", "x-request-id"]);

/** `arrivals`: where the request arrived, every try and every copy. With `anyEndpoint` it is only counted how often. */
export function observe(outcome: Outcome, arrivals: readonly string[], anyEndpoint: boolean): Observation {
  const arrived = anyEndpoint ? arrivals.length : [...arrivals].sort().join(" ");
  if (outcome.kind === "failed") return `failed: ${outcome.reason}${arrivals.length === 0 ? "" : `, arrived: ${arrived}`}`;
  const { status, headers, report, body, certificate } = outcome;
  return JSON.stringify({
    status,
    ...(certificate === undefined ? {} : { certificate }),
    ...(body === "" ? {} : { body }),
    ...(arrivals.length === 0 ? {} : { arrived }),
    headers: pick(headers, VARYING_RESPONSE_HEADERS),
    ...(report === undefined
      ? {}
      : {
          report: { ...report, ...(anyEndpoint ? { destination: "..." } : {}), headers: pick(report.headers, VARYING_REQUEST_HEADERS) },
        }),
  });
}

function pick(headers: Readonly<Record<string, string>>, varying: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OF_THE_HARNESS.test(name))
      .map(([name, value]): [string, string] => [name, varying.has(name) ? "..." : steady(name, value)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function steady(name: string, value: string): string {
  // The hash is of a certificate that is made anew for each run; a generated cookie is random.
  if (name === "x-forwarded-client-cert") return value.replaceAll(/Hash=[0-9a-f]+/g, "Hash=...");
  // RFC 9110, 7.6.1: connection options are compared without case.
  if (name === "connection") return value.toLowerCase();
  if (name === "set-cookie") return value.replaceAll(/="?[0-9a-f]{16}"?/g, "=...");
  return value;
}

export function tally(observations: readonly Observation[]): Observations {
  const counts = new Map<Observation, number>();
  for (const observation of observations) counts.set(observation, (counts.get(observation) ?? 0) + 1);
  return counts;
}

/** Beyond this many standard deviations two shares are different: about once in 100,000 by chance. */
const SIGMAS = 4.4;
/** Fewer calls are made only where there is but one possible answer. */
const FEW = 20;

/** Why two tallies do not describe the same behaviour, or undefined. */
export function difference(expected: Observations, got: Observations): string | undefined {
  const [wanted, seen] = [total(expected), total(got)];
  const certain = Math.min(wanted, seen) < FEW || (expected.size === 1 && got.size === 1);
  // What is there on one side only tells most.
  const onBoth = [...expected.keys()].filter((observation) => got.has(observation));
  const all = [...expected.keys(), ...got.keys()].filter((observation) => !onBoth.includes(observation));
  for (const observation of [...all, ...onBoth]) {
    const [a, b] = [expected.get(observation) ?? 0, got.get(observation) ?? 0];
    const pooled = (a + b) / (wanted + seen);
    const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / wanted + 1 / seen));
    if (certain ? a > 0 === b > 0 : Math.abs(a / wanted - b / seen) <= SIGMAS * deviation) continue;
    if (a > 0 && b > 0) return `${share(a, wanted)} against ${share(b, seen)}: ${observation}`;
    return a > 0 ? fieldDifferences(observation, closest(observation, got)) : fieldDifferences(closest(observation, expected), observation);
  }
  return undefined;
}

function total(counts: Observations): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function share(count: number, of: number): string {
  return `${((100 * count) / of).toFixed(1)} %`;
}

/** The observation of the others that is most alike, so that the difference can be seen. */
function closest(observation: Observation, others: Observations): Observation {
  let best = "nothing";
  let most = Number.NEGATIVE_INFINITY;
  for (const other of others.keys()) {
    const count = -fieldDifferences(observation, other).length;
    if (count > most) [best, most] = [other, count];
  }
  return best;
}

function fieldDifferences(expected: Observation, got: Observation): string {
  if (!expected.startsWith("{") || !got.startsWith("{")) return `expected ${expected}, got ${got}`;
  const [a, b] = [flatten(JSON.parse(expected)), flatten(JSON.parse(got))];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((path) => a.get(path) !== b.get(path))
    .map((path) => `${path}: expected ${a.get(path) ?? "nothing"}, got ${b.get(path) ?? "nothing"}`)
    .join("; ");
}

function flatten(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (typeof value !== "object" || value === null) into.set(path, JSON.stringify(value));
  else for (const [key, inner] of Object.entries(value)) flatten(inner, path === "" ? key : `${path}.${key}`, into);
  return into;
}
