// An annotated hex dump. Each field starts on its own line with its position, bytes, name and meaning.
// Leaves to others: the fields (fields.ts), and whether output is coloured (cli/colour.ts).
//
//   position  bytes, 8 a line          field                   what it says
//   00000011  5d 3f 00 7c              crc                     0x5d3f007c ok
//
// A star replaces lines with the same bytes as the line above. Lines have at most 100 columns.
import { printable } from "../printable.js";
import type { DumpItem, Field, FieldRole } from "./fields.js";

export const HEX_COLUMNS_MAX = 100;

const BYTES_PER_LINE = 8;
const BYTES_COLUMNS = BYTES_PER_LINE * 3 - 1;
const NAME_COLUMNS = 22;
const TEXT_COLUMNS = HEX_COLUMNS_MAX - 8 - 2 - BYTES_COLUMNS - 2 - NAME_COLUMNS - 2;

/** What a part of a line is. */
type PaintRole = FieldRole | "position" | "heading";

/** Colours a part of a line; `plain` leaves it unchanged. */
export type Paint = (role: PaintRole, text: string) => string;

export const plain: Paint = (_role, text) => text;

const SGR: Readonly<Record<PaintRole, string>> = {
  position: "2",
  heading: "1",
  header: "36",
  length: "33",
  time: "35",
  key: "32",
  value: "39",
  name: "34",
  broken: "1;31",
};

export const coloured: Paint = (role, text) => `\u001b[${SGR[role]}m${text}\u001b[0m`;

/** The lines of a dump, without newlines. */
export function* hexLines(
  items: Iterable<DumpItem>,
  paint: Paint = plain,
): Generator<string, void> {
  for (const item of items) {
    if (item.kind === "field") {
      yield* fieldLines(item, paint);
      continue;
    }
    const text = clip(printable(`${"  ".repeat(item.level)}${item.text}`), HEX_COLUMNS_MAX);
    yield paint(item.isBroken ? "broken" : "heading", text);
  }
}

function* fieldLines(field: Field, paint: Paint): Generator<string, void> {
  const { bytes, position, name, text, role } = field;
  let before = "";
  let isStarred = false;
  for (let from = 0; from === 0 || from < bytes.length; from += BYTES_PER_LINE) {
    const row = bytes.subarray(from, from + BYTES_PER_LINE);
    const hex = hexOf(row).padEnd(BYTES_COLUMNS);
    // Like hexdump: one star for repeated lines.
    if (hex === before) {
      if (!isStarred) yield paint("position", "*");
      isStarred = true;
      continue;
    }
    before = hex;
    isStarred = false;
    const shownName = from === 0 ? clip(name, NAME_COLUMNS) : "";
    // Data shows its text on every line, other fields only on the first.
    const shownText =
      text === undefined ? readable(row) : from === 0 ? clip(printable(text), TEXT_COLUMNS) : "";
    const at = (position + from).toString(16).padStart(8, "0");
    const named = `${shownName.padEnd(NAME_COLUMNS)}  ${shownText}`.trimEnd();
    yield [paint("position", at), paint(role, hex), named].join("  ").trimEnd();
  }
}

function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes)
    text += `${text === "" ? "" : " "}${byte.toString(16).padStart(2, "0")}`;
  return text;
}

/** Printable ASCII, with a dot for everything else. */
function readable(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
  return text;
}

function clip(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
}
