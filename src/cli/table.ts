// Aligned text tables. Terminal control characters in cells are escaped.

import { printable } from "../printable.js";

/** Formats rows under a header. Each column is as wide as its widest cell; numbers are right-aligned. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const texts = [header, ...rows].map((row) => row.map((cell) => printable(String(cell))));
  // Terminal columns, not characters: an ideograph takes two.
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
