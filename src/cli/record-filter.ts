// The filters of `rustlog consume`: which of the records that were read are printed. The broker knows nothing of them.
// Leaves to others: reading and printing (consume.ts).
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { FetchedRecords } from "../client/fetched-records.js";

/** A header that a record must have. */
export interface HeaderCondition {
  readonly name: string;
  readonly value: Buffer;
}

export interface FilterOptions {
  readonly grep?: RegExp | undefined;
  readonly grepKey?: RegExp | undefined;
  readonly whereHeader?: readonly HeaderCondition[] | undefined;
}

/** Whether to print the current record. */
export type RecordFilter = (records: FetchedRecords) => boolean;

/** The filter for these options; undefined if they let everything pass. */
export function recordFilter({
  grep,
  grepKey,
  whereHeader = [],
}: FilterOptions): RecordFilter | undefined {
  if (grep === undefined && grepKey === undefined && whereHeader.length === 0) return undefined;
  return ({ cursor }) => {
    if (grepKey !== undefined && !matches(grepKey, cursor.keyText())) return false;
    if (grep !== undefined && !matches(grep, cursor.valueText())) return false;
    if (whereHeader.length === 0) return true;
    const headers = cursor.headers();
    return whereHeader.every((wanted) =>
      headers.some(
        ({ name, value }) => name === wanted.name && value !== null && wanted.value.equals(value),
      ),
    );
  };
}

/** A regular expression, which may begin with flags as in RE2: `(?i)error`. Throws InvalidArgumentError. */
export function parseRegex(text: string): RegExp {
  const [, flags = "", pattern = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : "");
  }
}

/** Adds the condition NAME=VALUE to the others. Throws InvalidArgumentError. */
export function parseHeaderCondition(
  text: string,
  others: readonly HeaderCondition[] = [],
): readonly HeaderCondition[] {
  const at = text.indexOf("=");
  if (at === -1) throw new InvalidArgumentError("Expected NAME=VALUE.");
  return [...others, { name: text.slice(0, at), value: Buffer.from(text.slice(at + 1)) }];
}

function matches(pattern: RegExp, text: string | null): boolean {
  return text !== null && pattern.test(text);
}
