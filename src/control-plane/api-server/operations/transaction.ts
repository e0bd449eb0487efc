// Several objects that are applied or deleted together or not at all: what `mizzen apply` asks for. A refusal names the object.
import type { ObjectStore, ObjectWrite, WriteResult } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import { isList, isObject, textAt, withMember, type Json, type JsonObject } from "#control-plane/api-server/json";
import { writtenKind } from "#api/kinds";
import { warningText } from "#control-plane/api-server/admission/causes";
import type { ObjectReview } from "#control-plane/api-server/admission/object-review";
import { invalid } from "#control-plane/api-server/refusals";
import type { ResourcePath } from "#control-plane/api-server/request/api-path";
import type { WriteQuery } from "#control-plane/api-server/request/query";
import { parseApiVersion, type ResourceTable } from "#control-plane/api-server/resources/resource-table";
import { asJson, type Answer } from "./answer.ts";
import { nameOf, type ObjectWriter, type PreparedWrite } from "./object-writer.ts";
import { inVersion } from "./versions.ts";

const MAX_OBJECTS = 10_000;
const ACTIONS = { created: "created", updated: "configured", unchanged: "unchanged", terminating: "deleted", deleted: "deleted" } as const;

export interface Transaction {
  readonly store: ObjectStore;
  readonly table: ResourceTable;
  readonly writer: ObjectWriter;
  readonly query: WriteQuery;
  readonly review: ObjectReview;
}

interface Item {
  readonly index: number;
  readonly path: ResourcePath;
  readonly prepared: PreparedWrite;
}

export async function runTransaction(transaction: Transaction, body: JsonObject): Promise<Answer> {
  const operation = textAt(body, "operation");
  if (operation !== "Apply" && operation !== "Delete") throw StatusError.badRequest("operation must be Apply or Delete");
  const objects = body["objects"];
  if (!isList(objects)) throw StatusError.badRequest("objects must be a list");
  if (objects.length > MAX_OBJECTS) throw new StatusError("RequestEntityTooLarge", `a transaction has at most ${MAX_OBJECTS} objects`);
  const items = objects.map((object, index) => itemOf(transaction, operation, object, index));
  // What others are in comes first.
  const order = items.toSorted((a, b) => rankOf(a, operation) - rankOf(b, operation) || a.index - b.index);
  const reviewed = operation === "Apply" ? checkReferences(transaction, objects.filter(isObject)) : [];
  const { fieldManager: author, dryRun } = transaction.query;
  const results = await transaction.store.write(
    order.flatMap(({ index, prepared }) => prepared.writes.map((write) => guarded(write, index))),
    { author, dryRun },
  );
  const answers = new Map<number, JsonObject>();
  let next = 0;
  for (const { index, path, prepared } of order) {
    const own = results.slice(next, next + prepared.writes.length);
    next += prepared.writes.length;
    answers.set(index, answerOf(own, path));
  }
  const warnings = [...items.flatMap(({ prepared }) => prepared.warnings()), ...reviewed];
  return {
    code: 200,
    body: withMember(
      body,
      "results",
      items.map(({ index }) => answers.get(index) ?? null),
    ),
    warnings,
  };
}

/** Warnings about the set; its errors refuse all of it, unless who writes wants to be warned only. @throws StatusError */
function checkReferences({ review, query }: Transaction, objects: readonly JsonObject[]): readonly string[] {
  const findings = review(objects);
  if (query.fieldValidation !== "Strict") return findings.filter(({ level }) => level !== "info").map(warningText);
  const causes = findings
    .filter(({ level }) => level === "error")
    .map((finding) => {
      const index = objects.findIndex(
        (object) =>
          textAt(object, "metadata", "name") === finding.object?.name && textAt(object, "kind") === writtenKind(finding.object.kind),
      );
      const field = finding.field === undefined || finding.field === "" ? "" : `.${finding.field}`;
      return { reason: "FieldValueInvalid", message: warningText({ ...finding, field: "" }), field: `objects[${index}]${field}` };
    });
  if (causes.length > 0) throw invalid({ group: "mizzen.io", kind: "Transaction" }, "", causes);
  return findings.filter(({ level }) => level === "warning").map(warningText);
}

function answerOf(results: readonly WriteResult[], path: ResourcePath): JsonObject {
  const [first] = results;
  const last = results.at(-1);
  if (first === undefined || last === undefined) throw new StatusError("InternalError", "the store answered nothing");
  return { action: ACTIONS[first.outcome], object: inVersion(asJson(last.object), path.resource, path.version) };
}

function itemOf({ table, writer, query }: Transaction, operation: "Apply" | "Delete", object: Json, index: number): Item {
  return at(index, () => {
    if (!isObject(object)) throw StatusError.badRequest("must be an object");
    const apiVersion = textAt(object, "apiVersion");
    const resource = table.ofKind(apiVersion, textAt(object, "kind"));
    if (resource === undefined) {
      throw new StatusError(
        "NotFound",
        `no matches for kind ${JSON.stringify(textAt(object, "kind"))} in version ${JSON.stringify(apiVersion)}`,
      );
    }
    const name = textAt(object, "metadata", "name");
    if (name === "") throw StatusError.badRequest("metadata.name is required");
    const namespace = resource.namespaced ? textAt(object, "metadata", "namespace") || "default" : "";
    const path: ResourcePath = { is: "resource", resource, version: parseApiVersion(apiVersion).version, namespace, name, subresource: "" };
    if (operation === "Apply") return { index, path, prepared: writer.prepareApply(path, { object, duplicates: [] }, query) };
    return { index, path, prepared: { writes: [{ verb: "delete", name: nameOf(path, name) }], warnings: () => [] } };
  });
}

function rankOf({ path }: Item, operation: "Apply" | "Delete"): number {
  const isNamespace = path.resource.kind === "Namespace" && path.resource.group === "";
  return isNamespace === (operation === "Apply") ? 0 : 1;
}

/** A change that is refused says whose it is; refusals of the store name the object themselves. */
function guarded(write: ObjectWrite, index: number): ObjectWrite {
  if (write.verb !== "modify") return write;
  return { ...write, change: (current) => at(index, () => write.change(current)) };
}

function at<T>(index: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const { reason, status } = error;
    const prefix = `objects[${index}]`;
    const causes = status.details?.causes ?? [{ message: error.message, field: "" }];
    const placed = causes.map((cause) => ({
      ...cause,
      field: cause.field === undefined || cause.field === "" ? prefix : `${prefix}.${cause.field.replace(/^\./u, "")}`,
    }));
    throw new StatusError(reason, error.message, { details: { ...status.details, causes: placed }, cause: error });
  }
}
