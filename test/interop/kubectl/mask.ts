// Takes out of kubectl's output what differs from run to run: names of namespaces, uids, versions, times, ages, addresses, temporary
// files. Masks are as long as what they replace where columns depend on it.
import type { Answer, Invocation } from "./invocation.ts";

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gu;
const RFC3339 = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/gu;
const RFC1123 = /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/gu;
/** An age in its column, which is the last but for `-o wide`, labels and watch events. */
const AGE = /(?<=\s)(?:\d+[smhd]){1,2}(?=\s|$)/gmu;

export interface Masked {
  readonly namespace: string;
  readonly server: string;
}

/** What kubectl's informer logs when a command ends by its timeout, or not, as it comes. */
const INFORMER_LOG = /^[IEW]\d{4} .*\breflector\.go:\d+\].*\n/gmu;

/** The mesh says more than a cluster: what its analyzers find. */
const OWN_WARNING = /^Warning: .*\b(?:IST|MZ)\d{4}\b.*\n/gmu;

function maskText(text: string, row: Invocation, { namespace, server }: Masked): string {
  const isTable = row.run.endsWith(" --no-headers") || /^(?:EVENT +|NAMESPACE +)?NAME\b.*\bAGE\b/mu.test(text);
  return (isTable ? text.replaceAll(AGE, "AGE") : text)
    .replaceAll(namespace, "NAMESPACE")
    .replaceAll(server, "SERVER")
    .replaceAll(new URL(server).host, "SERVER")
    .replaceAll(UUID, "UID")
    .replaceAll(RFC3339, "TIME")
    .replaceAll(RFC1123, "TIME")
    .replaceAll(OWN_WARNING, "")
    .replaceAll(INFORMER_LOG, "")
    .replaceAll(/(\bgenerated-)[a-z0-9]{5}\b/gu, "$1NAME")
    .replaceAll(/(resourceVersion"?:\s*)"\d+"/gu, '$1"VERSION"')
    .replaceAll(/(Resource Version:\s*)\d+/gu, "$1VERSION")
    .replaceAll(/\/\S*\/((?:LIVE|MERGED)-)\d+/gu, "/tmp/$1N")
    .replaceAll(/\/\S*\/kubectl-edit-\d+/gu, "/tmp/kubectl-edit-N")
    .replaceAll(/^(---|\+\+\+) (\S+)\t.*$/gmu, "$1 $2");
}

export function mask(answer: Answer, row: Invocation, masked: Masked): Answer {
  const lines = (text: string): string => {
    const whole = maskText(text, row, masked);
    const { only } = row;
    if (row.isUnordered === true) return whole.split("\n").toSorted().join("\n");
    return only === undefined
      ? whole
      : whole
          .split("\n")
          .filter((line) => only.test(line))
          .map((line) => `${line.replaceAll(/ +/gu, " ")}\n`)
          .join("");
  };
  return { exitCode: answer.exitCode, stdout: lines(answer.stdout), stderr: lines(answer.stderr) };
}

/** `Error from server (Conflict)` of an error; what is left of words that may differ. */
function reasonOf(stderr: string): string {
  return /^(?:Error from server \(\w+\)|Error from server|error|The \w+ "[^"]*" is invalid|Warning)/mu.exec(stderr)?.[0] ?? "";
}

/** What is unlike between two answers to a row; undefined when nothing is. */
/** An age of ten seconds is wider than one of nine, and the column after it narrower. */
function withAgesAlike(text: string): string {
  return text.replaceAll(/(?<=\s)AGE +(?=\S)/gu, "AGE ");
}

export function difference(row: Invocation, expected: Answer, actual: Answer): string | undefined {
  if (expected.exitCode !== actual.exitCode)
    return `exit code ${actual.exitCode}, expected ${expected.exitCode}\n${actual.stdout}${actual.stderr}`;
  if (row.wordsDiffer !== undefined) {
    const [wanted, found] = [reasonOf(expected.stderr), reasonOf(actual.stderr)];
    return wanted === found ? undefined : `${found || "no error"}, expected ${wanted || "no error"}\n${actual.stderr}`;
  }
  for (const stream of ["stdout", "stderr"] as const) {
    if (withAgesAlike(expected[stream]) !== withAgesAlike(actual[stream]))
      return `${stream}:\n${actual[stream]}\nexpected:\n${expected[stream]}`;
  }
  return undefined;
}
