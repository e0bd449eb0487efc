// Tables that the server makes of objects (meta.k8s.io/v1 Table): its columns, in kubectl's form. Pure.
import { alignedLines, columnWidths } from "#cli/table";
import { objectText, type KubernetesObject } from "./objects.ts";

export const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

export interface ServerTable {
  readonly kind: "Table";
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows?: readonly TableRow[];
}

export interface TableRow {
  readonly cells: readonly unknown[];
  /** By `includeObject`: its metadata. */
  readonly object?: KubernetesObject;
}

export interface TableOptions {
  readonly isWide: boolean;
  readonly headers: boolean;
  readonly withNamespace: boolean;
  /** `virtualservice.networking.istio.io/reviews` in place of the name. */
  readonly kindOf?: { readonly apiVersion: string; readonly kind: string } | undefined;
  readonly showLabels: boolean;
  readonly labelColumns: readonly string[];
}

interface Columns {
  readonly heads: readonly string[];
  readonly cells: (row: TableRow) => readonly string[];
}

function columnsOf({ columnDefinitions = [] }: ServerTable, options: TableOptions): Columns {
  const shown = columnDefinitions.flatMap(({ name, priority = 0 }, index) => (options.isWide || priority === 0 ? [{ name, index }] : []));
  const { labelColumns, showLabels, withNamespace } = options;
  return {
    heads: [
      ...(withNamespace ? ["NAMESPACE"] : []),
      ...shown.map(({ name }) => name.toUpperCase()),
      ...labelColumns.map((label) => label.slice(label.lastIndexOf("/") + 1).toUpperCase()),
      ...(showLabels ? ["LABELS"] : []),
    ],
    cells: ({ cells, object }) => [
      ...(withNamespace ? [object?.metadata.namespace ?? ""] : []),
      ...shown.map(({ name, index }) => cellText(cells[index], name === "Name" ? options.kindOf : undefined)),
      ...labelColumns.map((label) => object?.metadata.labels?.[label] ?? ""),
      ...(showLabels ? [labelsText(object)] : []),
    ],
  };
}

function cellText(cell: unknown, kind: TableOptions["kindOf"]): string {
  const text = cell === null || cell === undefined ? "" : typeof cell === "string" ? cell : JSON.stringify(cell);
  return kind === undefined ? text : objectText({ ...kind, metadata: { name: text } });
}

function labelsText(object: KubernetesObject | undefined): string {
  const labels = Object.entries(object?.metadata.labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return labels.length === 0 ? "<none>" : labels.map(([name, value]) => `${name}=${value}`).join(",");
}

export function tableText(found: ServerTable, options: TableOptions): string {
  const { heads, cells } = columnsOf(found, options);
  const lines = [...(options.headers ? [heads] : []), ...(found.rows ?? []).map(cells)];
  return alignedLines(lines, columnWidths(lines));
}

/** Long enough for MODIFIED: the first line knows nothing of those that come. */
const EVENT_WIDTH = 8;

/** Tables that grow: columns keep the widths that they have had, and the head comes once. */
export class TableWriter {
  readonly #options: TableOptions;
  readonly #withEvents: boolean;
  #widths: readonly number[];
  #definitions: ServerTable["columnDefinitions"];
  #hasHead = false;

  constructor(options: TableOptions, withEvents: boolean) {
    this.#options = options;
    this.#withEvents = withEvents;
    this.#widths = withEvents ? [EVENT_WIDTH] : [];
  }

  text(found: ServerTable, event: string): string {
    // Servers say the columns in the first event of a watch only.
    this.#definitions = (found.columnDefinitions ?? []).length > 0 ? found.columnDefinitions : this.#definitions;
    if (this.#definitions === undefined) return "";
    const { heads, cells } = columnsOf({ ...found, columnDefinitions: this.#definitions }, this.#options);
    const before = this.#withEvents ? [event] : [];
    const rows = (found.rows ?? []).map((row) => [...before, ...cells(row)]);
    if (rows.length === 0) return "";
    const lines = this.#hasHead || !this.#options.headers ? rows : [[...(this.#withEvents ? ["EVENT"] : []), ...heads], ...rows];
    this.#hasHead = true;
    this.#widths = columnWidths(lines, this.#widths);
    return alignedLines(lines, this.#widths);
  }
}
