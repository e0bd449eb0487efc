// Create, replace, patch and apply. Each is decided by a pure change of the stored object, which the store asks for again when somebody
// else was faster; warnings are those of the change that was kept.
import type { ObjectStore, ObjectWrite, Subresource, WriteResult } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectName } from "#control-plane/config/stored-object";
import { admitted, checkKind, withKnownFields, type AdmissionContext } from "#control-plane/api-server/admission/admission";
import { warningText } from "#control-plane/api-server/admission/causes";
import type { ObjectReview } from "#control-plane/api-server/admission/object-review";
import { ReviewBudget } from "#control-plane/api-server/admission/review-budget";
import { definitionStatus } from "#control-plane/api-server/admission/definition-status";
import { eventWithoutNode, needsNode, withStatusWithoutNode } from "#control-plane/api-server/admission/without-node";
import { applyConfiguration, noteUpdate, type Change } from "#control-plane/api-server/apply/field-ownership";
import { isObject, member, memberAt, textAt, withMember, withMemberAt, type Json, type JsonObject } from "#control-plane/api-server/json";
import { applyJsonPatch } from "#control-plane/api-server/patch/json-patch";
import { applyMergePatch } from "#control-plane/api-server/patch/merge-patch";
import { applyStrategicMergePatch } from "#control-plane/api-server/patch/strategic-merge-patch";
import { invalid, unsupportedMediaType } from "#control-plane/api-server/refusals";
import type { ResourcePath } from "#control-plane/api-server/request/api-path";
import { mediaType, objectIn, readObject, readText, type Body, type ReadBody } from "#control-plane/api-server/request/body";
import type { WriteQuery } from "#control-plane/api-server/request/query";
import type { ResourceTable } from "#control-plane/api-server/resources/resource-table";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";
import { asJson, asStored, type Answer } from "./answer.ts";
import { inVersion, storedVersion } from "./versions.ts";

const APPLY = "application/apply-patch+yaml";
const JSON_PATCH = "application/json-patch+json";
const MERGE = "application/merge-patch+json";
const EVENTS = { group: "", resource: "events" } as const;
const EVENT_MS = 3_600_000;
const STRATEGIC = "application/strategic-merge-patch+json";

export interface ObjectWriterOptions {
  readonly store: ObjectStore;
  readonly table: ResourceTable;
  readonly review: ObjectReview;
  readonly clock: Clock;
  readonly random: Random;
}

/** What the store can be asked for, the object's own write first, and its warnings once it was made. */
export interface PreparedWrite {
  readonly writes: readonly ObjectWrite[];
  readonly warnings: () => readonly string[];
}

