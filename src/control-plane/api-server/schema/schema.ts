// What the API server knows of an object's form: for unknown fields, merging, explanations. One form for declared kinds and for what
// Kubernetes adds around them (ObjectMeta), made once per resource.
export type SchemaType = "object" | "array" | "string" | "boolean" | "integer" | "number" | "int-or-string" | "any";

export interface Schema {
  readonly type: SchemaType;
  readonly description?: string;
  /** Of an object with known fields. */
  readonly properties?: ReadonlyMap<string, Schema>;
  /** Of an object whose members have names that the user chooses. */
  readonly values?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly format?: string;
  /** Fields that are not known are kept. */
  readonly open?: boolean;
  /** How a list or map is owned and merged by server-side apply; lists are atomic where nothing is said. */
  readonly merge?: "atomic" | "set" | { readonly keys: readonly string[]; readonly defaults?: Readonly<Record<string, string>> };
  /** How a strategic merge patch merges a list: by this field of its items, or "" for a list of plain values. */
  readonly patchMergeKey?: string;
  /** Under this name clients find it in OpenAPI. */
  readonly definition?: string;
  /** Numeric and textual limits, in JSON schema's words. */
  readonly limits?: Readonly<Record<string, number | string>>;
}

export const ANY: Schema = { type: "any", open: true };

/** The schema of one member; undefined when it is not known. */
export function memberSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema === undefined) return undefined;
  return schema.properties?.get(key) ?? schema.values ?? (schema.open === true ? ANY : undefined);
}
