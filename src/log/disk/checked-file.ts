// A small JSON file that recovery trusts: it contains the version of its format and a CRC-32C of all other fields.
// Leaves to others: what the fields mean (topics/topic-file.ts, topics/data-directory.ts), and writing the file.
//
//   { "version": 1, …, "crc32c": "e3069283" }
//
// `crc32c` is the CRC-32C of the object without that field as `JSON.stringify` writes it, with the fields in the order
// of the file. So white space does not count, and a person may edit the file: remove the line with `crc32c`.
import { crc32c } from "../../record/crc32c.js";
import { nextTurn } from "../event-loop.js";

/** The fields and version of one kind of file. */
export interface CheckedFormat {
  /** Name of the field that holds the format version. */
  readonly versionField: string;
  readonly version: number;
  /** All other fields that are allowed. */
  readonly fields: readonly string[];
}

interface CheckedContent {
  readonly fields: Readonly<Record<string, unknown>>;
  /** False if the file has no checksum: an older release or a person wrote it. */
  readonly hasChecksum: boolean;
}

const CHECKSUM = "crc32c";

/** Encodes these fields and adds the checksum. */
export function encodeCheckedFile(
  { versionField, version }: CheckedFormat,
  fields: Readonly<Record<string, unknown>>,
): Uint8Array {
  const checked = { [versionField]: version, ...fields };
  const text = JSON.stringify({ ...checked, [CHECKSUM]: checksumOf(checked) }, null, 2);
  return new TextEncoder().encode(`${text}\n`);
}

/** Items encoded in one turn of the event loop. */
const ITEMS_PER_TURN = 500;

/** The same for fields that are long lists, with a line for each item. Others get a turn between portions of them. */
export async function encodeCheckedLists(
  { versionField, version }: CheckedFormat,
  lists: Readonly<Record<string, Iterable<unknown>>>,
): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const portions: Uint8Array[] = [];
  let checksum = 0;
  let lines: string[] = [`{${JSON.stringify(versionField)}:${version}`];
  const cut = (): void => {
    const checked = encoder.encode(lines.join(""));
    checksum = crc32c(checked, 0, checked.length, checksum);
    portions.push(encoder.encode(`${lines.join("\n")}\n`));
    lines = [];
  };
  for (const [name, items] of Object.entries(lists)) {
    lines.push(`,${JSON.stringify(name)}:[`);
    let separator = "";
    for (const item of items) {
      lines.push(`${separator}${JSON.stringify(item)}`);
      separator = ",";
      if (lines.length < ITEMS_PER_TURN) continue;
      cut();
      await nextTurn();
    }
    lines.push("]");
  }
  // The brace is the last that is checked, and follows the checksum in the file.
  cut();
  const stated = hexOf(crc32c(encoder.encode("}"), 0, 1, checksum));
  portions.push(encoder.encode(`,${JSON.stringify(CHECKSUM)}:"${stated}"}\n`));
  return Buffer.concat(portions);
}

/**
 * Decodes a file and checks its checksum and version. Throws an error that says why the file is unusable; the caller
 * adds the path.
 */
export function decodeCheckedFile(format: CheckedFormat, bytes: Uint8Array): CheckedContent {
  const parsed = parseJson(bytes);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new Error("it is not a JSON object");
  }
  const { [CHECKSUM]: stated, ...fields } = parsed as Record<string, unknown>;
  if (stated !== undefined) {
    const computed = checksumOf(fields);
    if (stated !== computed) {
      throw new Error(`its content has CRC-32C ${computed}, but it states ${String(stated)}`);
    }
  }
  const { versionField, version } = format;
  const found = fields[versionField];
  if (found !== version) {
    throw new Error(`${versionField} is ${String(found)}, and this release reads ${version}`);
  }
  if (stated === undefined) {
    // A damaged name of the checksum field must not turn this into a file of an older release.
    const known = [versionField, ...format.fields];
    const unknown = Object.keys(fields).find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new Error(`it has an unknown field ${JSON.stringify(unknown)}`);
  }
  return { fields, hasChecksum: stated !== undefined };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`it is not JSON: ${reason}`, { cause: error });
  }
}

function checksumOf(fields: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(fields));
  return hexOf(crc32c(bytes, 0, bytes.length));
}

function hexOf(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}
