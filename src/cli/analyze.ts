// `mizzen analyze`: istioctl's analysis of files, and the findings of the running mesh.
import { readFileSync } from "node:fs";
import type { Finding, FindingLevel } from "#api/finding";
import { didYouMean } from "#api/suggestion";
import { parseFile, type ParsedDocument } from "#api/parse-file";
import type { MeshConfigSpec } from "#api/mesh-config";
import { readMeshNetworks } from "#api/mesh-networks/read";
import { analyze as runAnalyzers, compareFindings } from "#control-plane/analysis/analyze";
import { fromDocument, madeObject, type AnalyzedObject } from "#control-plane/analysis/analyzed-object";
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { ALL_ANALYZERS, DEFAULT_ANALYZERS } from "#control-plane/analysis/analyzers";
import { meshNetworksObject, seenKinds, standInPod, workloadPods } from "#control-plane/analysis/mesh-objects";
import { MESSAGES } from "#control-plane/analysis/messages";
import { isSchemaFinding } from "#control-plane/analysis/schema-validation";
import { builtinDocuments, INGRESS_GATEWAY_LABELS } from "#control-plane/config/builtin-objects";
import { meshConfigOver } from "#control-plane/mesh/mesh-config";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { readConfigTexts, type ConfigText } from "./config-files.ts";
import { REPORT_FORMATS, reportText, type ReportFormat } from "./finding-report.ts";
import { isSuppressed, parseSuppression, type Suppression } from "./suppression.ts";
import { wantsColor } from "./terminal-log.ts";

export interface AnalyzeOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly recursive?: boolean;
  readonly suppress?: readonly string[];
  readonly failureThreshold?: string;
  readonly outputThreshold?: string;
  readonly output?: string;
  readonly meshConfig?: string;
  readonly listAnalyzers?: boolean;
  readonly analyzer?: readonly string[];
  readonly live?: boolean;
  readonly meshConfigFile?: string;
  readonly meshNetworks?: string;
  readonly cluster?: readonly string[];
  readonly useKube?: boolean;
  readonly ignoreUnknown?: boolean;
  readonly color?: boolean;
  readonly verbose?: boolean;
  readonly dataDir?: string;
}

const LEVELS: readonly FindingLevel[] = ["error", "warning", "info"];
const EXIT_USAGE = 64;
const EXIT_BAD_FILE = 65;
const EXIT_FOUND_ISSUES = 79;

interface Settings {
  readonly format: ReportFormat;
  readonly failureLevel: FindingLevel;
  readonly outputLevel: FindingLevel;
  readonly suppressions: readonly Suppression[];
  readonly analyzers: readonly Analyzer[];
  readonly chosen: boolean;
  /** undefined: all of them. */
  readonly namespace: string | undefined;
}

const note = (line: string): void => void process.stderr.write(`${line}\n`);

export async function analyze(paths: readonly string[], options: AnalyzeOptions): Promise<void> {
  const settings = parseOptions(options);
  if (options.listAnalyzers === true) {
    const sorted = DEFAULT_ANALYZERS.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    process.stdout.write(sorted.map(({ name, description }) => `* ${name}:\n    ${description}\n`).join(""));
    return;
  }
  if (options.live === true) {
    const { liveFindings } = await import("./live-findings.ts");
    finish(await liveFindings(options), settings, options, { texts: [], parseErrors: 0, target: "the running mesh" });
    return;
  }
  if (options.useKube === true) {
    throw new CommandError("there is no connection to a Kubernetes cluster; analyze files, or the running mesh with --live", EXIT_USAGE);
  }
  if (paths.length === 0) throw new CommandError("name files or folders to analyze, or --live for the running mesh", EXIT_USAGE);
  const own = readConfigTexts(paths, options.recursive === true, note);
  const clusters = readClusters(options.cluster ?? [], options.recursive === true);
  const texts = [...own, ...clusters.flatMap((cluster) => cluster.texts)];
  const { findings, parseErrors, skipped } = analyzeTexts(own, clusters, settings, options);
  if (options.verbose === true) {
    for (const analyzer of settings.analyzers) note(`${skipped.includes(analyzer.name) ? "Skipped" : "Executed"} ${analyzer.name}`);
  }
  const target = texts.length > 1 ? `\n  - ${texts.map(({ name }) => name).join("\n  - ")}` : (texts[0]?.name ?? describeScope(settings));
  finish(findings, settings, options, { texts, parseErrors, target });
}

function describeScope({ namespace }: Settings): string {
  return namespace === undefined ? "all namespaces" : `namespace: ${namespace}`;
}

