// Fields for paged lists: where a page starts, its maximum length, and whether another page follows.
// Leaves to others: the items (groups.ts, topics.ts).
import { since } from "./schema.js";

/** The request for a page; in versions without pages, for all items. */
export function pageFields(version: number) {
  return {
    /** Name of the last item of the previous page; empty for the first page. */
    after: since(version, "string", ""),
    /** Maximum number of items; 0 for as many as fit a page. */
    limit: since(version, "u32", 0),
  };
}

/** Whether more items follow. */
export function moreField(version: number) {
  return since(version, "bool", false);
}

/** Requests the longest possible page: the one after an item, or the first one. */
export function pageAfter(name = "") {
  return { after: name, limit: 0 };
}
