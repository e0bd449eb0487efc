// Tables as kubectl and istioctl print them: columns padded to the widest cell, three spaces apart, no lines.

const GAP = "   ";

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => (cells[column] ?? "").padEnd(width))
      .join(GAP)
      .trimEnd();
  return `${[line(head), ...rows.map(line)].join("\n")}\n`;
}