function parseOptions(options: AnalyzeOptions): Settings {
  const format = (options.output ?? "log").toLowerCase();
  if (!REPORT_FORMATS.includes(format as ReportFormat)) {
    throw new CommandError(`-o ${format} is not one of ${REPORT_FORMATS.join(", ")}`, EXIT_USAGE);
  }
  const codes = new Set<string>(Object.values(MESSAGES).map(({ code }) => code));
  const suppressions = (options.suppress ?? []).map((text) => {
    const suppression = parseSuppression(text);
    if (suppression === undefined)
      throw new CommandError(`--suppress ${text} is not CODE=RESOURCE, like "IST0101=VirtualService reviews.default"`, EXIT_USAGE);
    if (!codes.has(suppression.code) && !/^MZ\d{4}$/u.test(suppression.code))
      note(`mizzen: there is no message ${suppression.code}: --suppress ${text} has no effect`);
    return suppression;
  });
  const names = options.analyzer ?? [];
  const unknown = names.find((name) => !ALL_ANALYZERS.some((analyzer) => analyzer.name === name));
  if (unknown !== undefined) {
    const near =
      didYouMean(
        unknown,
        ALL_ANALYZERS.map(({ name }) => name),
      ) ?? "see mizzen analyze --list-analyzers";
    throw new CommandError(`there is no analyzer ${unknown}; ${near}`, EXIT_USAGE);
  }
  return {
    format: format as ReportFormat,
    failureLevel: parseLevel(options.failureThreshold, "--failure-threshold", "error"),
    outputLevel: parseLevel(options.outputThreshold, "--output-threshold", "info"),
    suppressions,
    analyzers: names.length === 0 ? DEFAULT_ANALYZERS : ALL_ANALYZERS.filter(({ name }) => names.includes(name)),
    chosen: names.length > 0,
    namespace: options.allNamespaces === true ? undefined : (options.namespace ?? "default"),
  };
}

function parseLevel(text: string | undefined, option: string, without: FindingLevel): FindingLevel {
  if (text === undefined) return without;
  const level = LEVELS.find((candidate) => candidate === text.toLowerCase());
  if (level === undefined) throw new CommandError(`${option} ${text} is not one of Info, Warning, Error`, EXIT_USAGE);
  return level;
}

interface TextAnalysis {
  readonly findings: readonly Finding[];
  readonly parseErrors: number;
  readonly skipped: readonly string[];
}

/** Istio's name for the cluster that nobody named. */
const OWN_CLUSTER = "Kubernetes";

interface ClusterTexts {
  readonly name: string;
  readonly texts: readonly ConfigText[];
}

function readClusters(named: readonly string[], recursive: boolean): readonly ClusterTexts[] {
  return named.map((text) => {
    const [, name = "", path = ""] = /^([^=]*)=(.*)$/u.exec(text) ?? [];
    if (name === "" || path === "") throw new CommandError(`--cluster ${text} is not NAME=PATH, like east=clusters/east`, EXIT_USAGE);
    return { name, texts: readConfigTexts([path], recursive, note) };
  });
}

function analyzeTexts(
  texts: readonly ConfigText[],
  clusters: readonly ClusterTexts[],
  settings: Settings,
  options: AnalyzeOptions,
): TextAnalysis {
  const meshConfigFile = options.meshConfig ?? options.meshConfigFile;
  const documents: ParsedDocument[] = [];
  const unreadable: string[] = [];
  for (const { name, text } of texts) {
    for (const document of parseFile(text, name, { namespace: settings.namespace ?? "default" })) {
      const error = document.key === undefined ? document.findings.find(({ level }) => level === "error") : undefined;
      if (error === undefined) documents.push(document);
      else
        unreadable.push(
          `errors parsing content ${JSON.stringify(name)}: line ${error.place?.line ?? document.startLine}: ${error.message}`,
        );
    }
  }
  if (unreadable.length > 0)
    note(`Error(s) adding files: ${unreadable.length} occurred:\n${unreadable.map((line) => `\t* ${line}\n`).join("")}`);
  const written = documents.flatMap((document) => fromDocument(document, clusters.length === 0 ? undefined : OWN_CLUSTER) ?? []);
  const ofOthers = clusters.flatMap(({ name, texts: others }) =>
    others.flatMap(({ name: file, text }) => objectsOf(text, file, name, settings)),
  );
  const meshConfig = meshConfigOver({}, meshConfigFile === undefined ? meshConfigIn(documents) : readMeshConfig(meshConfigFile));
  const networks = options.meshNetworks === undefined ? meshNetworksIn(documents) : [readNetworks(options.meshNetworks, meshConfig)];
  const objects = [...written, ...workloadPods(written), ...networks, ...defaultObjects(written, meshConfig), ...ofOthers];
  const { findings, skipped } = runAnalyzers({
    objects,
    meshConfig,
    analyzers: settings.analyzers,
    wallMs: realClock.wallMs(),
    seenKinds: seenKinds(written),
  });
  const said = settings.chosen ? [] : documents.flatMap((document) => document.findings.filter((finding) => !isSchemaFinding(finding)));
  return { findings: [...findings, ...said].toSorted(compareFindings), parseErrors: unreadable.length, skipped };
}

