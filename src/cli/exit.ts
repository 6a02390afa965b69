// How a command ends: its exit code, and the one line on stderr that says why it failed.
// Leaves to others: usage errors, which commander words and options.ts prints.
import { writeSync } from "node:fs";
import { CommanderError } from "@commander-js/extra-typings";
import { RustLogError } from "../errors.ts";
import { printable } from "../printable.ts";
import { LogOutput, unblockedSink } from "./log-output.ts";

const STDERR = 2;

/** Exit codes of the executable; the last three are the shell's 128 + signal. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** A failure on this side of the wire: a file that can't be read, a line that is no record. */
export class CliError extends Error {
  override readonly name = "CliError";
  /** What the person who sees it can do, if there is something to say. */
  readonly help: string | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly help?: string }) {
    super(message, options);
    this.help = options?.help;
  }
}

/** Writes one line to stderr, after a `control` sequence of ours. A stderr that is closed or full must not end the command. */
export function printError(line: string, control = ""): void {
  try {
    writeSync(2, `${control}${printable(line)}\n`);
  } catch {
    // There is nowhere left to complain to.
  }
}

/**
 * Says on stderr why a command failed, and returns the exit code that fits. A stderr that nobody reads does not keep
 * the process from ending: after two seconds it ends all the same.
 */
export async function reportFailure(error: unknown): Promise<number> {
  // Commander has already written its message; it ends with 0 after --help and --version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const output = new LogOutput(unblockedSink(STDERR));
  output.line(`rustlog: ${describeFailure(error)}`, { isKept: true });
  if (isDebugging() && error instanceof Error) printTrace(output, error);
  await output.drain();
  return EXIT.failed;
}

/** One line for an error: its code, its message, and what to do. */
export function describeFailure(error: unknown): string {
  if (error instanceof RustLogError) {
    return joinSentences(`${error.code}: ${error.message}`, error.help);
  }
  if (error instanceof CliError) return joinSentences(error.message, error.help);
  if (error instanceof Error) {
    // An error of the operating system says all there is to say; anything else is a bug of ours.
    if ("syscall" in error || ("errno" in error && "code" in error)) return oneLine(error.message);
    return joinSentences(
      `internal error: ${error.message}`,
      isDebugging() ? undefined : "Set RUSTLOG_DEBUG=1 to see the stack trace, and report it.",
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

/** `text` as one line, without a character that would steer a terminal. */
export function oneLine(text: string): string {
  return printable(text.trim());
}

function printTrace(output: LogOutput, error: Error): void {
  for (const line of Bun.inspect(error).split("\n")) output.line(line, { isKept: true });
}
