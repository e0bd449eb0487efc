// The paths of OpenAPI: as much of each operation as clients look at (which kind, which parameters). Strategic merge patches are taken
// and not announced: kubectl would make them from these schemas, which do not look into every field; it falls back to its own knowledge.
import { objectOf, type Json, type JsonObject } from "#control-plane/api-server/json";
import type { Resource } from "#control-plane/api-server/resources/resource";
import { definitionName, type OpenApiSchemas, type OpenApiVersion } from "./openapi-schema.ts";

const PATCH_TYPES = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
const WRITES = ["dryRun", "fieldManager", "fieldValidation"];
const LISTS = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];

interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly action: string;
  readonly query: readonly string[];
  readonly list?: boolean;
}

const COLLECTION: readonly Operation[] = [
  { method: "get", action: "list", query: LISTS, list: true },
  { method: "post", action: "post", query: WRITES },
  { method: "delete", action: "deletecollection", query: LISTS },
];
const OBJECT: readonly Operation[] = [
  { method: "get", action: "get", query: [] },
  { method: "put", action: "put", query: WRITES },
  { method: "patch", action: "patch", query: [...WRITES, "force"] },
  { method: "delete", action: "delete", query: ["dryRun", "gracePeriodSeconds", "propagationPolicy"] },
];

interface Context {
  readonly resource: Resource;
  readonly version: string;
  readonly schemas: OpenApiSchemas;
  readonly openApi: OpenApiVersion;
}

export function resourcePaths(context: Context): readonly (readonly [string, Json])[] {
  const { resource, version, openApi } = context;
  const root = resource.group === "" ? `/api/${version}` : `/apis/${resource.group}/${version}`;
  const collection = resource.namespaced ? `${root}/namespaces/{namespace}/${resource.plural}` : `${root}/${resource.plural}`;
  const inPath = resource.namespaced ? ["namespace"] : [];
  const item = (operations: readonly Operation[], parameters: readonly string[]): Json =>
    objectOf([
      ...operations.map((operation): [string, Json] => [operation.method, operationOf(operation, context)]),
      ["parameters", parameters.map((name) => parameter(name, "path", openApi))],
    ]);
  return [
    [collection, item(COLLECTION, inPath)],
    [`${collection}/{name}`, item(OBJECT, ["name", ...inPath])],
  ];
}

function operationOf({ method, action, query, list = false }: Operation, { resource, version, schemas, openApi }: Context): JsonObject {
  const { group, kind } = resource;
  const schema = schemas.reference(`${definitionName(resource, version)}${list ? "List" : ""}`);
  const parameters = query.map((name) => parameter(name, "query", openApi));
  const said = { "x-kubernetes-action": action, "x-kubernetes-group-version-kind": { group, kind, version } };
  const hasBody = method === "post" || method === "put";
  if (openApi === 2) {
    const body = hasBody ? [{ name: "body", in: "body", required: true, schema }] : [];
    const consumes = method === "patch" ? PATCH_TYPES : ["*/*"];
    return {
      ...said,
      consumes,
      produces: ["application/json"],
      parameters: [...body, ...parameters],
      responses: { "200": { description: "OK", schema } },
    };
  }
  const content =
    method === "patch" ? PATCH_TYPES.map((type): [string, Json] => [type, { schema: { type: "object" } }]) : [["*/*", { schema }] as const];
  return {
    ...said,
    ...(hasBody || method === "patch" ? { requestBody: { content: objectOf(content) } } : {}),
    parameters,
    responses: { "200": { description: "OK", content: { "application/json": { schema } } } },
  };
}

function parameter(name: string, place: "path" | "query", openApi: OpenApiVersion): JsonObject {
  const required = place === "path" ? { required: true } : {};
  return openApi === 2 ? { name, in: place, type: "string", ...required } : { name, in: place, schema: { type: "string" }, ...required };
}
