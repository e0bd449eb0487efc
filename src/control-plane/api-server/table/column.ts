// A column of `kubectl get`, and those that follow from a custom resource's printer columns.
import { isList, isObject, textAt, type Json, type JsonObject } from "#control-plane/api-server/json";
import { ageOf } from "./human-duration.ts";
import { evaluate, parseJsonPath } from "./json-path.ts";

export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: string;
  readonly description: string;
  /** 0: always shown; 1: only in wide output. */
  readonly priority: number;
  readonly cell: (object: JsonObject, nowMs: number) => Json;
}

export interface PrinterColumn {
  readonly name: string;
  readonly jsonPath: string;
  readonly type: string;
  readonly description?: string;
  readonly priority?: number;
}

export function textColumn(name: string, cell: Column["cell"], description = "", priority = 0): Column {
  return { name, type: "string", format: "", description, priority, cell };
}

export function wideColumn(name: string, cell: Column["cell"]): Column {
  return textColumn(name, cell, "", 1);
}

export function countColumn(name: string, cell: Column["cell"]): Column {
  return { name, type: "integer", format: "", description: "", priority: 0, cell };
}

export const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "The object's name, unique in its namespace",
  priority: 0,
  cell: (object) => textAt(object, "metadata", "name"),
};

export const ageColumn: Column = textColumn(
  "Age",
  (object, nowMs) => ageOf(textAt(object, "metadata", "creationTimestamp"), nowMs),
  "How long ago it was made",
);

export function printerColumn({ name, jsonPath, type, description = "", priority = 0 }: PrinterColumn): Column {
  const path = parseJsonPath(jsonPath);
  const kind = type === "integer" || type === "number" || type === "boolean" || type === "date" ? type : "string";
  return {
    name,
    type: kind,
    format: "",
    description,
    priority,
    cell: (object, nowMs) => cellOf(evaluate(path, object)[0], kind, nowMs),
  };
}

/** As the API server prints what a path leads to: nothing for nothing, JSON for what is no plain value. */
function cellOf(value: Json | undefined, type: Column["type"], nowMs: number): Json {
  if (value === undefined || value === null) return null;
  if (type === "date") return typeof value === "string" ? ageOf(value, nowMs) : null;
  if (type !== "string") return typeof value === type || (type === "integer" && typeof value === "number") ? value : null;
  return isList(value) || isObject(value) ? JSON.stringify(value) : String(value);
}
