// Objects as a Table (meta.k8s.io/v1): what `kubectl get` asks for.
import { withMember, type Json, type JsonObject } from "#control-plane/api-server/json";
import type { Column } from "./column.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export function tableOf(
  columns: readonly Column[],
  objects: readonly JsonObject[],
  listMeta: JsonObject,
  include: IncludeObject,
  nowMs: number,
): JsonObject {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: listMeta,
    columnDefinitions: columns.map(({ name, type, format, description, priority }) => ({ name, type, format, description, priority })),
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, nowMs)),
      ...(include === "None" ? {} : { object: include === "Object" ? object : partialMetadata(object) }),
    })),
  };
}

export function partialMetadata(object: JsonObject): JsonObject {
  const metadata: Json = object["metadata"] ?? {};
  return withMember({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" }, "metadata", metadata);
}
