// Aligned text tables for lists and descriptions. Cells are shown without characters that would steer a terminal.
// Leaves to others: what is in them, and writing them (output.ts).

import { printable } from "../printable.ts";

/** Rows of cells under a header, each column as wide as its widest cell, numbers to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const texts = [header, ...rows].map((row) => row.map((cell) => printable(String(cell))));
  // Columns of a terminal, not characters: an ideograph takes two.
  const widths = header.map((_, column) =>
    texts.reduce((width, row) => Math.max(width, Bun.stringWidth(row[column] ?? "")), 0),
  );
  const isNumber = header.map((_, column) => rows.some((row) => typeof row[column] === "number"));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const space = " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell));
        return isNumber[column] ? `${space}${cell}` : `${cell}${space}`;
      })
      .join("  ")
      .trimEnd();
  return texts.map((cells) => `${line(cells)}\n`).join("");
}
