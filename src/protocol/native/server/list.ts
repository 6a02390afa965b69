// Answers with a list in portions: one page, or the whole list in versions without pages.
// Leaves to others: the items of the list (groups.ts, topics.ts).
import { RustLogError } from "../../../errors.js";
import { PAGE_ITEMS_MAX } from "../../../limits.js";
import { ListResponse } from "../list-response.js";
import { apiName } from "../messages.js";
import type { moreField } from "../page.js";
import type { Body, Fields, ItemOf, ScalarsOf } from "../schema.js";
import type { Exchange } from "./exchange.js";

/** Items written before other requests get a turn. */
const PORTION_ITEMS = 500;

/** Approximate maximum bytes of an item: names have up to 249. */
const ITEM_BYTES = 300;

/** Memory per byte of an answer: the buffer doubles when it is full, and is copied. */
const MEMORY_PER_BYTE = 2;

/** A list, followed by a flag that says whether more items follow. */
type PagedFields = Fields & { readonly more: ReturnType<typeof moreField> | "bool" };

/** The fields besides the list and the flag. */
type RestOf<F extends PagedFields> = Omit<ScalarsOf<F>, "more">;

/**
 * Answers with a list. A page ends after `itemsMax` items (0 for no such limit) or when the frame is full. A whole list
 * that does not fit into a frame is FRAME_TOO_LARGE.
 */
export async function answerList<Response extends PagedFields>(
  exchange: Exchange,
  { response: body }: { readonly response: Body<Response> },
  items: Iterable<ItemOf<Response>>,
  itemsMax: number,
  rest: RestOf<Response>,
): Promise<void> {
  const { correlationId, apiVersion } = exchange;
  const { frameBytesMax } = exchange.connection;
  const { more: flag } = body.fields;
  const pagesSince = flag === "bool" ? 1 : flag.since;
  const isPaged = apiVersion >= pagesSince;
  const limit = isPaged ? pageItems(itemsMax) : Number.POSITIVE_INFINITY;
  let more = false;
  const response = new ListResponse(body, apiVersion, correlationId, frameBytesMax, {
    ...rest,
    more,
  });
  for (const item of items) {
    more = response.items >= limit || !response.add(item);
    if (more) break;
    if (response.items % PORTION_ITEMS !== 0) continue;
    // Only a long list continues in a later turn, and needs memory until then.
    if (response.items === PORTION_ITEMS) {
      exchange.charge(MEMORY_PER_BYTE * Math.min(frameBytesMax, limit * ITEM_BYTES));
    }
    await exchange.connection.turns.nextPortion();
    if (exchange.connection.isGone)
      throw new RustLogError("CONNECTION_LOST", "the client has left");
  }
  if (more && (!isPaged || response.items === 0)) {
    const advice = isPaged ? "" : `; version ${pagesSince} answers in pages`;
    throw new RustLogError(
      "FRAME_TOO_LARGE",
      `the answer to ${apiName(exchange.apiKey)} does not fit a frame of ${frameBytesMax} bytes${advice}`,
    );
  }
  exchange.answer(response.finish({ ...rest, more }));
}

function pageItems(limit: number): number {
  return limit === 0 ? PAGE_ITEMS_MAX : Math.min(limit, PAGE_ITEMS_MAX);
}
