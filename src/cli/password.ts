// Reads a password: from a file, from stdin, or from a person at a terminal, who does not see it. Never from an argument or
// a variable, which other programs can see.
// Leaves to others: what it is for.
import { readFileSync, statSync } from "node:fs";
import { printable } from "../printable.js";
import { CliError, printError } from "./exit.js";
import { writeStderr } from "./stderr.js";

/** Longest password, in bytes. */
const PASSWORD_BYTES_MAX = 1_000;

const STDIN = 0;

/** Bits of a mode that let others read a file. */
const READABLE_BY_OTHERS = 0o044;

/** Keys that end, delete and give up an input, as bytes of a terminal. */
const KEY = {
  newline: 0x0a,
  enter: 0x0d,
  delete: 0x7f,
  backspace: 0x08,
  end: 0x04,
  interrupt: 0x03,
};

/** The first line of a file. Warns if others can read it. Throws a CliError. */
export function passwordFromFile(path: string): string {
  return firstLine(readSecret("password", path), path);
}

/** The token in a file, without white space around it. Warns if others can read it. Throws a CliError. */
export function tokenFromFile(path: string): string {
  const token = readSecret("token", path).toString().trim();
  if (/^[\w.~+/=-]+$/.test(token)) return token;
  throw new CliError(`${path} contains no token`);
}

/** Files that others can read, so that each is named once. */
const reported = new Set<string>();

function readSecret(what: string, path: string): Buffer {
  try {
    if ((statSync(path).mode & READABLE_BY_OTHERS) !== 0 && !reported.has(path)) {
      reported.add(path);
      printError(`rustlog: warning: others can read ${path}; chmod 600 it`);
    }
    return readFileSync(path);
  } catch (error) {
    throw new CliError(`the ${what} can't be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The password of a user: typed by a person, or else the first line of stdin. Throws a CliError. */
export async function askPassword(question: string): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY !== true) return firstLine(readStdin(), "stdin");
  writeStderr(`${printable(question)}: `);
  stdin.setRawMode(true);
  try {
    const password = await typed(stdin);
    if (password === "") throw new CliError("the password is empty");
    return password;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    writeStderr("\n");
  }
}

/** A new password; a person types it twice. Throws a CliError. */
export async function askNewPassword(user: string): Promise<string> {
  const password = await askPassword(`New password of user '${user}'`);
  if (process.stdin.isTTY !== true) return password;
  if ((await askPassword("Again")) === password) return password;
  throw new CliError("the two passwords differ; nothing was changed");
}

async function typed(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const bytes: number[] = [];
  const text = (): string => new TextDecoder().decode(Uint8Array.from(bytes));
  for await (const chunk of stdin) {
    for (const byte of chunk) {
      if (byte === KEY.interrupt) throw new CliError("interrupted; nothing was changed");
      if (byte === KEY.newline || byte === KEY.enter || byte === KEY.end) return text();
      if (byte === KEY.delete || byte === KEY.backspace) bytes.pop();
      else if (bytes.length < PASSWORD_BYTES_MAX) bytes.push(byte);
    }
  }
  return text();
}

function readStdin(): Uint8Array {
  try {
    return readFileSync(STDIN);
  } catch (error) {
    throw new CliError(`the password can't be read from stdin: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function firstLine(bytes: Uint8Array, where: string): string {
  const newline = bytes.indexOf(KEY.newline);
  const line = newline < 0 ? bytes : bytes.subarray(0, newline);
  const password = new TextDecoder().decode(line).replace(/\r$/, "");
  if (password === "") throw new CliError(`the password in ${where} is empty`);
  if (line.length > PASSWORD_BYTES_MAX) {
    throw new CliError(`the password in ${where} has more than ${PASSWORD_BYTES_MAX} bytes`);
  }
  return password;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
