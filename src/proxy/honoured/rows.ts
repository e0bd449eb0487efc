// How the table of honoured fields is written: message type -> rows of fields, by their proto names.

/** What this proxy makes of a field that is set. A field without a row is refused by name. */
export type FieldRow =
  /** Acted on; a compiler may still refuse single values of it. `test`: the file that proves what it does; undefined: none does so far. */
  | { readonly kind: "honoured"; readonly test: string | undefined }
  /** Accepted though nothing here reads it, because traffic could not tell. */
  | { readonly kind: "harmless"; readonly reason: string };

export type FieldRows = Readonly<Record<string, FieldRow>>;

export type FieldTable = Readonly<Record<string, readonly FieldRows[]>>;

export function honoured(test: string, ...fields: readonly string[]): FieldRows {
  return rows({ kind: "honoured", test }, fields);
}

export function unproven(...fields: readonly string[]): FieldRows {
  return rows({ kind: "honoured", test: undefined }, fields);
}

export function harmless(reason: string, ...fields: readonly string[]): FieldRows {
  return rows({ kind: "harmless", reason }, fields);
}

function rows(row: FieldRow, fields: readonly string[]): FieldRows {
  return Object.fromEntries(fields.map((field) => [field, row]));
}
