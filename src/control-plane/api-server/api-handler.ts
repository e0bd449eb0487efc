// From a request to a response: who may ask, what the path means, which operation it is, in which form the answer goes back.
import type { ObjectStore } from "#control-plane/config/object-store";
import { StatusError } from "#control-plane/config/status-error";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import type { ObjectReview } from "./admission/object-review.ts";
import { NO_PODS, nothingRuns } from "./admission/without-node.ts";
import { isAdmin } from "./credentials/authentication.ts";
import { aggregated, coreVersions, groupDocument, groupList, resourceList } from "./discovery/discovery.ts";
import type { Review, User } from "./discovery/reviews.ts";
import { isObject, member, type JsonObject } from "./json.ts";
import { OpenApiDocuments } from "./openapi/openapi-documents.ts";
import { asksForProtobuf, OPENAPI_PROTOBUF } from "./openapi/openapi-protobuf.ts";
import type { Answer } from "./operations/answer.ts";
import { getObject, listObjects, objectHistory } from "./operations/object-reader.ts";
import { deleteCollection, deleteObject } from "./operations/object-remover.ts";
import { watchLines, type WatchForm } from "./operations/object-watch.ts";
import { ObjectWriter } from "./operations/object-writer.ts";
import { runTransaction } from "./operations/transaction.ts";
import { methodNotAllowed, noSuchPath, notAcceptable, unauthorized } from "./refusals.ts";
import { negotiate, type Accepted } from "./request/accept.ts";
import { parsePath, type ApiPath, type ResourcePath } from "./request/api-path.ts";
import { readObject } from "./request/body.ts";
import { isWatch, writeQuery } from "./request/query.ts";
import type { ResourceTable } from "./resources/resource-table.ts";
import { partialMetadata, tableOf, type IncludeObject } from "./table/table.ts";

export interface ApiHandlerOptions {
  readonly store: ObjectStore;
  readonly table: ResourceTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of the product, for `/version`. */
  readonly version: string;
  readonly userOf: (token: string) => User | undefined;
  readonly review: ObjectReview;
  readonly metrics: () => string;
}

/** The version of Kubernetes whose behaviour this is; kubectl compares it with its own. */
const KUBERNETES = { major: "1", minor: "36" } as const;
/** As in Kubernetes, anybody may ask whether the server is there and what it is. */
const PUBLIC: ReadonlySet<ApiPath["is"]> = new Set(["product version", "health"]);
const OBJECT_FORMS = ["Table", "PartialObjectMetadata", "PartialObjectMetadataList"] as const;
const JSON_TYPE = "application/json";

export class ApiHandler {
  readonly #options: ApiHandlerOptions;
  readonly #writer: ObjectWriter;
  readonly #openApi: OpenApiDocuments;

  constructor(options: ApiHandlerOptions) {
    this.#options = options;
    this.#writer = new ObjectWriter(options);
    this.#openApi = new OpenApiDocuments(options.table, options.version);
  }

