// A file as a user wrote it -> its objects, decoded and checked, and everything that is to be said about them, with places.
// Never throws: whatever is wrong with the text becomes a finding.
import { createHash } from "node:crypto";
import { decode, reportUnknownFields, type DecodeReport } from "./decode.ts";
import { json, messageOf } from "./declaration.ts";
import { parsePath, pathText, type FieldPath } from "./field-path.ts";
import type { Finding, ObjectKey, Place } from "./finding.ts";
import type { DecodedKind } from "./decoded-kind.ts";
import { decodedKind, isNamespaced, keyKind, lookUpKind, meshConfigVersion } from "./kinds.ts";
import { configMap, objectEnvelope, objectHead, objectMeta, type WrittenMeta } from "./object-envelope.ts";
import type { ObjectMeta, OwnerReference } from "./object.ts";
import { entry, innerOffset, innerPlace, offsetIn, textAt } from "./source-lookup.ts";
import { didYouMean } from "./suggestion.ts";
import { checkAnnotations } from "./validation/annotation-rules.ts";
import { objectNameFault } from "./validation/names.ts";
import { Check, type CheckedObject, type Violation } from "./validation/violations.ts";
import type { SourceMap, SourceNode, SourceScalar } from "./yaml-node.ts";
import { readYaml, type SourceDocument } from "./yaml-source.ts";

/** An object as it was written: generation, uid and the like are the store's to add. */
export interface DecodedObject<Spec = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<ObjectMeta, "name" | "namespace" | "labels" | "annotations" | "generateName" | "ownerReferences"> & {
    readonly creationTimestamp?: string | undefined;
  };
  readonly spec: Spec;
  readonly status?: unknown;
}

export interface ParsedDocument {
  /** Absent when the document does not say its kind and name. */
  readonly key?: ObjectKey | undefined;
  /** Absent when there is an error, and for kinds that are known by name only. */
  readonly object?: DecodedObject | undefined;
  readonly findings: readonly Finding[];
  /** Of the document's text; objects of one List differ by their position. */
  readonly hash: string;
  readonly startLine: number;
  /** Where a field (`spec.http[0].timeout`) stands; the nearest parent that was written when it was not. */
  readonly placeOf: (field: string) => Place | undefined;
  /** The document as plain JSON, for analysis of what is not decoded (status, kinds known by name only); made when asked for. */
  readonly rawValue: () => unknown;
  /** The spec as far as it could be decoded, also of an object that is refused: then even required fields may be missing. */
  readonly partialSpec?: unknown;
}

/** The name under which MeshConfig lives, as Istio's ConfigMap. */
const meshConfigName = "istio";
const defaultRootNamespace = "istio-system";
const defaultNamespace = "default";
const maxFindings = 100;
const maxListItems = 10_000;

const meshFile = /(?:^|[/\\])mesh(?:-config)?\.ya?ml$/u;

export interface ParseOptions {
  /** Of objects that name none. */
  readonly namespace?: string;
  /** The text is MeshConfig, whatever the file's name. */
  readonly isMeshConfig?: boolean;
}

export function parseFile(text: string, file: string, options: ParseOptions = {}): readonly ParsedDocument[] {
  const { namespace = defaultNamespace, isMeshConfig = meshFile.test(file) } = options;
  const documents: ParsedDocument[] = [];
  for (const source of readYaml(text, file)) {
    const hash = createHash("sha256").update(source.text).digest("base64url");
    if (source.root === undefined && source.findings.length === 0) continue;
    if (source.root?.kind === "map" && isList(source.root)) documents.push(...expandList(source, source.root, hash, namespace));
    else documents.push(new ObjectReader(source, source.root, hash, namespace).read(isMeshConfig));
  }
  return documents;
}

function isList(root: SourceMap): boolean {
  return textAt(root, "kind") === "List" && textAt(root, "apiVersion") === "v1";
}

function expandList(source: SourceDocument, root: SourceMap, hash: string, namespace: string): readonly ParsedDocument[] {
  const items = entry(root, "items");
  if (items?.kind === "list" && items.items.length <= maxListItems && source.findings.length === 0) {
    return items.items.map((item, index) => new ObjectReader(source, item, `${hash}.${index}`, namespace).read(false));
  }
  const reader = new ObjectReader(source, root, hash, namespace);
  if (source.findings.length > 0) return [reader.unread()];
  if (items === undefined || (items.kind === "scalar" && items.value === null)) return [];
  const message = items.kind === "list" ? `a List holds at most ${maxListItems} items` : "must be a list of objects";
  reader.say({ level: "error", code: "MZ0002", path: ["items"], offset: items.offset, message });
  return [reader.unread()];
}

