// Section `analyze`: config analyzers. Every case of analyze/cases.json runs the one analyzer that it names over its files and the
// resources that Istio adds; the multiset of (code, level, resource) must be the expected one. Command lines that need no cluster run as
// `mizzen analyze`.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "#api/finding";
import { writtenKind } from "#api/kinds";
import { parseFile } from "#api/parse-file";
import type { MeshConfigSpec } from "#api/mesh-config";
import { analyze } from "#control-plane/analysis/analyze";
import { ALL_ANALYZERS } from "#control-plane/analysis/analyzers";
import { fromDocument, type AnalyzedObject } from "#control-plane/analysis/analyzed-object";
import { meshNetworksObject } from "#control-plane/analysis/mesh-objects";
import { realClock } from "#runtime/clock";
import { ROOT } from "../harness/mesh.ts";
import type { SectionResult } from "./run.ts";

/** Cases whose outcome is another one on purpose, with the reason. A row whose difference is gone fails. */
const EXCEPTIONS: Readonly<Record<string, string>> = {};

interface AnalyzerCase {
  readonly id: string;
  readonly name: string;
  readonly inputFiles?: readonly string[];
  /** In place of inputFiles: the files of several clusters. */
  readonly clusters?: Readonly<Record<string, readonly string[]>>;
  readonly meshConfigFile?: string | null;
  readonly meshNetworksFile?: string | null;
  readonly analyzer: string;
  readonly expected: readonly { readonly code: string; readonly level?: string; readonly resource: string }[];
}

interface CommandCase {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly wantError?: boolean | string;
  readonly wantCodesInOrder?: readonly string[];
  readonly wantOutputContains?: readonly string[];
  readonly wantStdoutContains?: readonly string[];
  readonly wantJson?: readonly Readonly<Record<string, string>>[];
}

function objectsIn(text: string, file: string, cluster?: string): readonly AnalyzedObject[] {
  return parseFile(text, file, { namespace: "", isMeshConfig: false }).flatMap((document) => fromDocument(document, cluster) ?? []);
}

const textIn = (folder: string, file: string): string => readFileSync(join(folder, file), "utf8");

function meshConfigOf(folder: string, file: string | null | undefined): MeshConfigSpec {
  const defaults: MeshConfigSpec = { rootNamespace: "istio-system" };
  if (file === undefined || file === null) return defaults;
  const [document] = parseFile(textIn(folder, file), file, { isMeshConfig: true });
  return { ...defaults, ...(document?.object?.spec as MeshConfigSpec | undefined) };
}

function runCase(folder: string, row: AnalyzerCase): readonly Finding[] {
  const { inputFiles = [], clusters = {}, meshConfigFile, meshNetworksFile, analyzer: name } = row;
  const analyzer = ALL_ANALYZERS.find((candidate) => candidate.name === name);
  if (analyzer === undefined) throw new Error(`there is no analyzer ${name}`);
  const meshConfig = meshConfigOf(folder, meshConfigFile);
  const objects = inputFiles.flatMap((file) => objectsIn(textIn(folder, file), file));
  for (const [cluster, files] of Object.entries(clusters))
    objects.push(...files.flatMap((file) => objectsIn(textIn(folder, file), file, cluster)));
  if (meshConfig.ingressControllerMode !== "OFF")
    objects.push(...objectsIn(textIn(folder, "default-resources.yaml"), "default-resources.yaml"));
  if (meshNetworksFile !== undefined && meshNetworksFile !== null) {
    objects.push(meshNetworksObject("istio-system", textIn(folder, meshNetworksFile)));
  }
  return analyze({ objects, meshConfig, analyzers: [analyzer], wallMs: realClock.wallMs() }).findings;
}

function resourceOf({ object }: Finding): string {
  if (object === undefined) return "";
  return `${writtenKind(object.kind)} ${object.namespace === "" ? "" : `${object.namespace}/`}${object.name}`;
}

function difference(found: readonly string[], expected: readonly string[]): string | undefined {
  const rest = [...found];
  const missing: string[] = [];
  for (const line of expected) {
    const index = rest.indexOf(line);
    if (index === -1) missing.push(line);
    else rest.splice(index, 1);
  }
  if (missing.length === 0 && rest.length === 0) return undefined;
  return [...missing.map((line) => `missing ${line}`), ...rest.map((line) => `unexpected ${line}`)].join("; ");
}

