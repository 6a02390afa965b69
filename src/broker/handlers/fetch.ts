// Fetch: whole batches from an offset, at once or when there are enough of them.
// Leaves to others: finding the bytes (topics/partition.ts) and sending them (outbox.ts).
import { RustLogError } from "../../errors.ts";
import { FETCH_WAIT_MS_MAX } from "../../limits.ts";
import {
  damageMessage,
  encodeFetchResponseHead,
  fetchResponseHeadBytes,
  type FetchRequest,
} from "../../protocol/native/fetch.ts";
import { OffsetStore } from "../../groups/offset-store.ts";
import type { LogRead } from "../../log/segment/log-slice.ts";
import type { Partition } from "../../topics/partition.ts";
import type { TopicRegistry } from "../../topics/topic-registry.ts";
import type { Exchange, Wait } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";
import { partitionOf, unknownTopicId } from "./topic-identity.ts";

export function fetch(services: BrokerServices, exchange: Exchange, request: FetchRequest): void {
  const { registry } = services;
  const partition = partitionOf(registry, request);
  const topicId = registry.find(request.topic)?.id;
  const startOffset = startOf(services, request);
  const headBytes = fetchResponseHeadBytes(exchange.apiVersion);
  // A response is one frame. A batch that is larger than what was asked for still comes whole.
  const bytesMax = Math.min(request.maxBytes, services.frameBytesMax - headBytes);
  const bytesMin = Math.min(request.minBytes, bytesMax);
  const waitMs = Math.min(request.maxWaitMs, FETCH_WAIT_MS_MAX);
  const canWait = waitMs > 0 && bytesMin > 0 && exchange.owner.mayWait;
  const bounded = { registry, request, partition, topicId, startOffset, bytesMin, bytesMax };
  if (!canWait || isEnough(bounded)) answer(exchange, bounded);
  else new WaitingFetch(exchange, bounded).begin(waitMs);
}

/** A fetch whose place and bounds are known. */
interface BoundedFetch {
  readonly registry: TopicRegistry;
  readonly request: FetchRequest;
  readonly partition: Partition;
  /** Of the topic that the partition is of. */
  readonly topicId: string | undefined;
  readonly startOffset: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
}

/** Where reading begins: a group's committed offset, unless the request is already past it. */
function startOf(services: BrokerServices, request: FetchRequest): number {
  if (request.group === "") return request.offset;
  OffsetStore.checkGroup(request.group);
  const committed = services.offsets.fetch(request.group, request.topic, request.partition);
  return Math.max(request.offset, committed?.offset ?? 0);
}

/** Whether there is anything to say now: enough bytes, or an error. */
function isEnough({ partition, startOffset, bytesMin }: BoundedFetch): boolean {
  if (partition.closed || startOffset < partition.logStartOffset) return true;
  try {
    return partition.bytesAvailable(startOffset, bytesMin) >= bytesMin;
  } catch {
    // The log is damaged there: reading it for the answer says how.
    return true;
  }
}

function answer(exchange: Exchange, bounded: BoundedFetch): void {
  const { partition, startOffset, topicId } = bounded;
  const read = readOrExplain(bounded);
  const head = encodeFetchResponseHead(
    exchange.correlationId,
    {
      startOffset,
      nextOffset: read.nextOffset,
      highWatermark: partition.highWatermark,
      logStartOffset: partition.logStartOffset,
      topicId,
    },
    read.bytes,
    exchange.apiVersion,
  );
  exchange.answerWithLog(head, read.slices);
}

/**
 * Reads. Where the log is damaged, the error tells the client at which offset it can go on. A client that names the
 * topic by its id is told that this topic was deleted, also while the fetch was waiting.
 */
function readOrExplain(bounded: BoundedFetch): LogRead {
  const { registry, request, partition, startOffset, bytesMax } = bounded;
  try {
    return partition.read(startOffset, bytesMax);
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    if (error.code === "UNKNOWN_TOPIC_OR_PARTITION" && request.topicId !== undefined) {
      throw unknownTopicId(registry, request.topic, request.topicId);
    }
    if (error.code !== "CORRUPT_MESSAGE") throw error;
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
  readonly #fetch: BoundedFetch;
  #unsubscribe: (() => void) | undefined;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(exchange: Exchange, bounded: BoundedFetch) {
    this.#exchange = exchange;
    this.#fetch = bounded;
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
    this.#whenTime(() => this.#answer());
  }

  cancel(): void {
    this.#isOver = true;
    this.#unsubscribe?.();
    clearTimeout(this.#timer);
    this.#exchange.owner.removeWait(this);
  }

  #answer(): void {
    this.cancel();
    try {
      answer(this.#exchange, this.#fetch);
    } catch (error) {
      this.#exchange.fail(error);
    }
  }

  #check(): void {
    if (isEnough(this.#fetch)) this.#answer();
    else this.#subscribe();
  }

  #subscribe(): void {
    const { partition, startOffset, bytesMin } = this.#fetch;
    this.#unsubscribe = partition.whenReadable(startOffset, bytesMin, () =>
      this.#whenTime(() => this.#check()),
    );
  }

  /** One append may be what a hundred thousand fetches wait for. */
  #whenTime(call: () => void): void {
    this.#exchange.owner.whenTime(() => {
      if (!this.#isOver) call();
    });
  }
}
