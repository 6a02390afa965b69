// How a command ends: its exit code, and one line on stderr that says why it failed.
// Leaves to others: usage errors, which commander words and command.ts prints.
import { CommanderError } from "@commander-js/extra-typings";
import { RustLogError } from "../errors.js";
import { printable } from "../printable.js";
import { LogOutput, unblockedSink } from "./log-output.js";
import { writeStderr } from "./stderr.js";

const STDERR = 2;

/** Exit codes. The last three are 128 + signal number, as in a shell. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** A failure on the client side: an unreadable file, a line that is not a record. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** What to do next, if there is something to do. */
  readonly help: string | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly help?: string }) {
    super(message, options);
    this.help = options?.help;
  }
}

/** Writes one line to stderr, after our own `control` sequence. */
export function printError(line: string, control = ""): void {
  writeStderr(`${control}${printable(line)}\n`);
}

/** Prints why a command failed and returns its exit code. Gives up after two seconds if nobody reads stderr. */
export async function reportFailure(error: unknown): Promise<number> {
  // Commander has printed its message already. It exits with 0 after --help and --version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const output = new LogOutput(unblockedSink(STDERR));
  output.line(`rustlog: ${describeFailure(error)}`, { isKept: true });
  if (isDebugging() && error instanceof Error) printTrace(output, error);
  await output.drain();
  return EXIT.failed;
}

/** Formats an error as one line: its code, its message, and what to do next. */
export function describeFailure(error: unknown): string {
  if (error instanceof RustLogError) {
    return joinSentences(`${error.code}: ${error.message}`, error.help);
  }
  if (error instanceof CliError) return joinSentences(error.message, error.help);
  if (error instanceof Error) {
    // A system error explains itself; anything else is a bug of ours.
    if ("syscall" in error || ("errno" in error && "code" in error)) return oneLine(error.message);
    return joinSentences(
      `internal error: ${error.message}`,
      isDebugging() ? undefined : "Please report it; RUSTLOG_DEBUG=1 shows the stack trace.",
    );
  }
  return oneLine(`internal error: ${String(error)}`);
}

function isDebugging(): boolean {
  const value = process.env.RUSTLOG_DEBUG;
  return value !== undefined && value !== "" && value !== "0";
}

function joinSentences(message: string, help: string | undefined): string {
  const line = oneLine(message);
  if (help === undefined) return line;
  return `${line}${/[.!?]$/.test(line) ? "" : "."} ${help}`;
}

/** `text` on one line, with terminal control characters escaped. */
export function oneLine(text: string): string {
  return printable(text.trim());
}

function printTrace(output: LogOutput, error: Error): void {
  for (const line of Bun.inspect(error).split("\n")) output.line(line, { isKept: true });
}
