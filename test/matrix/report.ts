// The matrix in words.
import { agrees, type ComparedColumn, type ProxyResult } from "./proxy-result.ts";

const SHOWN = 3;
const LONGEST = 400;

export function proxyLines(result: ProxyResult, verbose: boolean): readonly string[] {
  const { name, calls, reference, columns } = result;
  const problem = referenceProblem(result);
  if (problem !== undefined) return [`${name}: the recorded configuration does not run on Envoy: ${shorten(problem, verbose)}`];
  const lines = [`${name}: ${calls.length} calls; ${columns.map(columnText).join("; ")}`];
  if (verbose) {
    for (const [index, call] of calls.entries())
      for (const [observation, count] of reference.observations[index] ?? []) lines.push(`  ${call.label}: ${count} x ${observation}`);
  }
  for (const { column, refusals, differences, output } of columns) {
    if (verbose && output !== "") lines.push(`  ${column.text} wrote: ${output}`);
    for (const refusal of verbose ? refusals : refusals.slice(0, SHOWN))
      lines.push(`  ${column.text} refuses: ${shorten(refusal, verbose)}`);
    for (const { call, why } of verbose ? differences : differences.slice(0, SHOWN))
      lines.push(`  ${column.text} ${call.label}: ${shorten(why, verbose)}`);
  }
  return lines;
}

/** Why the reference says nothing: then the harness or the recording is wrong. */
export function referenceProblem({ reference, calls }: ProxyResult): string | undefined {
  if (reference.failure !== undefined) return reference.failure;
  if (reference.refusals.length > 0) return reference.refusals.join("; ");
  return calls.length < 10 ? `only ${calls.length} calls could be made up` : undefined;
}

function columnText(compared: ComparedColumn): string {
  const { column, differences, refusals, agreeing } = compared;
  if (agrees(compared)) return `${column.text} agrees`;
  if (agreeing === 0 && differences.length === 0) return `${column.text} does not come up`;
  return `${column.text} differs in ${differences.length}${refusals.length > 0 ? ` and refuses ${refusals.length}` : ""}`;
}

export function summaryLines(results: readonly ProxyResult[]): readonly string[] {
  const columns = results[0]?.columns.map(({ column }) => column.text) ?? [];
  return columns.map((text) => {
    const all = results.flatMap((result) => result.columns.filter(({ column }) => column.text === text));
    const calls = results.reduce((sum, result) => sum + result.calls.length, 0);
    const agreeing = all.reduce((sum, { agreeing }) => sum + agreeing, 0);
    const different = all.flatMap(({ differences }) => differences);
    const overHttp2 = different.filter(({ call }) => call.request.protocol === "h2").length;
    const rest = different.length === 0 ? "" : ` (${overHttp2} of those that differ are over HTTP/2)`;
    return `matrix: ${text}: ${all.filter(agrees).length} of ${all.length} proxies agree, ${agreeing} of ${calls} calls${rest}`;
  });
}

function shorten(text: string, verbose: boolean): string {
  const line = text.replaceAll("\n", " ");
  return verbose || line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}...`;
}
