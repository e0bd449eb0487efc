// Options in the query of a request. @throws StatusError for values that Kubernetes refuses
import type { DeleteOptions, ListOptions } from "#control-plane/config/object-store";
import { StatusError, type StatusCause } from "#control-plane/config/status-error";
import { isList, isObject, member, memberAt, textAt, type Json, type JsonObject } from "#control-plane/api-server/json";
import { invalid } from "#control-plane/api-server/refusals";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface WriteQuery {
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly dryRun: boolean;
  readonly force: boolean;
}

function optionsRefusal(kind: string, cause: StatusCause): StatusError {
  return invalid({ group: "meta.k8s.io", kind }, "", [cause]);
}

function isDryRun(values: readonly Json[], kind: string): boolean {
  for (const value of values) {
    if (value === "All") continue;
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "All"`;
    throw optionsRefusal(kind, { reason: "FieldValueNotSupported", message, field: "dryRun" });
  }
  return values.length > 0;
}

function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== "false" && value !== "0";
}

/** A manager that is not named is the client's program, as in Kubernetes. */
export function writeQuery(query: URLSearchParams, userAgent: string, kind: string): WriteQuery {
  const validation = query.get("fieldValidation") ?? "Warn";
  if (validation !== "Strict" && validation !== "Warn" && validation !== "Ignore" && validation !== "") {
    const message = `Unsupported value: ${JSON.stringify(validation)}: supported values: "", "Ignore", "Strict", "Warn"`;
    throw optionsRefusal(kind, { reason: "FieldValueNotSupported", message, field: "fieldValidation" });
  }
  const fieldManager = query.get("fieldManager") ?? "";
  if (fieldManager.length > 128 || /[^\u0020-\u{10ffff}]/u.test(fieldManager)) {
    throw optionsRefusal(kind, {
      reason: "FieldValueInvalid",
      message: "Invalid value: at most 128 printable characters",
      field: "fieldManager",
    });
  }
  return {
    fieldManager: fieldManager === "" ? (userAgent.split("/")[0] ?? "").slice(0, 128) || "unknown" : fieldManager,
    fieldValidation: validation === "" ? "Warn" : validation,
    dryRun: isDryRun(query.getAll("dryRun"), kind),
    force: flag(query, "force"),
  };
}

export function isWatch(query: URLSearchParams): boolean {
  return flag(query, "watch");
}

export function listQuery(query: URLSearchParams): ListOptions {
  const limit = numberOf(query, "limit");
  const match = query.get("resourceVersionMatch") ?? "";
  if (match !== "" && match !== "Exact" && match !== "NotOlderThan") {
    const message = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`;
    throw optionsRefusal("ListOptions", { reason: "FieldValueNotSupported", message, field: "resourceVersionMatch" });
  }
  return {
    ...texts(query, ["labelSelector", "fieldSelector", "continue", "resourceVersion"]),
    ...(limit === undefined ? {} : { limit }),
    ...(match === "" ? {} : { resourceVersionMatch: match }),
  };
}

export interface WatchQuery {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly sendInitialEvents?: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

export function watchQuery(query: URLSearchParams): WatchQuery {
  const initial = query.get("sendInitialEvents");
  if (initial !== null && query.get("resourceVersionMatch") !== "NotOlderThan") {
    const message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
    throw optionsRefusal("ListOptions", { reason: "FieldValueForbidden", message, field: "resourceVersionMatch" });
  }
  return {
    ...texts(query, ["labelSelector", "fieldSelector", "resourceVersion"]),
    ...(initial === null ? {} : { sendInitialEvents: initial === "true" || initial === "1" }),
    allowWatchBookmarks: flag(query, "allowWatchBookmarks"),
    timeoutSeconds: numberOf(query, "timeoutSeconds"),
  };
}

function texts<N extends string>(query: URLSearchParams, names: readonly N[]): { readonly [K in N]?: string } {
  const found = names.flatMap((name) => {
    const value = query.get(name);
    return value === null || value === "" ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found) as { readonly [K in N]?: string };
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw StatusError.badRequest(`${name} must be a whole number, is ${JSON.stringify(text)}`);
  return value;
}

export interface DeleteQuery {
  readonly options: DeleteOptions;
  readonly dryRun: boolean;
}

/** DeleteOptions come in the body or in the query; the body counts where both say something. */
export function deleteQuery(query: URLSearchParams, body: JsonObject): DeleteQuery {
  const policy = textAt(body, "propagationPolicy") || (query.get("propagationPolicy") ?? "");
  if (policy !== "" && policy !== "Background" && policy !== "Foreground" && policy !== "Orphan") {
    const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan"`;
    throw optionsRefusal("DeleteOptions", { reason: "FieldValueNotSupported", message, field: "propagationPolicy" });
  }
  const orphans = member(body, "orphanDependents") === true || flag(query, "orphanDependents");
  const uid = textAt(body, "preconditions", "uid");
  const resourceVersion = textAt(body, "preconditions", "resourceVersion");
  const written = memberAt(body, "dryRun");
  const preconditions = isObject(member(body, "preconditions"))
    ? { ...(uid === "" ? {} : { uid }), ...(resourceVersion === "" ? {} : { resourceVersion }) }
    : undefined;
  return {
    dryRun: isDryRun(isList(written) ? written : query.getAll("dryRun"), "DeleteOptions"),
    options: {
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(policy === "" ? (orphans ? { propagationPolicy: "Orphan" as const } : {}) : { propagationPolicy: policy }),
    },
  };
}
