// Writes text to stderr unchanged. Leaves to others: the line that says why a command failed (exit.ts).
import { writeSync } from "node:fs";

/** Clears the terminal line that the cursor is in. */
export const CLEAR_LINE = "\r\u001b[K";

/** Writes to stderr. Ignores failures: a stderr that is closed or full must not end the command. */
export function writeStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads it.
  }
}