function checkCase(folder: string, row: AnalyzerCase): string | undefined {
  const findings = runCase(folder, row);
  const withLevel = row.expected.every(({ level }) => level !== undefined);
  const line = (code: string, level: string, resource: string): string =>
    withLevel ? `${code} ${level.toLowerCase()} ${resource}` : `${code} ${resource}`;
  return difference(
    findings.map((finding) => line(finding.code, finding.level, resourceOf(finding))),
    row.expected.map(({ code, level = "", resource }) => line(code, level, resource)),
  );
}

/** Only what istioctl's own tests name: a cluster and its contexts are not there. */
function needsCluster({ args }: CommandCase): boolean {
  return !args.includes("--use-kube=false");
}

function checkCommand(folder: string, row: CommandCase): string | undefined {
  const args = row.args.map((arg) => arg.replace(/^\$NS\d?$/u, "conformance"));
  const run = spawnSync(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], {
    cwd: join(folder, row.cwd ?? "."),
    encoding: "utf8",
    timeout: 30_000,
  });
  const output = `${run.stdout}${run.stderr}`;
  const problems: string[] = [];
  const wanted = row.wantError === "AnalyzerFoundIssuesError" ? 79 : row.wantError === "FileParseError" ? 65 : undefined;
  if (wanted !== undefined && run.status !== wanted) problems.push(`exit code ${run.status} instead of ${wanted}`);
  if (row.wantError === true && run.status === 0) problems.push("exit code 0");
  if (row.wantError === false && run.status !== 0) problems.push(`exit code ${run.status} instead of 0: ${output.slice(0, 300)}`);
  if (row.wantCodesInOrder !== undefined) {
    const codes = [...run.stdout.matchAll(/\[((?:IST|MZ)\d{4})\]/gu)].map(([, code]) => code);
    if (codes.join() !== row.wantCodesInOrder.join()) problems.push(`codes ${codes.join()} instead of ${row.wantCodesInOrder.join()}`);
  }
  for (const text of row.wantOutputContains ?? []) if (!output.includes(text)) problems.push(`nowhere ${JSON.stringify(text)}`);
  for (const text of row.wantStdoutContains ?? []) if (!run.stdout.includes(text)) problems.push(`nowhere ${JSON.stringify(text)}`);
  if (row.wantJson !== undefined) {
    const found = JSON.parse(run.stdout) as readonly Readonly<Record<string, unknown>>[];
    const same =
      found.length === row.wantJson.length &&
      row.wantJson.every((want, index) => Object.entries(want).every(([key, value]) => found[index]?.[key] === value));
    if (!same) problems.push(`JSON ${run.stdout.slice(0, 200)}`);
  }
  return problems.length === 0 ? undefined : problems.join("; ");
}

export async function run(directory: string): Promise<SectionResult> {
  const folder = join(directory, "analyze");
  const failures: { id: string; why: string }[] = [];
  const later: { id: string; why: string }[] = [];
  let total = 0;
  const judge = (id: string, check: () => string | undefined): void => {
    total++;
    let why: string | undefined;
    try {
      why = check();
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    const reason = EXCEPTIONS[id];
    if (reason !== undefined && why === undefined) failures.push({ id, why: `no longer an exception: ${reason}` });
    else if (reason === undefined && why !== undefined) failures.push({ id, why });
  };
  for (const row of JSON.parse(textIn(folder, "cases.json")) as readonly AnalyzerCase[]) {
    const files = [row.inputFiles ?? [], Object.values(row.clusters ?? {}), row.meshConfigFile ?? [], row.meshNetworksFile ?? []].flat(2);
    if (files.every((file) => existsSync(join(folder, file)))) judge(row.id, () => checkCase(folder, row));
    else later.push({ id: row.id, why: "its files are not in this corpus" });
  }
  const commands = existsSync(join(folder, "cli-cases.json"))
    ? (JSON.parse(textIn(folder, "cli-cases.json")) as readonly CommandCase[])
    : [];
  for (const row of commands) {
    if (needsCluster(row)) later.push({ id: row.name, why: "needs a cluster" });
    else judge(row.name, () => checkCommand(folder, row));
  }
  return { passed: total - failures.length, total, failures, later };
}
