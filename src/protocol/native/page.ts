// Lists that come in pages: the fields that say where a page begins, how long it may be, and whether another one follows.
// Leaves to others: the items (groups.ts, topics.ts).
import { since } from "./schema.ts";

/** The request for a page: all items in versions without pages. */
export function pageFields(version: number) {
  return {
    /** Name of the last item of the page before; empty for the first page. */
    after: since(version, "string", ""),
    /** Most items to return; 0 for as many as the broker puts into a page. */
    limit: since(version, "u32", 0),
  };
}

/** Whether items follow those of a page. */
export function moreField(version: number) {
  return since(version, "bool", false);
}

/** Asks for the longest page there is: the one after an item, or the first one. */
export function pageAfter(name = "") {
  return { after: name, limit: 0 };
}
