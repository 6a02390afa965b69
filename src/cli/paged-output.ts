// Prints a list of any length page by page.
import { printableJson } from "../printable.js";
import { ByteOutput, STDOUT, writeDescriptor } from "./output.js";
import { formatTable } from "./table.js";

interface PagedLayout<Item> {
  readonly json: boolean;
  readonly header: readonly string[];
  row(item: Item): readonly (string | number)[];
  /** The item in JSON, if not the item itself. */
  field?(item: Item): object;
}

/** Prints all pages: as one JSON array, or as a table whose columns are sized per page. */
export async function writePages<Item>(
  pages: AsyncIterable<readonly Item[]>,
  { json, header, row, field }: PagedLayout<Item>,
): Promise<void> {
  const output = new ByteOutput(writeDescriptor(STDOUT));
  let isFirst = true;
  for await (const items of pages) {
    if (json) output.text(jsonItems(field === undefined ? items : items.map(field), isFirst));
    else {
      const table = formatTable(header, items.map(row));
      output.text(isFirst ? table : table.slice(table.indexOf("\n") + 1));
    }
    isFirst = isFirst && items.length === 0;
    await output.flush();
    if (output.isClosed) return;
  }
  if (json) output.text(isFirst ? "[]\n" : "\n]\n");
  await output.drain();
}

/** Items of an array in the layout of `writeJson`, without the closing bracket. */
function jsonItems(items: readonly unknown[], isFirst: boolean): string {
  if (items.length === 0) return "";
  return (isFirst ? "[\n" : ",\n") + printableJson(items, 2).slice(2, -2);
}
