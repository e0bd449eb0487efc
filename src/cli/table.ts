// Tables as kubectl and istioctl print them: columns padded to the widest cell, three spaces apart, no lines.

const GAP = "   ";
/** Also of an empty column, as kubectl has it. */
const LEAST_WIDTH = 3;

type Row = readonly string[];

export function table(head: Row, rows: readonly Row[]): string {
  const lines = [head, ...rows];
  return alignedLines(lines, columnWidths(lines));
}

/** `atLeast`: of lines that have been printed. */
export function columnWidths(lines: readonly Row[], atLeast: readonly number[] = []): readonly number[] {
  const columns = Math.max(atLeast.length, ...lines.map((line) => line.length));
  return Array.from({ length: columns }, (_, column) =>
    Math.max(atLeast[column] ?? LEAST_WIDTH, ...lines.map((line) => (line[column] ?? "").length)),
  );
}

export function alignedLines(lines: readonly Row[], widths: readonly number[]): string {
  const text = (cells: Row): string =>
    widths
      .map((width, column) => (cells[column] ?? "").padEnd(width))
      .join(GAP)
      .trimEnd();
  return `${lines.map(text).join("\n")}\n`;
}