interface Said {
  readonly level: Finding["level"];
  readonly code: string;
  readonly path: FieldPath;
  readonly offset: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Reads one object; gathers what is to be said about it. */
class ObjectReader {
  readonly #source: SourceDocument;
  readonly #root: SourceNode | undefined;
  readonly #hash: string;
  /** Of an object that names none. */
  readonly #namespace: string;
  readonly #findings: Finding[];
  #key: ObjectKey | undefined;
  #partialSpec: unknown;
  #omitted = 0;
  /** For MeshConfig in a ConfigMap, whose fields stand in a text within the text. */
  #inner: { readonly source: SourceDocument; readonly toPlace: (offset: number) => Place } | undefined;

  constructor(source: SourceDocument, root: SourceNode | undefined, hash: string, namespace: string) {
    this.#source = source;
    this.#root = root;
    this.#hash = hash;
    this.#namespace = namespace;
    const key = keyIn(root, namespace);
    this.#key = key;
    this.#findings = source.findings.map((finding) => (key === undefined ? finding : { ...finding, object: key }));
  }

  read(mayBeMeshConfig: boolean): ParsedDocument {
    const root = this.#root;
    if (this.#source.findings.length > 0 || root === undefined) return this.unread();
    if (root.kind !== "map") {
      this.say({
        level: "error",
        code: "MZ0002",
        path: [],
        offset: root.offset,
        message: "must be a Kubernetes object",
        hint: "begin with apiVersion and kind",
      });
      return this.unread();
    }
    if (mayBeMeshConfig && entry(root, "apiVersion") === undefined && entry(root, "kind") === undefined) return this.#readMeshFile(root);
    const apiVersion = textAt(root, "apiVersion");
    const kind = textAt(root, "kind");
    if (apiVersion === undefined || apiVersion === "" || kind === undefined || kind === "") {
      const missing = apiVersion === undefined || apiVersion === "" ? "apiVersion" : "kind";
      const offset = entry(root, missing)?.offset ?? root.offset;
      this.say({
        level: "error",
        code: "MZ0002",
        path: [missing],
        offset,
        message: `${missing} is required`,
        hint: this.#envelopeHint(root, missing),
      });
      return this.unread();
    }
    return this.#readObject(root, apiVersion, kind);
  }

  #envelopeHint(root: SourceMap, missing: string): string | undefined {
    const keys = root.entries.map((candidate) => candidate.key).filter((key) => key !== "kind" && key !== "apiVersion");
    const near = keys.find((key) => didYouMean(key, [missing]) !== undefined);
    return near === undefined ? `add ${missing}` : `did you mean "${missing}" where "${near}" is written?`;
  }

  #readObject(root: SourceMap, apiVersion: string, kind: string): ParsedDocument {
    const found = lookUpKind(apiVersion, kind);
    const kindOffset = entry(root, "kind")?.offset ?? root.offset;
    switch (found.is) {
      case "known":
        this.say({
          level: "info",
          code: "MZ0004",
          path: [],
          offset: root.offset,
          message: `kind ${kind} is accepted and has no effect yet; its spec is not checked`,
        });
        return this.unread();
      case "foreign":
        this.say({
          level: "info",
          code: "MZ0003",
          path: ["kind"],
          offset: kindOffset,
          message: `kind ${kind} of ${apiVersion} is not known and ignored`,
        });
        return this.unread();
      case "unknown": {
        const hint = didYouMean(kind, found.names) ?? `known kinds of ${apiVersion}: ${found.names.slice(0, 12).join(", ")}`;
        this.say({
          level: "error",
          code: "MZ0003",
          path: ["kind"],
          offset: kindOffset,
          message: `kind ${kind} of ${apiVersion} is not known`,
          hint,
        });
        return this.unread();
      }
      case "wrong version": {
        const offset = entry(root, "apiVersion")?.offset ?? root.offset;
        const message = `kind ${kind} has no version ${apiVersion}`;
        this.say({ level: "error", code: "MZ0003", path: ["apiVersion"], offset, message, hint: `use ${found.versions.join(", ")}` });
        return this.unread();
      }
      case "decoded":
        if (found.declaration.kind === "ConfigMap" && this.#key?.name === meshConfigName) return this.#readConfigMap(root);
        return this.#readDecoded(root, apiVersion, found.declaration, this.#readMeta(root));
    }
  }

