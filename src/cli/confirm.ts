// Asks on a terminal before something is destroyed.
// Leaves to others: what is destroyed (topics-delete.ts).
import { CliError } from "./exit.js";
import { LineReader, NEWLINE, readDescriptor } from "./line-reader.js";
import { printable } from "../printable.js";
import { writeStderr } from "./stderr.js";

const STDIN = 0;
const ANSWER_BYTES_MAX = 1_000;

/**
 * Returns once the answer is yes, or when nobody is there to ask: then a script runs the command, as scripts of Kafka's
 * tools and rpk do. Throws a CliError for any other answer.
 */
export async function confirm(question: string): Promise<void> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return;
  writeStderr(`${printable(question)} [y/N] `);
  const reader = new LineReader(readDescriptor(STDIN), {
    delimiter: NEWLINE,
    skipsMark: false,
    recordBytesMax: ANSWER_BYTES_MAX,
  });
  const isAnswered = (await reader.fill()) && reader.next();
  const answer = isAnswered ? new TextDecoder().decode(reader.record()).trim() : "";
  if (/^y(es)?$/i.test(answer)) return;
  throw new CliError("not confirmed; nothing was deleted", { help: "Use --yes to skip this." });
}