  /** Never throws: what is refused, and what fails, is a Status. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      const path = parsePath(request.path, this.#options.table);
      if (request.user === undefined && (path === undefined || !PUBLIC.has(path.is))) throw unauthorized();
      if (request.path === "/metrics") return plain(this.#options.metrics());
      if (path === undefined) throw noSuchPath();
      return await this.#answer(path, request);
    } catch (error) {
      return refusal(error instanceof StatusError ? error : this.#failure(error, request));
    }
  }

  /** Our bug: named in the log, not to the client. */
  #failure(error: unknown, { method, path }: ApiRequest): StatusError {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log.error("a request failed", { method, path, error: said });
    return new StatusError("InternalError", "Internal error occurred: the server's log says more", { cause: error });
  }

  async #answer(path: ApiPath, request: ApiRequest): Promise<ApiResponse> {
    if (path.is === "resource") {
      if (request.user === undefined || !isAdmin(request.user)) throw mayNot(path, request);
      return this.#resource(path, request);
    }
    if (path.is === "review") return this.#review(path.review, request);
    if (path.is === "running pods") throw StatusError.badRequest(`${path.subresource} of ${path.name}: ${nothingRuns(path.kind)}`);
    if (path.is === "transactions") {
      if (request.user === undefined || !isAdmin(request.user))
        throw new StatusError("Forbidden", "only whoever has this server's credentials may write");
      return this.#transaction(request);
    }
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
    return this.#document(path, request);
  }

  #document(path: Exclude<ApiPath, { is: "resource" | "review" | "transactions" | "running pods" }>, request: ApiRequest): ApiResponse {
    const { table, version } = this.#options;
    switch (path.is) {
      case "root":
        return whole({ paths: ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"] });
      case "product version":
        return whole({
          ...KUBERNETES,
          gitVersion: `v${KUBERNETES.major}.${KUBERNETES.minor}.0+mizzen-${version}`,
          platform: `${process.platform}/${process.arch}`,
        });
      case "health":
        return plain(request.query.has("verbose") ? "[+]ping ok\n[+]store ok\nhealthz check passed\n" : "ok");
      case "core versions":
      case "groups": {
        const part = path.is === "groups" ? "groups" : "core";
        const accepted = negotiate(request.accept, ["APIGroupDiscoveryList"]);
        if (accepted.as === "") return whole(part === "core" ? coreVersions(request.host) : groupList(table));
        return {
          ...whole(aggregated(table, part, accepted.version)),
          contentType: `${JSON_TYPE};g=apidiscovery.k8s.io;v=${accepted.version};as=APIGroupDiscoveryList`,
        };
      }
      case "group":
        return found(groupDocument(table, path.group));
      case "version":
        return found(resourceList(table, path.group, path.version));
      case "openapi v2":
        if (asksForProtobuf(request.accept)) return { ...plain(this.#openApi.everythingInProtobuf), contentType: OPENAPI_PROTOBUF };
        negotiate(request.accept, []);
        return { ...plain(this.#openApi.everything.text), contentType: JSON_TYPE };
      case "openapi v3 index":
        return whole(this.#openApi.index);
      case "openapi v3": {
        negotiate(request.accept, []);
        const document = this.#openApi.of(path);
        if (document === undefined) throw noSuchPath();
        return { ...plain(document.text), contentType: JSON_TYPE, headers: { etag: `"${document.hash}"` } };
      }
    }
  }

  #review(review: Review, request: ApiRequest): ApiResponse {
    if (request.method !== "POST") throw methodNotAllowed();
    if (request.user === undefined) throw unauthorized();
    const { object } = readObject(request.body);
    const asked = {
      apiVersion: `${review.group}/${review.version}`,
      kind: review.kind,
      metadata: {},
      ...(isObject(member(object, "spec")) ? { spec: member(object, "spec") } : {}),
    };
    return whole(review.answer(asked, { user: request.user, mayAll: isAdmin(request.user), userOf: this.#options.userOf }), 201);
  }

  async #transaction(request: ApiRequest): Promise<ApiResponse> {
    if (request.method !== "POST") throw methodNotAllowed();
    const { store, table, review } = this.#options;
    const { object, duplicates } = readObject(request.body);
    const query = writeQuery(request.query, request.userAgent, "PatchOptions");
    if (duplicates.length > 0 && query.fieldValidation === "Strict") {
      throw StatusError.badRequest(
        `strict decoding error: ${duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`).join(", ")}`,
      );
    }
    const answer = await runTransaction({ store, table, writer: this.#writer, query, review }, object);
    return whole(answer.body, answer.code, answer.warnings);
  }

  async #resource(path: ResourcePath, request: ApiRequest): Promise<ApiResponse> {
    const { store } = this.#options;
    const { method, query, userAgent } = request;
    const accepted = negotiate(request.accept, OBJECT_FORMS);
    const isCollection = path.name === "";
    if (path.subresource === "history") {
      if (method !== "GET") throw methodNotAllowed();
      return whole(await objectHistory(store, path));
    }
    switch (method) {
      case "GET":
      case "HEAD":
        if (isWatch(query)) return this.#watch(path, request, accepted);
        if (isCollection) return this.#list(path, request, accepted);
        return this.#one({ code: 200, body: await getObject(store, path), warnings: [] }, path, request, accepted);
      case "POST":
        if (!isCollection) throw methodNotAllowed();
        if (path.resource.namespaced && path.namespace === "")
          throw StatusError.badRequest("the namespace of the object is missing in the path");
        return this.#one(
          await this.#writer.create(path, request.body, writeQuery(query, userAgent, "CreateOptions")),
          path,
          request,
          accepted,
        );
      case "PUT":
        if (isCollection) throw methodNotAllowed();
        return this.#one(
          await this.#writer.replace(path, request.body, writeQuery(query, userAgent, "UpdateOptions")),
          path,
          request,
          accepted,
        );
      case "PATCH":
        if (isCollection) throw methodNotAllowed();
        return this.#one(
          await this.#writer.patch(path, request.body, writeQuery(query, userAgent, "PatchOptions")),
          path,
          request,
          accepted,
        );
      case "DELETE": {
        if (path.subresource !== "") throw methodNotAllowed();
        const deletion = { store, path, query, body: request.body, author: writeQuery(query, userAgent, "DeleteOptions").fieldManager };
        const answer = await (isCollection ? deleteCollection(deletion) : deleteObject(deletion));
        return whole(answer.body, answer.code, answer.warnings);
      }
      default:
        throw methodNotAllowed();
    }
  }

  #one(answer: Answer, path: ResourcePath, request: ApiRequest, accepted: Accepted): ApiResponse {
    return { ...whole(this.#formOf(path, request, accepted).of(answer.body), answer.code, answer.warnings), ...contentOf(accepted) };
  }

  async #list(path: ResourcePath, request: ApiRequest, accepted: Accepted): Promise<ApiResponse> {
    const { resource, version } = path;
    const { metadata, items } = await listObjects(this.#options.store, path, request.query);
    // For people: `kubectl get pods`, and `kubectl logs deployment/NAME`, which selects pods, then waits for one. Informers are not told.
    const isAsked = accepted.as === "Table" || request.query.has("labelSelector");
    const warnings = isAsked && resource.kind === "Pod" && items.length === 0 ? [NO_PODS] : [];
    if (accepted.as === "Table") {
      return {
        ...whole(tableOf(resource.columns, items, metadata, includeOf(request.query), this.#options.clock.wallMs()), 200, warnings),
        ...contentOf(accepted),
      };
    }
    if (accepted.as === "PartialObjectMetadata") throw notAcceptable([JSON_TYPE]);
    const list =
      accepted.as === "PartialObjectMetadataList"
        ? { kind: accepted.as, apiVersion: "meta.k8s.io/v1", metadata, items: items.map(partialMetadata) }
        : { kind: resource.listKind, apiVersion: resource.apiVersion(version), metadata, items };
    return { ...whole(list, 200, warnings), ...contentOf(accepted) };
  }

  async #watch(path: ResourcePath, request: ApiRequest, accepted: Accepted): Promise<ApiResponse> {
    const { store, clock, random } = this.#options;
    const form = this.#formOf(path, request, accepted);
    const lines = await watchLines({ store, path, query: request.query, form, clock, random });
    return { is: "watch", contentType: accepted.as === "" ? JSON_TYPE : (contentOf(accepted).contentType ?? JSON_TYPE), lines };
  }

  /** How one object looks in the form that was asked for. */
  #formOf(path: ResourcePath, { query }: ApiRequest, accepted: Accepted): WatchForm {
    const { resource, version } = path;
    switch (accepted.as) {
      case "Table": {
        const include = includeOf(query);
        // Ages are as of now: what was made for another client may be old.
        const now = this.#options.clock.wallMs();
        return {
          key: `table ${version} ${include} ${Math.floor(now / 1000)}`,
          of: (object) => tableOf(resource.columns, [object], listMetaOf(object), include, this.#options.clock.wallMs()),
        };
      }
      case "PartialObjectMetadata":
      case "PartialObjectMetadataList":
        return { key: "metadata", of: partialMetadata };
      default:
        return { key: `object ${version}`, of: (object) => object };
    }
  }
}

function mayNot({ resource, namespace, name }: ResourcePath, { method, user, query }: ApiRequest): StatusError {
  const reading = isWatch(query) ? "watch" : name === "" ? "list" : "get";
  const verb =
    method === "GET" ? reading : ({ POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" }[method] ?? method.toLowerCase());
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const why = `User ${JSON.stringify(user?.name ?? "")} cannot ${verb} resource ${JSON.stringify(resource.plural)} in API group ${JSON.stringify(resource.group)} ${where}`;
  return StatusError.forbidden({ group: resource.group, resource: resource.plural, name }, why);
}

function listMetaOf(object: JsonObject): JsonObject {
  const resourceVersion = member(member(object, "metadata"), "resourceVersion");
  return resourceVersion === undefined ? {} : { resourceVersion };
}

function includeOf(query: URLSearchParams): IncludeObject {
  const include = query.get("includeObject") ?? "";
  if (include === "" || include === "Metadata") return "Metadata";
  if (include === "None" || include === "Object") return include;
  throw StatusError.badRequest(`includeObject ${JSON.stringify(include)} is not None, Metadata or Object`);
}

function contentOf({ as, version }: Accepted): { readonly contentType?: string } {
  return as === "" ? {} : { contentType: `${JSON_TYPE};as=${as};g=meta.k8s.io;v=${version}` };
}

function whole(object: JsonObject, code = 200, warnings: readonly string[] = []): Extract<ApiResponse, { is: "whole" }> {
  return { is: "whole", code, contentType: JSON_TYPE, text: `${JSON.stringify(object)}\n`, warnings };
}

function found(object: JsonObject | undefined): ApiResponse {
  if (object === undefined) throw noSuchPath();
  return whole(object);
}

function plain(text: string | Uint8Array): Extract<ApiResponse, { is: "whole" }> {
  return { is: "whole", code: 200, contentType: "text/plain; charset=utf-8", text, warnings: [] };
}

function refusal({ status }: StatusError): ApiResponse {
  const { retryAfterSeconds } = status.details ?? {};
  const headers = retryAfterSeconds === undefined ? {} : { headers: { "retry-after": String(retryAfterSeconds) } };
  return { ...whole(JSON.parse(JSON.stringify(status)) as JsonObject, status.code), ...headers };
}
