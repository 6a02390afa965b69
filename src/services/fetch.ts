// Fetch: whole batches of one or many partitions, immediately or as soon as there are enough.
// Leaves to others: finding the bytes (topics/partition.ts), and how much fits a response (the protocols).
import { RustLogError } from "../errors.js";
import { OffsetStore } from "../groups/offsets/offset-store.js";
import { FETCH_WAIT_MS_MAX } from "../limits.js";
import type { LogRead } from "../log/segment/log-slice.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { type NamedPartition, partitionOf, unknownTopicId } from "./named-partition.js";
import { failureOf } from "./outcome.js";
import { requireOnGroup, requireOnTopic } from "./permissions.js";

export interface FetchPosition extends NamedPartition {
  /** Offset of the first requested record. */
  readonly offset: number;
  /** Maximum bytes of this partition to return. */
  readonly bytesMax: number;
}

interface FetchBounds {
  /** Maximum bytes to return over all partitions. The first batch is returned even if it is larger. */
  readonly bytesMax: number;
  /** Bytes to wait for, over all partitions. */
  readonly bytesMin: number;
}

/** What to read, and how long to wait for it. */
export interface FetchQuery extends FetchBounds {
  /** If set, reading starts at this group's committed offset where that is larger. */
  readonly group?: string | undefined;
  readonly positions: readonly FetchPosition[];
  /** Whether a position after the log end is an error, rather than something to wait for. */
  readonly failPastEnd?: boolean;
  /** Maximum time to wait for them, in milliseconds; 0 for no wait. */
  readonly waitMs: number;
}

/** What was read from one partition. The first batch may start before `startOffset`. */
interface FetchedBatches extends LogRead {
  /** Where reading started: the larger of the requested and the committed offset. */
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly topicId: string | undefined;
}

/** Why nothing was read from one partition. */
export interface FetchFailure {
  readonly error: RustLogError;
  /** Where reading can continue if the log is damaged at the requested offset. */
  readonly offsetAfterDamage?: number | undefined;
}

export type FetchResult = FetchedBatches | FetchFailure;

/**
 * Reads from all partitions. Returns a result for each position, in order; or, if there is too little and nothing
 * failed, a fetch that can wait for more. Throws only for the request as a whole: INVALID_GROUP and
 * GROUP_AUTHORIZATION_FAILED.
 */
export function fetch(
  context: ServiceContext,
  query: FetchQuery,
): readonly FetchResult[] | WaitingFetch {
  if (query.group !== undefined) {
    OffsetStore.checkGroup(query.group);
    requireOnGroup(context, "READ", query.group);
  }
  const places: (Place | FetchFailure)[] = [];
  for (const position of query.positions) places.push(placeOf(context, query, position));
  const results = read(context, places, query.bytesMax);
  const missingBytes = query.waitMs <= 0 ? 0 : missingBytesOf(results, query);
  if (missingBytes === 0) return results;
  // Only when all positions were found: a failure leaves nothing to wait for.
  return new WaitingFetch(context, query, places as readonly Place[], missingBytes);
}

/** What a waiting fetch needs from its caller. */
export interface FetchCaller {
  /** Runs `call` now or in a later turn of the event loop: a hundred thousand fetches may wait for the same append. */
  whenTime(call: () => void): void;
  /** Receives the results, one per position, in order. Either this or `failed` is called, once, unless the fetch is cancelled. */
  done(results: readonly FetchResult[]): void;
  /** Receives an unexpected error, which is a bug. */
  failed(error: unknown): void;
}

/**
 * A fetch that waits until enough bytes are readable, its time is up, a partition closes, or its caller ends it. The
 * first of these cancels the others. Each attempt locates its bytes once, and only runs when they may be there.
 */
export class WaitingFetch {
  readonly #context: ServiceContext;
  readonly #bounds: FetchBounds;
  readonly #waitMs: number;
  readonly #places: readonly Place[];
  #missingBytes: number;
  #caller: FetchCaller | undefined;
  #subscriptions: readonly (() => void)[] = NO_SUBSCRIPTIONS;
  #timer: Timer | undefined;

  constructor(
    context: ServiceContext,
    query: FetchQuery,
    places: readonly Place[],
    missingBytes: number,
  ) {
    this.#context = context;
    // The rest of the query is not needed any more: very many fetches may wait.
    this.#bounds = { bytesMax: query.bytesMax, bytesMin: query.bytesMin };
    this.#waitMs = Math.min(query.waitMs, FETCH_WAIT_MS_MAX);
    this.#places = places;
    this.#missingBytes = missingBytes;
  }

  /** Starts waiting. Nothing may have been appended since `fetch` returned. */
  begin(caller: FetchCaller): void {
    this.#caller = caller;
    this.#timer = setTimeout(() => this.finish(), this.#waitMs);
    this.#subscribe();
  }

  /** Ends the wait with the data that is available now. */
  finish(): void {
    this.#caller?.whenTime(() => this.#attempt(true));
  }

