// Reads TOML files, and finds the lines that errors are about.
// Leaves to others: the parser (Bun's), and the names and types in a file (config-file.ts, profile-file.ts).
import { readFileSync } from "node:fs";
import { CliError } from "./exit.js";

export type TomlTable = Readonly<Record<string, unknown>>;

/** A parsed file. */
export class TomlFile {
  readonly path: string;
  readonly text: string;
  readonly table: TomlTable;

  /** Throws a CliError with the line if `text` is not TOML. */
  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
    try {
      this.table = parseToml(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^TOML Parse error: /, "") : "";
      throw new CliError(`${path}:${lineOf(text, () => false)}: not valid TOML: ${reason}`);
    }
  }

  /** `PATH:LINE` of a key in a table in a table… */
  placeOf(...keys: readonly string[]): string {
    return `${this.path}:${lineOf(this.text, (table) => hasKey(table, keys))}`;
  }
}

/** Reads a file. Throws a CliError if it can't be read, or is not TOML. */
export function readTomlFile(path: string): TomlFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`can't read ${path}: ${reason}`, { cause: error });
  }
  return new TomlFile(path, text);
}

/** Throws a SyntaxError. */
export function parseToml(text: string): TomlTable {
  return Bun.TOML.parse(text) as TomlTable;
}

export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === OBJECT;
}

const OBJECT = Object.getPrototypeOf(parseToml("")) as object | null;

function hasKey(table: TomlTable, keys: readonly string[]): boolean {
  let at: unknown = table;
  for (const key of keys) {
    if (!isTable(at) || !Object.hasOwn(at, key)) return false;
    at = at[key];
  }
  return true;
}

/**
 * The line, from 1, where the statement begins that makes `isReached` true, or else the first that is not valid. Bun's
 * parser does not tell lines, so this parses longer and longer parts of the file: those that end with a statement are valid.
 */
function lineOf(text: string, isReached: (table: TomlTable) => boolean): number {
  const lines = text.split("\n");
  let validLines = 0;
  for (let count = 1; count <= lines.length; count++) {
    let table: TomlTable;
    try {
      table = parseToml(lines.slice(0, count).join("\n"));
    } catch {
      continue;
    }
    if (isReached(table)) break;
    validLines = count;
  }
  return validLines + 1;
}
