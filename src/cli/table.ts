// Aligned text tables for lists and descriptions.
// Leaves to others: what is in them, and writing them (output.ts).

/** Rows of cells under a header, each column as wide as its widest cell, numbers to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths = header.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, String(row[column] ?? "").length), title.length),
  );
  const isNumber = header.map((_, column) => rows.some((row) => typeof row[column] === "number"));
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) =>
        isNumber[column]
          ? String(cell).padStart(widths[column]!)
          : String(cell).padEnd(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  return [header, ...rows].map((cells) => `${line(cells)}\n`).join("");
}