  #readMeta(root: SourceMap): WrittenMeta | undefined {
    const node = entry(root, "metadata");
    if (node === undefined || (node.kind === "scalar" && node.value === null)) {
      this.say({
        level: "error",
        code: "MZ0002",
        path: ["metadata"],
        offset: node?.offset ?? root.offset,
        message: "is required and missing",
        hint: "add metadata: {name: ...}",
      });
      return undefined;
    }
    const meta = decode(objectMeta.shape, node, ["metadata"], this.#report) as WrittenMeta | undefined;
    if (meta === undefined) return undefined;
    const name = meta.name ?? "";
    const nameOffset = node.kind === "map" ? (entry(node, "name")?.offset ?? node.offset) : node.offset;
    if (name === "") {
      const hint = meta.generateName === undefined ? "add name" : "generateName is not supported in files: add name";
      this.say({
        level: "error",
        code: "MZ0002",
        path: ["metadata", "name"],
        offset: nameOffset,
        message: "is required and missing",
        hint,
      });
    } else {
      const fault = objectNameFault(name);
      if (fault !== undefined) this.say({ level: "error", code: "MZ0002", path: ["metadata", "name"], offset: nameOffset, message: fault });
    }
    const namespace = meta.namespace ?? "";
    if (namespace !== "" && objectNameFault(namespace) !== undefined) {
      const offset = node.kind === "map" ? (entry(node, "namespace")?.offset ?? node.offset) : node.offset;
      this.say({
        level: "error",
        code: "MZ0002",
        path: ["metadata", "namespace"],
        offset,
        message: `${JSON.stringify(namespace)} is no namespace`,
      });
    }
    return meta;
  }

