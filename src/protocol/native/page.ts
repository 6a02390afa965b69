// Lists that come in pages: where a page begins, how long it may be, and whether another one follows.
// Leaves to others: which versions of which APIs have pages, and the items (groups.ts, topics.ts).
import type { ByteReader } from "./reader.ts";
import type { ByteWriter } from "./writer.ts";

/** Which items of a list by name are asked for: all of them in versions without pages. */
export interface PageRequest {
  /** Name of the last item of the page before; empty for the first page. */
  readonly after: string;
  /** Most items to return; 0 for as many as the broker puts into a page. */
  readonly limit: number;
}

/** Asks for the first page, as long as the broker makes it. */
export const FIRST_PAGE: PageRequest = { after: "", limit: 0 };

/** Writes a request in versions that have pages. */
export function writePage(body: ByteWriter, { after, limit }: PageRequest, isPaged: boolean): void {
  if (isPaged) body.string(after).u32(limit);
}

export function readPage(body: ByteReader, isPaged: boolean): PageRequest {
  return isPaged ? { after: body.string("after"), limit: body.u32("limit") } : FIRST_PAGE;
}

/** Writes whether items follow, in versions that have pages. */
export function writeMore(body: ByteWriter, more: boolean, isPaged: boolean): void {
  if (isPaged) body.u8(more ? 1 : 0);
}

/** Reads whether items follow: none without pages. */
export function readMore(body: ByteReader, isPaged: boolean): boolean {
  return isPaged && body.u8("more") !== 0;
}
