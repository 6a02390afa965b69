// Text on stderr as it is. Leaves to others: the line that says why a command failed (exit.ts).
import { writeSync } from "node:fs";

/** Clears the terminal line that the cursor is in. */
export const CLEAR_LINE = "\r\u001b[K";

/** Writes to stderr. A stderr that is closed or full must not end the command, so a failure is ignored. */
export function writeStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads it.
  }
}