/** Of another cluster; what cannot be read there is said when that cluster is analyzed. */
function objectsOf(text: string, file: string, cluster: string, { namespace = "default" }: Settings): readonly AnalyzedObject[] {
  return parseFile(text, file, { namespace }).flatMap((document) => fromDocument(document, cluster) ?? []);
}

function meshConfigIn(documents: readonly ParsedDocument[]): MeshConfigSpec | undefined {
  return documents.find(({ key }) => key?.kind === "MeshConfig")?.object?.spec as MeshConfigSpec | undefined;
}

function readMeshConfig(file: string): MeshConfigSpec {
  const [document] = parseFile(textOfOption(file), file, { isMeshConfig: true });
  const error = document?.findings.find(({ level }) => level === "error");
  if (error !== undefined)
    throw new CommandError(`${file}:${error.place?.line ?? 1}: ${error.field ?? ""} ${error.message}`, EXIT_BAD_FILE);
  return (document?.object?.spec ?? {}) as MeshConfigSpec;
}

function readNetworks(file: string, { rootNamespace = "istio-system" }: MeshConfigSpec): AnalyzedObject {
  const { spec = {}, findings } = readMeshNetworks(textOfOption(file), file);
  const error = findings.find(({ level }) => level === "error");
  if (error !== undefined)
    throw new CommandError(`${file}:${error.place?.line ?? 1}: ${error.field ?? ""} ${error.message}`, EXIT_BAD_FILE);
  return madeObject({ kind: "MeshNetworks", namespace: rootNamespace, name: "meshnetworks" }, spec);
}

/** The text of a file that an option names. */
function textOfOption(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/** Istio keeps MeshNetworks beside MeshConfig, as a text in its ConfigMap. */
function meshNetworksIn(documents: readonly ParsedDocument[]): readonly AnalyzedObject[] {
  return documents.flatMap(({ key, rawValue }) => {
    if (key?.kind !== "MeshConfig") return [];
    const text = (rawValue() as { readonly data?: { readonly meshNetworks?: unknown } | null }).data?.meshNetworks;
    return typeof text === "string" ? meshNetworksObject(key.namespace, text) : [];
  });
}

/** What an installation brings along: the ingress gateway. */
function defaultObjects(written: readonly AnalyzedObject[], meshConfig: MeshConfigSpec): readonly AnalyzedObject[] {
  if (meshConfig.ingressControllerMode === "OFF") return [];
  const namespace = meshConfig.rootNamespace ?? "istio-system";
  const services = builtinDocuments(namespace).flatMap(({ key, object }) =>
    key === undefined || object === undefined ? [] : madeObject(key, object.spec as object, { labels: object.metadata.labels }),
  );
  const has = (object: AnalyzedObject): boolean =>
    written.some(({ key }) => key.kind === object.key.kind && key.namespace === namespace && key.name === object.key.name);
  return [...services.filter((service) => !has(service)), standInPod(namespace, "istio-ingressgateway", INGRESS_GATEWAY_LABELS)];
}

interface Ending {
  readonly texts: readonly ConfigText[];
  readonly parseErrors: number;
  readonly target: string;
}

function finish(all: readonly Finding[], settings: Settings, options: AnalyzeOptions, { texts, parseErrors, target }: Ending): void {
  const findings = all.filter((finding) => isWanted(finding, settings));
  const shown = findings.filter(({ level }) => LEVELS.indexOf(level) <= LEVELS.indexOf(settings.outputLevel));
  const byName = new Map(texts.map(({ name, text }) => [name, text]));
  const colors = options.color !== false && wantsColor(process.stdout, process.env);
  process.stdout.write(reportText(shown, { format: settings.format, colors, textOf: (file) => byName.get(file) ?? textOfFile(file) }));
  if (shown.length === 0) {
    if (parseErrors === 0) note(`\u2714 No validation issues found when analyzing ${target}${texts.length > 1 ? "" : "."}`);
    else
      note(
        `No validation issues found when analyzing ${target} (but ${parseErrors} ${parseErrors === 1 ? "document" : "documents"} could not be parsed).`,
      );
  }
  // A program that reads JSON decides for itself, as with istioctl.
  if (settings.format !== "log") return;
  if (findings.some(({ level }) => LEVELS.indexOf(level) <= LEVELS.indexOf(settings.failureLevel))) {
    throw new CommandError(`analyzers found issues in ${describeScope(settings)}`, EXIT_FOUND_ISSUES);
  }
  if (parseErrors > 0 && options.ignoreUnknown !== true) throw new CommandError("some files could not be parsed", EXIT_BAD_FILE);
}

function isWanted(finding: Finding, { namespace, suppressions }: Settings): boolean {
  const own = finding.object?.namespace ?? "";
  if (namespace !== undefined && own !== "" && own !== namespace) return false;
  return !isSuppressed(finding, suppressions);
}

/** For findings of the running mesh; undefined when the file is gone. */
function textOfFile(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // The line is a help to the reader; without the file there is none.
    return undefined;
  }
}
