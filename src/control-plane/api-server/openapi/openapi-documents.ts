// The OpenAPI documents, made when one is asked for first and then kept: everything in version 2, a document for each group and
// version in version 3, found by an index with hashes that clients cache by.
import { createHash } from "node:crypto";
import { objectOf, type Json, type JsonObject } from "#control-plane/api-server/json";
import type { Resource } from "#control-plane/api-server/resources/resource";
import type { GroupVersion, ResourceTable } from "#control-plane/api-server/resources/resource-table";
import { openApiProtobuf } from "./openapi-protobuf.ts";
import { resourcePaths } from "./openapi-paths.ts";
import { OpenApiSchemas, type OpenApiVersion } from "./openapi-schema.ts";

interface Document {
  readonly object: JsonObject;
  readonly text: string;
  readonly hash: string;
}

export class OpenApiDocuments {
  readonly #table: ResourceTable;
  readonly #info: JsonObject;
  #protobuf: Uint8Array | undefined;
  readonly #kept = new Map<string, Document>();

  constructor(table: ResourceTable, productVersion: string) {
    this.#table = table;
    this.#info = { title: "Kubernetes", version: productVersion };
  }

  /** `/openapi/v2` */
  get everything(): Document {
    return this.#made("v2", () => {
      const schemas = new OpenApiSchemas(2);
      const paths = this.#table.all.flatMap((resource) => resource.versions.flatMap((version) => describe(resource, version, schemas, 2)));
      return { swagger: "2.0", info: this.#info, paths: objectOf(paths), definitions: schemas.definitions };
    });
  }

  get everythingInProtobuf(): Uint8Array {
    this.#protobuf ??= openApiProtobuf(this.everything.object);
    return this.#protobuf;
  }

  /** `/openapi/v3`: where the documents are. */
  get index(): JsonObject {
    const paths: [string, Json][] = [];
    for (const [group, versions] of this.#table.groups) {
      for (const version of versions) {
        const path = group === "" ? `api/${version}` : `apis/${group}/${version}`;
        const { hash } = this.#ofVersion({ group, version });
        paths.push([path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]);
      }
    }
    return { paths: objectOf(paths) };
  }

  /** `/openapi/v3/apis/GROUP/VERSION`; undefined when there is none. */
  of(groupVersion: GroupVersion): Document | undefined {
    return this.#table.inVersion(groupVersion).length === 0 ? undefined : this.#ofVersion(groupVersion);
  }

  #ofVersion(groupVersion: GroupVersion): Document {
    const { group, version } = groupVersion;
    return this.#made(`v3/${group}/${version}`, () => {
      const schemas = new OpenApiSchemas(3);
      const paths = this.#table.inVersion(groupVersion).flatMap((resource) => describe(resource, version, schemas, 3));
      return { openapi: "3.0.0", info: this.#info, paths: objectOf(paths), components: { schemas: schemas.definitions } };
    });
  }

  #made(key: string, make: () => JsonObject): Document {
    let document = this.#kept.get(key);
    if (document === undefined) {
      const object = make();
      const text = JSON.stringify(object);
      document = { object, text, hash: createHash("sha256").update(text).digest("hex").toUpperCase() };
      this.#kept.set(key, document);
    }
    return document;
  }
}

function describe(
  resource: Resource,
  version: string,
  schemas: OpenApiSchemas,
  openApi: OpenApiVersion,
): readonly (readonly [string, Json])[] {
  schemas.addResource(resource, version);
  return resourcePaths({ resource, version, schemas, openApi });
}
