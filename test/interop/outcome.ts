// What a client sees of one request, without what may differ between two proxies that behave alike, and the difference of two.
import type { Answer } from "../harness/mesh.ts";

export interface Outcome {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: unknown;
  /** The transport broke: Node's word for it. */
  readonly broken: string | undefined;
}

/** Values that belong to one request or one moment. That the header is there is compared all the same. */
const OWN_VALUES: ReadonlySet<string> = new Set(["date", "x-request-id", "x-envoy-upstream-service-time", "x-try-key"]);
/** Milliseconds that are left of a timeout. */
const REMAINING_TIME = "x-envoy-expected-rq-timeout-ms";
const TIME_STEP_MS = 100;

export async function outcomeOf(request: Promise<Answer>): Promise<Outcome> {
  let answer: Answer;
  try {
    answer = await request;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { status: 0, headers: [], body: undefined, broken: code ?? message };
  }
  const headers = Object.entries(answer.headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? ""]).map((one) => headerText(name, one)),
  );
  return { status: answer.status, headers: headers.sort(), body: comparableBody(answer.body), broken: undefined };
}

function headerText(name: string, value: string): string {
  if (OWN_VALUES.has(name)) return `${name}: *`;
  if (name === REMAINING_TIME) return `${name}: about ${Math.round(Number(value) / TIME_STEP_MS) * TIME_STEP_MS}`;
  // An echoed header is as long as its value.
  return `${name}: ${name === "content-length" ? lengthText(value) : value}`;
}

// Echoed values that differ in length make bodies of different length; the bodies themselves are compared.
function lengthText(value: string): string {
  return Number(value) > 200 && Number(value) < 2000 ? "some" : value;
}

interface Echo {
  readonly headers: readonly (readonly [string, string])[];
}

/** The application's echo of the request; anything else as it is. */
export function echoOf(body: string): (Echo & { readonly version: string }) | undefined {
  if (!body.startsWith('{"version":')) return undefined;
  return JSON.parse(body) as Echo & { readonly version: string };
}

function comparableBody(body: string): unknown {
  const echo = echoOf(body);
  if (echo === undefined) return body;
  return { ...echo, headers: echo.headers.map(([name, value]) => headerText(name, value)) };
}

/**
 * Lines that say where `ours` and `envoys` part; none when they agree.
 * @param loopbackAlias what Envoy writes into x-forwarded-for for a caller on loopback, where we write the loopback address
 */
export function differences(ours: Outcome, envoys: Outcome, loopbackAlias?: string): readonly string[] {
  const lines: string[] = [];
  if (ours.broken !== envoys.broken) lines.push(`transport: ours ${ours.broken ?? "whole"}, Envoy's ${envoys.broken ?? "whole"}`);
  if (ours.status !== envoys.status) lines.push(`status: ours ${ours.status}, Envoy's ${envoys.status}`);
  lines.push(...listDifferences("header", ours.headers, envoys.headers));
  const ourEcho = ours.body as { headers?: readonly string[] } | undefined;
  const theirEcho = envoys.body as { headers?: readonly string[] } | undefined;
  if (ourEcho?.headers !== undefined && theirEcho?.headers !== undefined) {
    lines.push(
      ...listDifferences(
        "header at the application",
        ourEcho.headers,
        theirEcho.headers.map((line) => withoutAlias(line, loopbackAlias)),
      ),
    );
    const rest = (echo: object): string => JSON.stringify({ ...echo, headers: [] });
    if (rest(ourEcho) !== rest(theirEcho)) lines.push(`body: ours ${rest(ourEcho)}\n      Envoy's ${rest(theirEcho)}`);
  } else if (JSON.stringify(ours.body) !== JSON.stringify(envoys.body)) {
    const shown = (body: unknown): string => JSON.stringify(body ?? "").slice(0, 300);
    lines.push(`body: ours ${shown(ours.body)}\n      Envoy's ${shown(envoys.body)}`);
  }
  return lines;
}

function withoutAlias(line: string, alias: string | undefined): string {
  return alias !== undefined && line.startsWith("x-forwarded-for: ") && line.endsWith(alias)
    ? `${line.slice(0, -alias.length)}127.0.0.1`
    : line;
}

function listDifferences(what: string, ours: readonly string[], theirs: readonly string[]): readonly string[] {
  const left = [...theirs];
  const onlyOurs = ours.filter((item) => {
    const at = left.indexOf(item);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [...onlyOurs.map((item) => `${what} only ours: ${item}`), ...left.map((item) => `${what} only Envoy's: ${item}`)];
}