  /** Ends the wait without results. */
  cancel(): void {
    this.#caller = undefined;
    this.#unsubscribe();
    clearTimeout(this.#timer);
  }

  #attempt(isLast: boolean): void {
    const caller = this.#caller;
    if (caller === undefined) return;
    try {
      const results = read(this.#context, this.#places, this.#bounds.bytesMax);
      this.#missingBytes = isLast ? 0 : missingBytesOf(results, this.#bounds);
      if (this.#missingBytes > 0) {
        this.#subscribe();
        return;
      }
      this.cancel();
      caller.done(results);
    } catch (error) {
      this.cancel();
      caller.failed(error);
    }
  }

  #subscribe(): void {
    this.#unsubscribe();
    // When all missing bytes have arrived, at least one partition has received its share of them.
    const share = Math.ceil(this.#missingBytes / this.#places.length);
    const wake = (): void => this.#wake();
    this.#subscriptions = this.#places.map(({ partition, startOffset }) =>
      partition.whenMoreReadable(startOffset, share, wake),
    );
  }

  #wake(): void {
    this.#unsubscribe();
    this.#caller?.whenTime(() => this.#attempt(false));
  }

  #unsubscribe(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#subscriptions = NO_SUBSCRIPTIONS;
  }
}

const NO_SUBSCRIPTIONS: readonly (() => void)[] = [];

/** A position with its partition. A waiting fetch keeps the partition that it found. */
interface Place {
  readonly partition: Partition;
  readonly topicId: string | undefined;
  /** The topic id that the client sent, if any. */
  readonly requestedId: string | undefined;
  readonly startOffset: number;
  readonly bytesMax: number;
}

function pastEnd({ name, logEndOffset }: Partition, offset: number): RustLogError {
  const message = `${name}: offset ${offset} is past the log end, ${logEndOffset}`;
  return new RustLogError("OFFSET_OUT_OF_RANGE", message);
}

function placeOf(
  context: ServiceContext,
  { group, failPastEnd }: FetchQuery,
  position: FetchPosition,
): Place | FetchFailure {
  const { topicId: requestedId, partition: index, offset, bytesMax } = position;
  try {
    const partition = partitionOf(context, "READ", position);
    const { topic } = partition;
    if (failPastEnd === true && offset > partition.logEndOffset) throw pastEnd(partition, offset);
    const topicId = context.registry.find(topic)?.id;
    let startOffset = offset;
    if (group !== undefined) {
      const committed = context.offsets.fetch(group, topic, index)?.offset ?? 0;
      startOffset = Math.max(offset, committed);
    }
    return { partition, topicId, requestedId, startOffset, bytesMax };
  } catch (error) {
    return { error: failureOf(error) };
  }
}

function read(
  context: ServiceContext,
  places: readonly (Place | FetchFailure)[],
  bytesMax: number,
): readonly FetchResult[] {
  let bytes = 0;
  const results: FetchResult[] = [];
  for (const place of places) {
    const result = "error" in place ? place : readPlace(context, place, bytesMax, bytes);
    if (!("error" in result)) bytes += result.bytes;
    results.push(result);
  }
  return results;
}

/** The number of bytes to wait for; 0 if waiting is useless. */
function missingBytesOf(results: readonly FetchResult[], bounds: FetchBounds): number {
  let missing = Math.min(bounds.bytesMin, bounds.bytesMax);
  for (const result of results) {
    if ("error" in result) return 0;
    // There is more than fits: the next batch is larger than the remaining space.
    if (result.nextOffset < result.highWatermark) return 0;
    // The rest up to the high watermark is a gap: the reader can wait after it.
    if (result.bytes === 0 && result.nextOffset > result.startOffset) return 0;
    missing -= result.bytes;
  }
  return Math.max(0, missing);
}

/** Reads from one partition after `bytesBefore` bytes from earlier ones. */
function readPlace(
  context: ServiceContext,
  place: Place,
  totalBytesMax: number,
  bytesBefore: number,
): FetchResult {
  const { partition, topicId, requestedId, startOffset } = place;
  const bytesMax = Math.min(place.bytesMax, totalBytesMax - bytesBefore);
  try {
    // The rules may have changed while the fetch waited.
    requireOnTopic(context, "READ", partition.topic);
    let log = bytesBefore === 0 || bytesMax > 0 ? partition.read(startOffset, bytesMax) : undefined;
    // Only the very first batch is returned even if it is too large.
    if (log === undefined || (bytesBefore > 0 && log.bytes > bytesMax)) {
      log = { slices: [], bytes: 0, nextOffset: startOffset };
    }
    const { slices, bytes, nextOffset } = log;
    const { highWatermark, logStartOffset } = partition;
    return { startOffset, nextOffset, highWatermark, logStartOffset, topicId, slices, bytes };
  } catch (error) {
    const failure = failureOf(error);
    // A client that sent a topic id learns that this topic was deleted, even while the fetch waited.
    if (failure.code === "UNKNOWN_TOPIC_OR_PARTITION" && requestedId !== undefined) {
      return { error: unknownTopicId(context, partition.topic, requestedId) };
    }
    if (failure.code !== "CORRUPT_MESSAGE") return { error: failure };
    return { error: failure, offsetAfterDamage: partition.offsetAfterDamage(startOffset) };
  }
}
