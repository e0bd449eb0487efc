// `mizzen precheck`: istioctl's checks before an installation or an upgrade, of what kubectl has written of a cluster.
import { parseFile } from "#api/parse-file";
import type { Finding, FindingLevel } from "#api/finding";
import { analyze, compareFindings } from "#control-plane/analysis/analyze";
import { fromDocument } from "#control-plane/analysis/analyzed-object";
import { alphaAnnotationsAnalyzer } from "#control-plane/analysis/annotations/alpha";
import { behaviourChangesAnalyzer, minorVersion } from "#control-plane/analysis/precheck/behaviour-changes";
import {
  checkKubernetesVersion,
  checkPermissions,
  kubernetesMinor,
  readAccessReview,
  unreviewed,
} from "#control-plane/analysis/precheck/cluster-checks";
import { gatewayApiVersionsAnalyzer } from "#control-plane/analysis/precheck/gateway-api-versions";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { readConfigTexts } from "./config-files.ts";
import { REPORT_FORMATS, reportText, type ReportFormat } from "./finding-report.ts";
import { wantsColor } from "./terminal-log.ts";

export interface PrecheckOptions {
  readonly recursive?: boolean;
  readonly fromVersion?: string;
  readonly kubernetesVersion?: string;
  readonly outputThreshold?: string;
  readonly output?: string;
}

const LEVELS: readonly FindingLevel[] = ["error", "warning", "info"];

const note = (line: string): void => void process.stderr.write(`${line}\n`);

export function precheck(paths: readonly string[], options: PrecheckOptions): void {
  const { kubernetesVersion, fromVersion } = options;
  const format = (options.output ?? "log").toLowerCase();
  if (!REPORT_FORMATS.includes(format as ReportFormat))
    throw new CommandError(`-o ${format} is not one of ${REPORT_FORMATS.join(", ")}`, 2);
  const threshold = LEVELS.indexOf((options.outputThreshold ?? "warning").toLowerCase() as FindingLevel);
  if (threshold === -1) throw new CommandError(`--output-threshold ${options.outputThreshold} is not one of Info, Warning, Error`, 2);
  if (kubernetesVersion !== undefined && kubernetesMinor(kubernetesVersion) === undefined)
    throw new CommandError(`--kubernetes-version ${kubernetesVersion} is no version like v1.31.2`, 2);
  const fromMinor = fromVersion === undefined ? undefined : minorVersion(fromVersion);
  if (fromVersion !== undefined && fromMinor === undefined)
    throw new CommandError(`--from-version ${fromVersion} is no version like 1.20`, 2);
  if (paths.length === 0 && kubernetesVersion === undefined)
    throw new CommandError("name files that kubectl wrote of the cluster, or --kubernetes-version", 2);

  const texts = readConfigTexts(paths, options.recursive === true, note);
  const documents = texts.flatMap(({ name, text }) => parseFile(text, name));
  const reviews = documents.flatMap((document) => readAccessReview(document.rawValue()) ?? []);
  const objects = documents.flatMap((document) => fromDocument(document) ?? []);
  const analyzers = [
    gatewayApiVersionsAnalyzer,
    alphaAnnotationsAnalyzer,
    ...(fromMinor === undefined ? [] : [behaviourChangesAnalyzer(fromMinor)]),
  ];
  const all: readonly Finding[] = [
    ...(kubernetesVersion === undefined ? [] : checkKubernetesVersion(kubernetesVersion)),
    ...checkPermissions(reviews),
    ...analyze({ objects, meshConfig: {}, analyzers, wallMs: realClock.wallMs() }).findings,
  ];
  if (kubernetesVersion === undefined) note("Not checked: the version of Kubernetes; name it with --kubernetes-version");
  const unknown = unreviewed(reviews);
  if (unknown.length > 0)
    note(
      `Not checked: whether you may create ${unknown.map((name) => name.replace(/^\//u, "")).join(", ")}; add SelfSubjectAccessReviews with their status`,
    );
  if (!objects.some(({ key }) => key.kind === "CustomResourceDefinition"))
    note("Not checked: the Gateway API's CRDs, of which the files hold none");

  const shown = all.filter(({ level }) => LEVELS.indexOf(level) <= threshold).toSorted(compareFindings);
  const byName = new Map(texts.map(({ name, text }) => [name, text]));
  const colors = wantsColor(process.stdout, process.env);
  process.stdout.write(reportText(shown, { format: format as ReportFormat, colors, textOf: (name) => byName.get(name) }));
  if (all.some(({ level }) => level !== "info")) throw new CommandError("an installation or upgrade may not be safe: see the issues above");
  if (shown.length === 0) note("\u2714 No issues found in what was checked.");
}