  #readDecoded(root: SourceMap, apiVersion: string, declaration: DecodedKind, meta: WrittenMeta | undefined): ParsedDocument {
    const namespace = this.#key?.namespace ?? this.#namespace;
    const spec = declaration.body === "spec" ? this.#readSpec(root, declaration) : this.#readBody(root, declaration);
    this.#partialSpec = spec;
    // The rules need every required field and every value of its type.
    if (this.#hasError()) return this.unread();
    this.#validate(declaration, spec, { ...meta, name: meta?.name ?? "", namespace }, declaration.body === "spec" ? ["spec"] : []);
    if (meta === undefined || this.#hasError()) return this.unread();
    if (declaration.effect === "none") {
      const message = `kind ${declaration.writtenAs} is accepted and has no effect yet`;
      this.say({ level: "info", code: "MZ0004", path: [], offset: root.offset, message });
    }
    const statusNode = declaration.readsStatus ? entry(root, "status") : undefined;
    const status = statusNode === undefined ? {} : { status: decode(json.shape, statusNode, ["status"], () => undefined) };
    return this.#done({ apiVersion, kind: declaration.kind, metadata: metadataOf(meta, namespace), spec, ...status });
  }

  #readSpec(root: SourceMap, declaration: DecodedKind): unknown {
    reportUnknownFields(messageOf(objectEnvelope), root, [], this.#report);
    const node = entry(root, "spec");
    if (node !== undefined && !(node.kind === "scalar" && node.value === null)) {
      return decode({ kind: "message", message: declaration.spec }, node, ["spec"], this.#report);
    }
    if (declaration.specMayBeMissing) return {};
    this.say({ level: "error", code: "MZ0002", path: ["spec"], offset: node?.offset ?? root.offset, message: "is required and missing" });
    return undefined;
  }

  /** The fields of a kind without a spec. */
  #readBody(root: SourceMap, declaration: DecodedKind): unknown {
    const { name, fields, oneofs } = declaration.spec;
    const head = messageOf(objectHead).fields;
    const whole = { name, oneofs, fields: new Map([...head, ...fields]) };
    const values = decode({ kind: "message", message: whole }, root, [], this.#report) ?? {};
    return Object.fromEntries(Object.entries(values).filter(([field]) => !head.has(field)));
  }

  #validate(declaration: DecodedKind, spec: unknown, object: CheckedObject, path: FieldPath): void {
    const violations: Violation[] = [];
    declaration.validate(spec, new Check(object, path, violations));
    const istio = declaration.apiVersions[0]?.includes(".istio.io/") === true;
    if (istio) checkAnnotations(declaration.kind, spec, new Check(object, ["metadata", "annotations"], violations));
    for (const violation of violations) this.say({ ...violation, offset: this.#offsetOf(violation.path) });
  }

  #readMeshFile(root: SourceMap): ParsedDocument {
    this.#key = { kind: "MeshConfig", namespace: textAt(root, "rootNamespace") ?? defaultRootNamespace, name: meshConfigName };
    return this.#readMeshConfig(root, { labels: {}, annotations: {} });
  }

  #readConfigMap(root: SourceMap): ParsedDocument {
    const meta = this.#readMeta(root) ?? {};
    decode(configMap.shape, root, [], this.#report);
    const data = entry(root, "data");
    const mesh = data?.kind === "map" ? entry(data, "mesh") : undefined;
    if (data?.kind === "map" && entry(data, "meshNetworks") !== undefined) {
      const networks = entry(data, "meshNetworks");
      if (networks?.kind === "scalar" && typeof networks.value === "string") this.#checkMeshNetworks(networks, networks.value);
    }
    if (mesh?.kind !== "scalar" || typeof mesh.value !== "string" || this.#hasError()) return this.unread();
    this.#key = { kind: "MeshConfig", namespace: this.#key?.namespace ?? defaultRootNamespace, name: meshConfigName };
    const parts = readYaml(mesh.value, this.#source.place(0).file).filter((part) => part.root !== undefined || part.findings.length > 0);
    const inner = parts[0];
    if (parts.length > 1)
      this.say({ level: "error", code: "MZ0002", path: ["data", "mesh"], offset: mesh.offset, message: "holds more than one document" });
    if (inner === undefined) return this.#readMeshConfig({ kind: "map", entries: [], offset: mesh.offset }, meta);
    const toPlace = innerPlace(this.#source, mesh, inner);
    for (const finding of inner.findings)
      this.#push({ ...finding, ...(finding.place === undefined ? {} : { place: toPlace(innerOffset(inner, finding.place)) }) });
    if (inner.findings.length > 0 || inner.root === undefined) return this.unread();
    this.#inner = { source: inner, toPlace };
    return this.#readMeshConfig(inner.root, meta);
  }

  /** Istio keeps MeshNetworks as a text beside MeshConfig. It is checked, and has no effect yet. */
  #checkMeshNetworks(node: SourceScalar, text: string): void {
    const path: FieldPath = ["data", "meshNetworks"];
    const declaration = decodedKind("MeshNetworks");
    const inner = readYaml(text, this.#source.place(0).file).find((part) => part.root !== undefined || part.findings.length > 0);
    if (inner === undefined || declaration === undefined) return;
    const toPlace = innerPlace(this.#source, node, inner);
    for (const finding of inner.findings)
      this.#push({ ...finding, ...(finding.place === undefined ? {} : { place: toPlace(innerOffset(inner, finding.place)) }) });
    const { root } = inner;
    if (inner.findings.length > 0 || root === undefined) return;
    this.#inner = { source: inner, toPlace };
    const before = this.#findings.length;
    const value = decode({ kind: "message", message: declaration.spec }, root, path, this.#report);
    if (this.#findings.length === before) {
      const violations: Violation[] = [];
      declaration.validate(value, new Check({ name: meshConfigName, namespace: this.#key?.namespace ?? "" }, path, violations));
      for (const violation of violations) this.say({ ...violation, offset: offsetIn(root, violation.path.slice(path.length)) });
    }
    this.#inner = undefined;
    const { networks = {} } = (value ?? {}) as { readonly networks?: object };
    if (Object.keys(networks).length > 0)
      this.say({ level: "info", code: "MZ0004", path, offset: node.offset, message: "is accepted and has no effect yet" });
  }

  #readMeshConfig(root: SourceNode, meta: WrittenMeta): ParsedDocument {
    const declaration = decodedKind("MeshConfig");
    if (declaration === undefined || this.#key === undefined) return this.unread();
    const spec = decode({ kind: "message", message: declaration.spec }, root, ["spec"], this.#report) ?? {};
    if (this.#hasError()) return this.unread();
    const violations: Violation[] = [];
    declaration.validate(spec, new Check({ name: this.#key.name, namespace: this.#key.namespace }, ["spec"], violations));
    for (const violation of violations) this.say({ ...violation, offset: offsetIn(root, violation.path.slice(1)) });
    if (this.#hasError()) return this.unread();
    const metadata = metadataOf({ ...meta, name: this.#key.name }, this.#key.namespace);
    return this.#done({ apiVersion: meshConfigVersion, kind: "MeshConfig", metadata, spec });
  }

  readonly #report = (report: DecodeReport): void => this.say(report);

  say(said: Said): void {
    if (this.#findings.length >= maxFindings) {
      this.#omitted++;
      return;
    }
    const place = this.#inner === undefined ? this.#source.place(said.offset) : this.#inner.toPlace(said.offset);
    const field = pathText(said.path);
    this.#push({
      level: said.level,
      code: said.code,
      message: said.message,
      place,
      ...(this.#key === undefined ? {} : { object: this.#key }),
      ...(field === "" ? {} : { field }),
      ...(said.hint === undefined ? {} : { hint: said.hint }),
    });
  }

  #push(finding: Finding): void {
    this.#findings.push(finding);
  }

  #hasError(): boolean {
    return this.#findings.some((finding) => finding.level === "error");
  }

  #offsetOf(path: FieldPath): number {
    return this.#root === undefined ? 0 : offsetIn(this.#root, path);
  }

  #placeOf(field: string): Place | undefined {
    if (this.#root === undefined) return undefined;
    const path = parsePath(field);
    if (this.#inner?.source.root !== undefined && path[0] === "spec") {
      return this.#inner.toPlace(offsetIn(this.#inner.source.root, path.slice(1)));
    }
    return this.#source.place(this.#offsetOf(path));
  }

  #done(object: DecodedObject): ParsedDocument {
    return { ...this.unread(), object };
  }

  /** The document without an object. */
  unread(): ParsedDocument {
    if (this.#omitted > 0) {
      const message = `${this.#omitted} more findings are left out`;
      this.#push({
        level: "info",
        code: "MZ0002",
        message,
        place: this.#source.place(0),
        ...(this.#key === undefined ? {} : { object: this.#key }),
      });
      this.#omitted = 0;
    }
    return {
      key: this.#key,
      findings: this.#findings,
      hash: this.#hash,
      startLine: this.#source.startLine,
      placeOf: (field) => this.#placeOf(field),
      rawValue: () => (this.#root === undefined ? undefined : decode(json.shape, this.#root, [], () => undefined)),
      ...(this.#partialSpec === undefined ? {} : { partialSpec: this.#partialSpec }),
    };
  }
}

function keyIn(root: SourceNode | undefined, defaultNamespace: string): ObjectKey | undefined {
  const kind = textAt(root, "kind") ?? "";
  const name = textAt(root, "metadata", "name") ?? "";
  if (kind === "" || name === "") return undefined;
  const namespace = textAt(root, "metadata", "namespace") ?? "";
  const known = keyKind(textAt(root, "apiVersion") ?? "", kind);
  return { kind: known, namespace: isNamespaced(kind) ? (namespace === "" ? defaultNamespace : namespace) : "", name };
}

function metadataOf(meta: WrittenMeta, namespace: string): DecodedObject["metadata"] {
  const { name = "", labels = {}, annotations = {}, creationTimestamp, generateName } = meta;
  const ownerReferences = ownersOf(meta.ownerReferences);
  return {
    name,
    namespace,
    labels,
    annotations,
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(generateName === undefined ? {} : { generateName }),
    ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
  };
}

/** Written by Kubernetes, not by people: what is not of its form is left out. */
function ownersOf(written: unknown): readonly OwnerReference[] {
  if (!Array.isArray(written)) return [];
  return written.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { kind, name, controller } = entry as Readonly<Record<string, unknown>>;
    return typeof kind === "string" && typeof name === "string" ? [{ kind, name, controller: controller === true }] : [];
  });
}
