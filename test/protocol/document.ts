// Reads docs/PROTOCOL.md: its sections, tables and hexadecimal blocks, and the batch of its example, for the tests that hold it to the code.
import { join } from "node:path";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { Field, FieldType } from "./grammar.js";

const TEXT = await Bun.file(join(import.meta.dir, "../../docs/PROTOCOL.md")).text();

/** A row of a table, by the names of its columns. */
export type Row = Readonly<Record<string, string>>;

/** The whole document. */
export const DOCUMENT = TEXT;

/** The text under a heading, up to the next one of its level or above it. */
export function section(heading: string): string {
  const lines = TEXT.split("\n");
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`docs/PROTOCOL.md has no heading '${heading}'`);
  const level = heading.indexOf(" ");
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line) && line.indexOf(" ") <= level);
  return rest.slice(0, end < 0 ? rest.length : end).join("\n");
}

/** The first table of a text whose first column is called `firstColumn`. */
export function table(text: string, firstColumn: string): Row[] {
  const lines = text.split("\n");
  // Formatters may pad the cells.
  const start = lines.findIndex((line) => line.startsWith("|") && cells(line)[0] === firstColumn);
  if (start < 0) throw new Error(`there is no table that begins with a column '${firstColumn}'`);
  const columns = cells(lines[start]!);
  const rows: Row[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    const values = cells(line);
    if (values.length !== columns.length) throw new Error(`a row of other columns: ${line}`);
    rows.push(Object.fromEntries(columns.map((column, at) => [column, values[at]!])));
  }
  return rows;
}

function cells(line: string): string[] {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

/** A cell without its backticks. */
export function plain(cell: string | undefined): string {
  return (cell ?? "").replaceAll("`", "");
}

/** A whole number of any size. */
export function integer(cell: string | undefined): bigint {
  number(cell);
  return BigInt(plain(cell).replaceAll(",", "").replace("−", "-"));
}

/**
 * What a documented setting accepts and refuses: the ends of a range and what is beyond them, or words in the column `from`.
 */
export function valuesOf({ from = "", to }: Row): { accepted: string[]; refused: string[] } {
  const words = [...from.matchAll(/`(\w+)`/g)].map(([, word]) => word!);
  if (words.length > 0) return { accepted: words, refused: [words.join("")] };
  const [min, max] = [integer(from), integer(to)];
  return { accepted: [`${min}`, `${max}`], refused: [`${min - 1n}`, `${max + 1n}`] };
}

/** A number as the document writes it: with commas and a typographic minus sign. */
export function number(cell: string | undefined): number {
  const text = plain(cell).replaceAll(",", "").replace("−", "-");
  if (!/^-?(\d+|0x[0-9a-fA-F]+)$/.test(text)) throw new Error(`'${cell}' is no number`);
  return Number(text);
}

/**
 * The fields that a section of an API gives for its request or its response. A column `since` names the first
 * version of those that are not in version 1.
 */
export function fieldsOf(api: string, part: "Request" | "Response"): readonly Field[] {
  const text = section(api);
  const start = text.search(new RegExp(`^${part}\\b`, "m"));
  if (start < 0) throw new Error(`'${api}' has no ${part}`);
  const [first = "", ...rest] = text.slice(start).split("\n");
  if (/: empty\.$/.test(first)) return [];
  if (!first.endsWith(":")) throw new Error(`'${first}' is neither empty nor before a table`);
  const end = rest.findIndex((line) => /^(Request|Response|Errors)\b/.test(line));
  const rows = table(rest.slice(0, end < 0 ? rest.length : end).join("\n"), "field");
  return fieldsUnder("", rows);
}

function fieldsUnder(prefix: string, rows: readonly Row[]): readonly Field[] {
  return rows
    .map((row) => ({ name: plain(row.field), type: row.type, since: number(row.since ?? "1") }))
    .filter(({ name }) => name.startsWith(prefix) && !name.slice(prefix.length).includes("[]"))
    .map(({ name, type, since }) => ({
      name: name.slice(prefix.length),
      type: type === "array" ? fieldsUnder(`${name}[].`, rows) : (type as FieldType),
      ...(since > 1 && { since }),
    }));
}

/** The bytes of the block that follows a title in bold. */
export function hexBlock(title: string): Uint8Array {
  const start = TEXT.indexOf(`**${title}**`);
  const opening = TEXT.indexOf("```hex\n", start);
  if (start < 0 || opening < 0) throw new Error(`there is no block '${title}'`);
  const block = TEXT.slice(opening + 7, TEXT.indexOf("```", opening + 7));
  const digits = block.split("\n").map((line) => /^([0-9a-f]{2}( |$))*/.exec(line)?.[0] ?? "");
  return Uint8Array.fromHex(digits.join("").replaceAll(" ", ""));
}

/** The batch of the worked example: one record. */
export function exampleBatch(): Uint8Array {
  const encoder = new BatchEncoder();
  const headers = [{ name: "lang", value: new TextEncoder().encode("en") }];
  encoder.append(1_700_000_000_000, "k", "hello", headers);
  return encoder.finish();
}