export class ObjectWriter {
  readonly #store: ObjectStore;
  readonly #table: ResourceTable;
  readonly #review: ReviewBudget;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ store, table, review, clock, random }: ObjectWriterOptions) {
    this.#store = store;
    this.#table = table;
    this.#review = new ReviewBudget(review, clock);
    this.#clock = clock;
    this.#random = random;
  }

  async create(path: ResourcePath, body: Body, query: WriteQuery): Promise<Answer> {
    const { resource, version } = path;
    const read = readObject(body);
    checkKind(read.object, resource, version);
    const warnings: string[] = [];
    const context = contextOf(path, query, warnings);
    const known = withKnownFields(inNamespace(read.object, path), read.duplicates, context, (why) =>
      StatusError.badRequest(`${resource.kind} in version ${JSON.stringify(version)} cannot be handled as a ${resource.kind}: ${why}`),
    );
    const object = admitted(this.#named(known), context);
    const noted = noteUpdate(this.#change(path, undefined, query, "Update"), object);
    const name = nameOf(path, textAt(object, "metadata", "name"));
    const writes: readonly ObjectWrite[] = [{ verb: "create", name, object: stored(noted, path) }, ...this.#statusWrites(path, name)];
    const results = await this.#store.write(writes, { author: query.fieldManager, dryRun: query.dryRun });
    const created = lastOf(results);
    await this.#tell(path, created, query);
    return { code: 201, body: inVersion(created, resource, version), warnings: [...warnings, ...this.#reviewed(created)] };
  }

  async replace(path: ResourcePath, body: Body, query: WriteQuery): Promise<Answer> {
    const read = readObject(body);
    checkKind(read.object, path.resource, path.version);
    const warnings: string[] = [];
    const { kind } = path.resource;
    const written = inNamespace(read.object, path);
    const change = this.#changing(path, query, warnings, () => {
      checkReplacesVersion(written, path);
      const refuse = (why: string): StatusError =>
        StatusError.badRequest(`${kind} in version ${JSON.stringify(path.version)} cannot be handled as a ${kind}: ${why}`);
      return { object: written, duplicates: read.duplicates, refuse };
    });
    return this.#modify(path, change, query, warnings);
  }

  async patch(path: ResourcePath, body: Body, query: WriteQuery): Promise<Answer> {
    const type = mediaType(body.contentType);
    if (type === APPLY) return this.#apply(path, body, query);
    const merge = patchOf(type, body, path);
    const warnings: string[] = [];
    const change = this.#changing(path, query, warnings, (live) => {
      const patched = merge(live);
      return {
        object: patched.object,
        duplicates: patched.duplicates,
        refuse: (why) =>
          invalid({ group: "", kind: "" }, "", [
            {
              reason: "FieldValueInvalid",
              message: `Invalid value: ${JSON.stringify(body.bytes.toString("utf8", 0, 1000))}: ${why}`,
              field: "patch",
            },
          ]),
      };
    });
    return this.#modify(path, change, query, warnings);
  }

  /** One object of a set that is written together. */
  prepareApply(path: ResourcePath, read: ReadBody, query: WriteQuery): PreparedWrite {
    const { resource, version } = path;
    const warnings: string[] = [];
    const context = contextOf(path, query, warnings);
    checkKind(read.object, resource, version);
    if (memberAt(read.object, "metadata", "managedFields") !== undefined)
      throw StatusError.badRequest("metadata.managedFields must be nil");
    const config = withKnownFields(inNamespace(read.object, path), read.duplicates, context, (why) => StatusError.badRequest(why));
    const unknown = warnings.splice(0);
    const name = nameOf(path, path.name);
    const write: ObjectWrite = {
      verb: "modify",
      name,
      mayCreate: path.subresource === "",
      ...subresourceOf(path),
      change: (current) => {
        warnings.length = 0;
        const live = current === undefined ? undefined : inVersion(asJson(current), resource, version);
        const applied = applyConfiguration(this.#change(path, live, query, "Apply"), config, query.force);
        const object = path.subresource === "" ? admitted(applied, context) : applied;
        return stored(object, path);
      },
    };
    const writes = path.subresource === "" ? [write, ...this.#statusWrites(path, name)] : [write];
    return { writes, warnings: () => [...unknown, ...warnings] };
  }

  async #apply(path: ResourcePath, body: Body, query: WriteQuery): Promise<Answer> {
    const prepared = this.prepareApply(path, objectIn(readText(body.bytes, true)), query);
    const results = await this.#store.write(prepared.writes, { author: query.fieldManager, dryRun: query.dryRun });
    const isNew = results[0]?.outcome === "created";
    const object = lastOf(results);
    if (isNew) await this.#tell(path, object, query);
    const reviewed = path.subresource === "" && results[0]?.outcome !== "unchanged" ? this.#reviewed(object) : [];
    return {
      code: isNew ? 201 : 200,
      body: inVersion(object, path.resource, path.version),
      warnings: [...prepared.warnings(), ...reviewed],
    };
  }

  async #modify(
    path: ResourcePath,
    change: (live: JsonObject) => JsonObject,
    query: WriteQuery,
    warnings: readonly string[],
  ): Promise<Answer> {
    const { resource, version } = path;
    const write: ObjectWrite = {
      verb: "modify",
      name: nameOf(path, path.name),
      ...subresourceOf(path),
      change: (current) => {
        if (current === undefined) throw StatusError.notFound(nameOf(path, path.name));
        return stored(change(inVersion(asJson(current), resource, version)), path);
      },
    };
    const results = await this.#store.write([write], { author: query.fieldManager, dryRun: query.dryRun });
    const object = await this.#observed(path, lastOf(results), results[0]?.outcome === "updated" && !query.dryRun);
    const reviewed = path.subresource === "" && results[0]?.outcome === "updated" ? this.#reviewed(object) : [];
    return { code: 200, body: inVersion(object, resource, version), warnings: [...warnings, ...reviewed] };
  }

  /** The change of a replacement or a patch: what `next` makes of the live object, known fields only, valid, with its managers. */
  #changing(
    path: ResourcePath,
    query: WriteQuery,
    warnings: string[],
    next: (live: JsonObject) => ReadBody & { readonly refuse: (why: string) => StatusError },
  ): (live: JsonObject) => JsonObject {
    const context = contextOf(path, query, warnings);
    return (live) => {
      warnings.length = 0;
      const { object, duplicates, refuse } = next(live);
      checkIdentity(object, live, path);
      const known = withKnownFields(object, duplicates, context, refuse);
      const change = this.#change(path, live, query, "Update");
      if (path.subresource === "") return noteUpdate(change, admitted(withoutManagers(known, live), context));
      // Through a subresource only its own part is written.
      const own = path.subresource === "status" ? withMember(live, "status", member(known, "status")) : known;
      const seen = memberAt(known, "metadata", "resourceVersion");
      return withMemberAt(noteUpdate(change, own), ["metadata", "resourceVersion"], seen);
    };
  }

  /** What analysis has to say of it: it is stored all the same, as references may follow. */
  #reviewed(object: JsonObject): readonly string[] {
    return this.#review.of(object).flatMap((finding) => (finding.level === "info" ? [] : [warningText(finding)]));
  }

  #change(
    { resource, version, subresource }: ResourcePath,
    live: JsonObject | undefined,
    query: WriteQuery,
    operation: "Apply" | "Update",
  ): Change {
    const by = { manager: query.fieldManager, operation, apiVersion: resource.apiVersion(version), subresource };
    return { live, by, schema: resource.schema(version), now: this.#now() };
  }

  #now(): string {
    return new Date(this.#clock.wallMs()).toISOString().replace(/\.\d+Z$/u, "Z");
  }

  /** Kinds that get a status at once need their names first. */
  #named(object: JsonObject): JsonObject {
    const generateName = textAt(object, "metadata", "generateName");
    if (textAt(object, "metadata", "name") !== "" || generateName === "") return object;
    const letters = "bcdfghjklmnpqrstvwxz2456789";
    const suffix = Array.from({ length: 5 }, () => letters[this.#random.integer(letters.length)]).join("");
    return withMemberAt(object, ["metadata", "name"], `${generateName.slice(0, 58)}${suffix}`);
  }

  /** Of kinds that nothing here brings to life, and of definitions: the status of an object, written with it. */
  #statusWrites({ resource }: ResourcePath, name: ObjectName): readonly ObjectWrite[] {
    const now = this.#now();
    const isDefinition = resource.kind === "CustomResourceDefinition";
    if (!isDefinition && !needsNode(resource)) return [];
    return [
      {
        verb: "modify",
        name,
        subresource: "status",
        change: (current) => {
          if (current === undefined) throw StatusError.notFound(name);
          if (!isDefinition) return asStored(withStatusWithoutNode(resource, asJson(current), now));
          return current["status"] === undefined ? { ...current, status: definitionStatus(asJson(current), this.#table, now) } : current;
        },
      },
    ];
  }

  /** What nothing runs is observed all the same, or clients wait for a controller. What may go with this very write is left alone. */
  async #observed(path: ResourcePath, object: JsonObject, isChanged: boolean): Promise<JsonObject> {
    const isOurs = isChanged && path.subresource === "" && needsNode(path.resource);
    if (!isOurs || memberAt(object, "metadata", "deletionTimestamp") !== undefined) return object;
    try {
      return lastOf(await this.#store.write(this.#statusWrites(path, nameOf(path, path.name)), { author: "mizzen" }));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return object;
    }
  }

  /** An Event beside the object; the object is there whether or not the Event can be written. */
  async #tell({ resource, namespace }: ResourcePath, object: JsonObject, query: WriteQuery): Promise<void> {
    if (query.dryRun || !needsNode(resource)) return;
    const name = `${textAt(object, "metadata", "name").slice(0, 200)}.${this.#random.uuid().slice(0, 8)}`;
    const event = eventWithoutNode(resource, object, name, this.#now());
    const write: ObjectWrite = { verb: "create", name: { ...EVENTS, namespace, name }, object: asStored(event) };
    try {
      await this.#store.write([write, ...(await this.#oldEvents())], { author: "mizzen" });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  }

  /** Events are kept for an hour, as in Kubernetes: whoever writes one takes those along that are older. */
  async #oldEvents(): Promise<readonly ObjectWrite[]> {
    const { items } = await this.#store.list(EVENTS);
    const untilMs = this.#clock.wallMs() - EVENT_MS;
    return items.flatMap(({ metadata }): readonly ObjectWrite[] => {
      const { name = "", namespace = "", creationTimestamp = "" } = metadata;
      return Date.parse(creationTimestamp) < untilMs ? [{ verb: "delete", name: { ...EVENTS, namespace, name } }] : [];
    });
  }
}

function lastOf(results: readonly WriteResult[]): JsonObject {
  const last = results.at(-1);
  if (last === undefined) throw new StatusError("InternalError", "the store answered nothing");
  return asJson(last.object);
}

export function nameOf({ resource, namespace }: ResourcePath, name: string): ObjectName {
  return { group: resource.group, resource: resource.plural, namespace: resource.namespaced ? namespace : "", name };
}

function subresourceOf({ subresource }: ResourcePath): { readonly subresource?: Subresource } {
  return subresource === "status" || subresource === "finalize" ? { subresource } : {};
}

function contextOf({ resource, version }: ResourcePath, { fieldValidation }: WriteQuery, warnings: string[]): AdmissionContext {
  return { resource, version, fieldValidation, warn: (warning) => warnings.push(warning) };
}

function stored(object: JsonObject, { resource, version }: ResourcePath) {
  return asStored(inVersion(object, resource, storedVersion(resource, version)));
}

/** The namespace of the path where the object names none; one that differs is refused by the store. */
function inNamespace(object: JsonObject, { resource, namespace, name }: ResourcePath): JsonObject {
  const metadata = member(object, "metadata");
  if (!isObject(metadata)) return object;
  const own = textAt(metadata, "namespace");
  const placed = resource.namespaced ? (own === "" ? namespace : own) : undefined;
  const named = textAt(metadata, "name") === "" && name !== "" ? withMember(metadata, "name", name) : metadata;
  return withMember(object, "metadata", withMember(named, "namespace", placed));
}

/** Managers that the client did not write, or wrote so that they cannot be read, are those of the stored object. */
function withoutManagers(object: JsonObject, live: JsonObject): JsonObject {
  const written = memberAt(object, "metadata", "managedFields");
  return written === undefined ? withMemberAt(object, ["metadata", "managedFields"], memberAt(live, "metadata", "managedFields")) : object;
}

/** Custom resources are replaced only by who has seen the last version. */
function checkReplacesVersion(object: JsonObject, { resource, name }: ResourcePath): void {
  if (!resource.isCustom || textAt(object, "metadata", "resourceVersion") !== "") return;
  const cause = {
    reason: "FieldValueInvalid",
    message: "Invalid value: 0x0: must be specified for an update",
    field: "metadata.resourceVersion",
  };
  throw invalid(resource, name, [cause]);
}

/** A patch may not make another object of it. @throws StatusError */
function checkIdentity(object: JsonObject, live: JsonObject, path: ResourcePath): void {
  checkKind(object, path.resource, path.version);
  for (const field of ["name", "namespace"]) {
    const written = textAt(object, "metadata", field);
    if (written === "" || written === textAt(live, "metadata", field)) continue;
    throw StatusError.badRequest(
      field === "name"
        ? `the name of the object (${written}) does not match the name on the URL (${path.name})`
        : "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
}

function patchOf(type: string, { bytes }: Body, { resource, version }: ResourcePath): (live: JsonObject) => ReadBody {
  const types = [JSON_PATCH, MERGE, ...(resource.isCustom ? [] : [STRATEGIC]), APPLY];
  if (!types.includes(type)) throw unsupportedMediaType(types);
  const { value: patch, duplicates } = readText(bytes, false);
  const result = (value: Json): ReadBody => objectIn({ value, duplicates });
  if (type === JSON_PATCH) return (live) => result(applyJsonPatch(live, patch));
  if (!isObject(patch)) throw StatusError.badRequest("error decoding patch: a merge patch must be an object");
  if (type === MERGE) return (live) => result(applyMergePatch(live, patch));
  return (live) => result(applyStrategicMergePatch(live, patch, resource.schema(version)));
}
