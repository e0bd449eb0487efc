// The objects that files hold, as they are sent, with the place where each stands. Whatever the mesh knows of a kind is checked here
// already: with the line, which the server cannot see.
import type { Finding } from "#api/finding";
import { parseFile, type ParsedDocument } from "#api/parse-file";
import { CommandError } from "#cli/command-error";
import { readConfigTexts, type ConfigText } from "#cli/config-files";
import { pathOf, type Discovery, type Resource } from "./discovery.ts";
import type { KubernetesObject } from "./objects.ts";
import type { Target } from "./target.ts";

export interface Manifest {
  readonly object: KubernetesObject;
  readonly document: ParsedDocument;
  /** `reviews.yaml:12` */
  readonly place: string;
}

export interface ManifestSet {
  readonly manifests: readonly Manifest[];
  readonly texts: readonly ConfigText[];
  /** Of decoding and validation. */
  readonly findings: readonly Finding[];
}

/** @throws CommandError for what cannot be read, or says neither kind nor name */
export function readManifests(paths: readonly string[], recursive: boolean, namespace: string): ManifestSet {
  const texts = readConfigTexts(paths, recursive, (line) => void process.stderr.write(`${line}\n`));
  const documents = texts.flatMap(({ name, text }) =>
    parseFile(text, name, { namespace, isMeshConfig: false }).map((document) => ({ document, file: name })),
  );
  const manifests = documents.flatMap(({ document, file }): readonly Manifest[] => {
    const raw = document.rawValue() as KubernetesObject | undefined;
    if (typeof raw?.kind !== "string" || typeof raw.apiVersion !== "string") return [];
    if (typeof raw.metadata?.name !== "string") return [];
    return [{ object: raw, document, place: `${file}:${document.placeOf("apiVersion")?.line ?? document.startLine}` }];
  });
  const findings = documents.flatMap(({ document }) => document.findings);
  const unread = documents.find(({ document }) => !manifests.some((manifest) => manifest.document === document));
  if (unread !== undefined && !unread.document.findings.some(({ level }) => level === "error"))
    throw new CommandError(
      `${unread.file}:${unread.document.startLine}: an object needs apiVersion, kind and metadata.name (generateName is for kubectl create)`,
    );
  if (manifests.length === 0 && !findings.some(({ level }) => level === "error"))
    throw new CommandError(`no objects passed: ${paths.join(", ")} ${paths.length === 1 ? "holds" : "hold"} none`);
  return { manifests, texts, findings };
}

/** A manifest in its place on the server. */
export interface Placed extends Manifest {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly path: string;
}

/** @throws CommandError for a kind that the server does not have, and for a namespace that is not the one asked for */
export function placeManifests(
  manifests: readonly Manifest[],
  discovery: Discovery,
  target: Pick<Target, "namespace" | "isNamespaceGiven">,
): readonly Placed[] {
  return manifests.map((manifest) => {
    const { apiVersion, kind, metadata } = manifest.object;
    const resource = discovery.byKind(apiVersion, kind) ?? madeBySet(manifests, apiVersion, kind);
    if (resource === undefined)
      throw new CommandError(
        `${manifest.place}: no matches for kind "${kind}" in version "${apiVersion}"; ensure CRDs are installed first`,
      );
    if (target.isNamespaceGiven && resource.isNamespaced && metadata.namespace !== undefined && metadata.namespace !== target.namespace)
      throw new CommandError(
        `${manifest.place}: the namespace from the provided object "${metadata.namespace}" does not match the namespace "${target.namespace}". You must pass '--namespace=${metadata.namespace}' to perform this operation.`,
      );
    const namespace = resource.isNamespaced ? (metadata.namespace ?? target.namespace) : undefined;
    const object = namespace === undefined ? manifest.object : { ...manifest.object, metadata: { ...metadata, namespace } };
    return { ...manifest, object, resource, namespace, path: pathOf(resource, namespace, metadata.name) };
  });
}

interface Definition {
  readonly group?: string;
  readonly scope?: string;
  readonly names?: { readonly kind?: string; readonly plural?: string; readonly singular?: string };
}

/** A kind whose CustomResourceDefinition is in the same set. */
function madeBySet(manifests: readonly Manifest[], apiVersion: string, kind: string): Resource | undefined {
  for (const { object } of manifests) {
    if (object.kind !== "CustomResourceDefinition") continue;
    const { group, scope, names } = (object["spec"] ?? {}) as Definition;
    const [inGroup, version = ""] = apiVersion.split("/");
    if (group !== inGroup || names?.kind !== kind) continue;
    return {
      group: group ?? "",
      version,
      kind,
      plural: names.plural ?? "",
      singular: names.singular ?? "",
      shortNames: [],
      categories: [],
      verbs: [],
      isNamespaced: scope === "Namespaced",
      isPreferred: true,
    };
  }
  return undefined;
}
