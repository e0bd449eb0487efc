// Durations as Istio's YAML has them: Go's notation (`7s`, `1h2m3.5s`, `100ms`), of which proto3's JSON form is a part.

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5
  μs: 1e-3, // U+03BC
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const term = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/uy;

/** Longer ones cannot be written in a google.protobuf.Duration. */
const maxMs = 315_576_000_000_000;

/** Milliseconds, or undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  let at = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
  if (text.slice(at) === "0") return 0;
  if (at === text.length) return undefined;
  let total = 0;
  while (at < text.length) {
    term.lastIndex = at;
    const match = term.exec(text);
    if (match === null) return undefined;
    total += milliseconds(match[1] ?? "", match[2] ?? "");
    at = term.lastIndex;
  }
  return total > maxMs ? undefined : sign * total;
}

/** Multiplies by at most 1000 at a time, so that 0.1s is 100 and not 100.00000000000001. */
function milliseconds(digits: string, unit: string): number {
  const value = Number(digits);
  const factor = unitMs[unit] ?? 0;
  return factor < 1 ? value / Math.round(1 / factor) : value * factor;
}
