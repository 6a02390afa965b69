// Fetch: whole batches from an offset, at once or when there are enough of them.
// Leaves to others: finding the bytes (topics/partition.ts) and sending them (outbox.ts).
import { RustLogError } from "../../errors.ts";
import { FETCH_WAIT_MS_MAX, FRAME_OVERHEAD_BYTES } from "../../limits.ts";
import { damageMessage, encodeFetchResponseHead, type FetchRequest } from "../../protocol/fetch.ts";
import { OffsetStore } from "../../offsets/offset-store.ts";
import type { LogRead } from "../../storage/log-slice.ts";
import type { Partition } from "../../topics/partition.ts";
import type { Exchange, Wait } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";

/** Answers a Fetch request. */
export function fetch(services: BrokerServices, exchange: Exchange, request: FetchRequest): void {
  const partition = services.registry.partition(request.topic, request.partition);
  const startOffset = startOf(services, request);
  // A response is one frame. A batch that is larger than what was asked for still comes whole.
  const bytesMax = Math.min(request.maxBytes, services.frameBytesMax - FRAME_OVERHEAD_BYTES);
  const bytesMin = Math.min(request.minBytes, bytesMax);
  const waitMs = Math.min(request.maxWaitMs, FETCH_WAIT_MS_MAX);
  const canWait = waitMs > 0 && bytesMin > 0 && exchange.owner.mayWait;
  if (!canWait || isEnough(partition, startOffset, bytesMin)) {
    answer(exchange, partition, startOffset, bytesMax);
    return;
  }
  new WaitingFetch(exchange, partition, startOffset, bytesMin, bytesMax).begin(waitMs);
}

/** Where reading begins: a group's committed offset, unless the request is already past it. */
function startOf(services: BrokerServices, request: FetchRequest): number {
  if (request.group === "") return request.offset;
  OffsetStore.checkGroup(request.group);
  const committed = services.offsets.fetch(request.group, request.topic, request.partition);
  return Math.max(request.offset, committed?.offset ?? 0);
}

/** Whether there is anything to say now: enough bytes, or an error. */
function isEnough(partition: Partition, offset: number, bytesMin: number): boolean {
  if (partition.closed || offset < partition.logStartOffset) return true;
  try {
    return partition.bytesAvailable(offset, bytesMin) >= bytesMin;
  } catch {
    // The log is damaged there: reading it for the answer says how.
    return true;
  }
}

function answer(
  exchange: Exchange,
  partition: Partition,
  startOffset: number,
  bytesMax: number,
): void {
  const read = readOrExplain(partition, startOffset, bytesMax);
  const head = encodeFetchResponseHead(
    exchange.correlationId,
    {
      startOffset,
      nextOffset: read.nextOffset,
      highWatermark: partition.highWatermark,
      logStartOffset: partition.logStartOffset,
    },
    read.bytes,
  );
  exchange.answerWithLog(head, read.slices);
}

/** Reads; where the log is damaged, the error tells the client at which offset it can go on. */
function readOrExplain(partition: Partition, startOffset: number, bytesMax: number): LogRead {
  try {
    return partition.read(startOffset, bytesMax);
  } catch (error) {
    if (!(error instanceof RustLogError) || error.code !== "CORRUPT_MESSAGE") throw error;
    const next = partition.offsetAfterDamage(startOffset);
    throw new RustLogError(error.code, damageMessage(error.message, next), { cause: error });
  }
}

/**
 * A fetch that waits: it ends when there are enough bytes, when its time is up, when the partition closes,
 * or with its connection; whichever comes first ends the others.
 */
class WaitingFetch implements Wait {
  readonly #exchange: Exchange;
  readonly #partition: Partition;
  readonly #startOffset: number;
  readonly #bytesMin: number;
  readonly #bytesMax: number;
  #unsubscribe: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(
    exchange: Exchange,
    partition: Partition,
    startOffset: number,
    bytesMin: number,
    bytesMax: number,
  ) {
    this.#exchange = exchange;
    this.#partition = partition;
    this.#startOffset = startOffset;
    this.#bytesMin = bytesMin;
    this.#bytesMax = bytesMax;
  }

  get requestBytes(): number {
    return this.#exchange.requestBytes;
  }

  begin(waitMs: number): void {
    this.#exchange.hasWaited = true;
    this.#subscribe();
    this.#timer = setTimeout(() => this.finish(), waitMs);
    this.#exchange.owner.addWait(this);
  }

  finish(): void {
    this.cancel();
    try {
      answer(this.#exchange, this.#partition, this.#startOffset, this.#bytesMax);
    } catch (error) {
      this.#exchange.fail(error);
    }
  }

  cancel(): void {
    this.#unsubscribe?.();
    clearTimeout(this.#timer);
    this.#exchange.owner.removeWait(this);
  }

  #check(): void {
    if (isEnough(this.#partition, this.#startOffset, this.#bytesMin)) this.finish();
    else this.#subscribe();
  }

  #subscribe(): void {
    this.#unsubscribe = this.#partition.whenReadable(this.#startOffset, this.#bytesMin, () =>
      this.#check(),
    );
  }
}
