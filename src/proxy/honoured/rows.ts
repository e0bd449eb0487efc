// How the table of honoured fields is written: message type -> rows of fields, by their proto names.

/** What this proxy makes of a field that is set. A field without a row is refused by name. */
export type FieldRow =
  /**
   * Acted on; a compiler may still refuse single values of it. `test`: the file that proves what it does.
   * `words`: from the name of the test, where it does not speak of the field by its own name.
   */
  | { readonly kind: "honoured"; readonly test: string; readonly words?: string }
  /** Accepted though nothing here reads it, because traffic could not tell. */
  | { readonly kind: "harmless"; readonly reason: string };

export type FieldRows = Readonly<Record<string, FieldRow>>;

export type FieldTable = Readonly<Record<string, readonly FieldRows[]>>;

export function honoured(test: string, ...fields: readonly string[]): FieldRows {
  return rows({ kind: "honoured", test }, fields);
}

/** By a test that speaks of it in other words. */
export function shown(test: string, words: string, ...fields: readonly string[]): FieldRows {
  return rows({ kind: "honoured", test, words }, fields);
}

export function harmless(reason: string, ...fields: readonly string[]): FieldRows {
  return rows({ kind: "harmless", reason }, fields);
}

function rows(row: FieldRow, fields: readonly string[]): FieldRows {
  return Object.fromEntries(fields.map((field) => [field, row]));
}
