// A set of objects judged as a whole before any of it is written: each by itself, and all together with what the server has.
import { findingText, keyText, type Finding } from "#api/finding";
import { keyString } from "#api/object";
import { parseFile } from "#api/parse-file";
import { analyze } from "#control-plane/analysis/analyze";
import { fromDocument, madeObject, type AnalyzedObject } from "#control-plane/analysis/analyzed-object";
import { DEFAULT_ANALYZERS } from "#control-plane/analysis/analyzers";
import { standInPod, workloadPods } from "#control-plane/analysis/mesh-objects";
import { atWriteTime } from "#control-plane/analysis/write-time";
import { builtinDocuments, INGRESS_GATEWAY_LABELS } from "#control-plane/config/builtin-objects";
import { meshConfigOver } from "#control-plane/mesh/mesh-config";
import { realClock } from "#runtime/clock";
import { CommandError } from "#cli/command-error";
import { reportText } from "#cli/finding-report";
import { wantsColor } from "#cli/terminal-log";
import { ApiError } from "./api-error.ts";
import type { KubernetesClient } from "./client.ts";
import { pathOf, type Discovery, type Resource } from "./discovery.ts";
import type { ManifestSet, Placed } from "./manifests.ts";
import type { ObjectList } from "./objects.ts";

/** What references lead to. No Secrets: reading all of a cluster's is more than applying should ask for. */
const REFERENCED = /(?:^|\.)(?:istio\.io|gateway\.networking\.k8s\.io)$/u;
const CORE = ["services", "pods", "namespaces"];

export type Validation = "strict" | "warn" | "ignore";

/** @throws CommandError when something of the set is wrong; says what is questionable on stderr */
export async function validateSet(
  set: ManifestSet,
  placed: readonly Placed[],
  discovery: Discovery,
  client: KubernetesClient,
  validation: Validation,
): Promise<void> {
  if (validation === "ignore") return;
  const references = await findReferences(placed, discovery, client);
  const said = [...set.findings, ...references.map(atWriteTime)].filter(({ level }) => level !== "info");
  if (said.length === 0) return;
  const byName = new Map(set.texts.map(({ name, text }) => [name, text]));
  const colors = wantsColor(process.stderr, process.env);
  process.stderr.write(reportText(said, { format: "log", colors, textOf: (file) => byName.get(file) }));
  const errors = said.filter(({ level }) => level === "error");
  const [first] = errors;
  if (first === undefined || validation === "warn") return;
  const what =
    first.object === undefined
      ? findingText(first)
      : `${keyText(first.object)}${first.place === undefined ? "" : ` (${first.place.file}:${first.place.line})`}`;
  // What an object says by itself the mesh refuses in any case.
  const wayOut = set.findings.some(({ level }) => level === "error") ? "" : ", or write it all the same with --validate=warn";
  throw new CommandError(
    `nothing was written: ${what} is not valid${errors.length > 1 ? ` (and ${errors.length - 1} more errors)` : ""}; correct it${wayOut}`,
  );
}

/** What the analyzers find about objects of the set. */
async function findReferences(placed: readonly Placed[], discovery: Discovery, client: KubernetesClient): Promise<readonly Finding[]> {
  const own = placed.flatMap(({ document }) => fromDocument(document) ?? []);
  const ownKeys = new Set(own.map(({ key }) => keyString(key)));
  const resources = discovery.resources.filter(
    ({ group, plural, isPreferred, verbs }) =>
      isPreferred && verbs.includes("list") && (REFERENCED.test(group) || (group === "" && CORE.includes(plural))),
  );
  const lists = await Promise.all(resources.map(async (resource) => ({ resource, objects: await objectsOf(resource, client) })));
  const there = lists.flatMap(({ objects }) => objects ?? []).filter(({ key }) => !ownKeys.has(keyString(key)));
  const objects = [...own, ...there];
  const meshConfig = meshConfigOver({}, undefined);
  // Every installation brings the ingress gateway along; on a cluster it may be hidden from who applies.
  const builtin = builtinDocuments("istio-system").flatMap(({ key, object }) =>
    key === undefined || object === undefined ? [] : madeObject(key, object.spec as object, { labels: object.metadata.labels }),
  );
  const has = new Set(objects.map(({ key }) => keyString(key)));
  const seen = new Set(lists.flatMap(({ resource, objects }) => (objects === undefined ? [] : resource.kind)));
  const { findings } = analyze({
    objects: [
      ...objects,
      ...workloadPods(objects),
      ...builtin.filter(({ key }) => !has.has(keyString(key))),
      standInPod("istio-system", "istio-ingressgateway", INGRESS_GATEWAY_LABELS),
    ],
    meshConfig,
    // What each object is by itself has been said when it was read.
    analyzers: DEFAULT_ANALYZERS.filter(({ name }) => !name.startsWith("schema.")),
    wallMs: realClock.wallMs(),
    seenKinds: seen,
  });
  return findings.filter((finding) => finding.object !== undefined && ownKeys.has(keyString(finding.object)));
}

/** undefined: who applies may not list them. */
async function objectsOf(resource: Resource, client: KubernetesClient): Promise<readonly AnalyzedObject[] | undefined> {
  try {
    const { items } = await client.get<ObjectList>(pathOf(resource, undefined));
    const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
    const list = items.map((item) => ({ ...item, apiVersion, kind: resource.kind }));
    const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: list });
    return parseFile(text, resource.plural, { isMeshConfig: false }).flatMap((document) => fromDocument(document) ?? []);
  } catch (error) {
    if (error instanceof ApiError && [403, 404, 405].includes(error.code)) return undefined;
    throw error;
  }
}
