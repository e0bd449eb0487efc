// A resource that the API serves: a kind, where it is found, and what is known of its form.
import type { DecodedKind } from "#api/decoded-kind";
import { objectSchema } from "#control-plane/api-server/schema/declared-schema";
import type { Schema } from "#control-plane/api-server/schema/schema";
import type { Column } from "#control-plane/api-server/table/column";

export const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;
export const SUBRESOURCE_VERBS = ["get", "patch", "update"] as const;

const WELL_KNOWN: Readonly<Record<string, string>> = {
  "": "io.k8s.api.core",
  "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
};

export interface ResourceOptions {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  readonly columns: readonly Column[];
  /** By version; a version without one is known by name only. */
  readonly declarations: ReadonlyMap<string, DecodedKind>;
  readonly subresources?: readonly string[];
  readonly specRequired?: boolean;
  /** Kubernetes' own kinds take strategic merge patches; custom resources do not. */
  readonly isCustom: boolean;
}

export class Resource {
  readonly group: string;
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly columns: readonly Column[];
  readonly subresources: readonly string[];
  readonly isCustom: boolean;
  readonly #declarations: ReadonlyMap<string, DecodedKind>;
  readonly #specRequired: boolean;
  readonly #schemas = new Map<DecodedKind | undefined, Schema>();

  constructor(options: ResourceOptions) {
    this.group = options.group;
    this.versions = options.versions;
    this.kind = options.kind;
    this.plural = options.plural;
    this.singular = options.kind.toLowerCase();
    this.shortNames = options.shortNames ?? [];
    this.categories = options.categories ?? [];
    this.namespaced = options.namespaced;
    this.columns = options.columns;
    this.subresources = options.subresources ?? [];
    this.isCustom = options.isCustom;
    this.#declarations = options.declarations;
    this.#specRequired = options.specRequired === true;
  }

  get listKind(): string {
    return `${this.kind}List`;
  }

  apiVersion(version: string): string {
    return this.group === "" ? version : `${this.group}/${version}`;
  }

  /** `io.k8s.api.apps.v1`, `io.istio.networking.v1`: what names in OpenAPI begin with. */
  definitionPrefix(version: string): string {
    const reversed = this.group.split(".").toReversed().join(".");
    const own = `io.k8s.api.${this.group.split(".")[0] ?? ""}`;
    return `${WELL_KNOWN[this.group] ?? (this.isCustom ? reversed : own)}.${version}`;
  }

  declaration(version: string): DecodedKind | undefined {
    return this.#declarations.get(version);
  }

  /** Of versions with one declaration it is one schema. */
  schema(version: string): Schema {
    const declaration = this.#declarations.get(version);
    let schema = this.#schemas.get(declaration);
    if (schema === undefined) {
      const prefix = this.isCustom ? {} : { definitionPrefix: this.definitionPrefix(version) };
      schema = objectSchema({ kind: this.kind, declaration, specRequired: this.#specRequired, ...prefix });
      this.#schemas.set(declaration, schema);
    }
    return schema;
  }
}
