// Notes: lines that are neither results nor warnings nor errors. `--quiet` suppresses them.
// Leaves to others: the switch (switches.ts), errors and warnings (exit.ts), results (output.ts).
import { printError } from "./exit.js";
import { writeLines } from "./output.js";
import { isTalkative } from "./switches.js";

/** Writes one line to stderr that is neither a warning nor an error. */
export function printNote(line: string): void {
  if (isTalkative()) printError(line);
}

/** Writes lines to stdout that say what was done. */
export async function writeNotes(...lines: readonly string[]): Promise<void> {
  if (isTalkative()) await writeLines(...lines);
}
