// Answers that are lists: a page of one, or all of it in the versions that know no pages, a portion at a time.
// Leaves to others: what is in the list (groups.ts, topics.ts).
import { RustLogError } from "../../../errors.ts";
import { PAGE_ITEMS_MAX } from "../../../limits.ts";
import { ListResponse } from "../list-response.ts";
import { apiName } from "../messages.ts";
import { writeMore } from "../page.ts";
import type { ByteWriter } from "../writer.ts";
import type { Exchange } from "./exchange.ts";

/** Items that are written before other requests have their turn. */
const PORTION_ITEMS = 500;

/** Bytes of an item, at most about: names have up to 249. */
const ITEM_BYTES = 300;

/** Memory for each byte of an answer: what it is written to doubles when it is full, and is copied. */
const MEMORY_PER_BYTE = 2;

export interface ListSource<Item> {
  /** The items, from the one that the page begins with. */
  readonly items: Iterable<Item>;
  write(writer: ByteWriter, item: Item): void;
  /** Most items that were asked for; 0 for the longest page there is. */
  readonly limit: number;
  /** The first version of the API that has pages. */
  readonly pagesSince: number;
}

/**
 * Answers with a list. A page ends at its limit, or where the frame is full; a whole list that does not fit a frame is
 * FRAME_TOO_LARGE.
 */
export async function answerList<Item>(exchange: Exchange, list: ListSource<Item>): Promise<void> {
  const { frameBytesMax } = exchange.connection;
  const isPaged = exchange.apiVersion >= list.pagesSince;
  const limit = isPaged ? pageItems(list.limit) : Number.POSITIVE_INFINITY;
  const response = new ListResponse(exchange.correlationId, frameBytesMax);
  let more = false;
  for (const item of list.items) {
    more = response.items >= limit || !response.add(item, list.write);
    if (more) break;
    if (response.items % PORTION_ITEMS !== 0) continue;
    // Only a long list goes on later; until then it needs memory.
    if (response.items === PORTION_ITEMS) {
      exchange.charge(MEMORY_PER_BYTE * Math.min(frameBytesMax, limit * ITEM_BYTES));
    }
    await exchange.connection.turns.nextPortion();
    if (exchange.connection.isGone)
      throw new RustLogError("CONNECTION_LOST", "the client has left");
  }
  if (more && (!isPaged || response.items === 0)) {
    const advice = isPaged ? "" : `; version ${list.pagesSince} answers in pages`;
    throw new RustLogError(
      "FRAME_TOO_LARGE",
      `the answer to ${apiName(exchange.apiKey)} does not fit a frame of ${frameBytesMax} bytes${advice}`,
    );
  }
  exchange.answer(response.finish((writer) => writeMore(writer, more, isPaged)));
}

function pageItems(limit: number): number {
  return limit === 0 ? PAGE_ITEMS_MAX : Math.min(limit, PAGE_ITEMS_MAX);
}
