// The maxima that clients, operators or several folders depend on, and the relations between them. A maximum that
// concerns one file is declared there. Flags of the broker may lower or raise the ones called "default".
// Leaves to others: enforcing them.

const KiB = 1024;
const MiB = 1024 * KiB;

/** Largest frame payload a broker accepts, in bytes, unless `--max-frame-bytes` says otherwise. */
export const FRAME_BYTES_MAX_DEFAULT = 10 * MiB;

/**
 * Largest payload of a request that is no Produce, in bytes: room for as many partitions as one may name, with the
 * longest names. A longer one is refused once its first bytes have come, and the rest is not kept.
 */
export const REQUEST_BYTES_MAX = 4 * MiB;

/** Largest record batch a broker accepts, in bytes, unless `--max-batch-bytes` says otherwise. */
export const BATCH_BYTES_MAX_DEFAULT = 8 * MiB;

/** Bytes of a frame that a Produce request or a Fetch response may need beside the batches. */
export const FRAME_OVERHEAD_BYTES = KiB;

/**
 * Highest `--max-frame-bytes`. Everything that takes a frame or a batch from elsewhere (clients, recovery, the tools)
 * derives its limit from this one, because whatever some broker has accepted must stay readable. It can't be lowered:
 * every release has allowed 1 GiB, so a data directory may hold a batch of that size.
 */
export const FRAME_BYTES_HIGHEST = 1024 * MiB;

/** Highest `--max-batch-bytes`: the largest batch that a broker has ever accepted. */
export const BATCH_BYTES_HIGHEST = FRAME_BYTES_HIGHEST - FRAME_OVERHEAD_BYTES;

/** Unanswered request bytes plus unsent response bytes past which a socket is no longer read. */
export const CONNECTION_BYTES_MAX_DEFAULT = 32 * MiB;

/** Bytes that requests and answers of all connections may keep in memory, unless `--max-inflight-bytes` says otherwise. */
export const INFLIGHT_BYTES_MAX_DEFAULT = 512 * MiB;

/** How many connections that are full, at least, the budget of all must have room for. */
export const INFLIGHT_CONNECTIONS_MIN = 4;

/** Connections a broker serves at once. */
export const CONNECTIONS_MAX_DEFAULT = 10_000;

/** Connections over that limit that are told so at a time; those that come in such a flood are just closed. */
export const REFUSED_CONNECTIONS_MAX = 100;

/** Requests of one connection that may be unanswered before its socket is no longer read. */
export const CONNECTION_REQUESTS_MAX = 4096;

/**
 * Bytes of answers in memory that a connection may have unsent before it is no longer read; log data is not in memory.
 * One more answer is made at most: a client that asks for much and reads nothing costs about one answer.
 */
export const UNSENT_BYTES_MAX = 256 * KiB;

/**
 * Part of `--max-inflight-bytes` that requests may need beyond their own bytes, for what they are decoded to, for
 * records written on their behalf, and for long answers: while it is used up, no bulk request begins.
 */
export const CHARGED_SHARE_MAX = 1 / 8;

/** Milliseconds after which a connection that sends nothing and awaits nothing is closed. */
export const IDLE_TIMEOUT_MS_DEFAULT = 10 * 60_000;

/** Longest that a Fetch may wait for data, in milliseconds; a longer wait is cut to this. */
export const FETCH_WAIT_MS_MAX = 60_000;

/** Fetches that may wait for data at once, on all connections; each may have an equal share of them in any case. */
export const FETCH_WAITS_MAX = 100_000;

/** Longest topic name, in characters (Kafka's limit, so that a directory name always fits). */
export const TOPIC_NAME_LENGTH_MAX = 249;

/** Longest group name, in UTF-8 bytes. */
export const GROUP_NAME_BYTES_MAX = 249;

/** Longest reason of an offline partition in a description of its topic, in characters. */
export const OFFLINE_REASON_LENGTH_MAX = 500;

/** Partitions that one topic may have. */
export const PARTITIONS_MAX = 10_000;

/**
 * Partitions that one OffsetCommit or OffsetFetch may name: as many as the largest topic has. A commit is one record
 * batch, which with the longest names has less than 6 MB then.
 */
export const OFFSET_ENTRIES_MAX = PARTITIONS_MAX;

/** Producers that a partition remembers. When there is one more, it forgets the one that was quiet for longest. */
export const PRODUCERS_MAX = 10_000;

/**
 * Batches of a producer that a partition remembers, and so the number that a client may have in flight: Kafka's number
 * for both.
 */
export const PRODUCER_BATCHES_MAX = 5;

/** Items in one page of a list: ListGroups, ListTopics, DescribeGroup. */
export const PAGE_ITEMS_MAX = 10_000;

/** Settings that one CreateTopic may carry, repeated ones included. */
export const TOPIC_SETTINGS_MAX = 100;

/** Size at which a log segment is rolled, unless `--segment-bytes` or a topic setting says otherwise. */
export const SEGMENT_BYTES_DEFAULT = 256 * MiB;

/** Smallest segment size that can be asked for. */
export const SEGMENT_BYTES_MIN = KiB;

/** Largest segment size: index entries address a segment with 32 bits, of which Kafka reads 31. */
export const SEGMENT_BYTES_MAX = 2 ** 31 - 1;

/** Largest offset in a segment, counted from its first: index entries have 32 bits for it, of which Kafka reads 31. */
export const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

/** Age at which a non-empty log segment is rolled, in milliseconds (Kafka's default: 7 days). */
export const SEGMENT_MS_DEFAULT = 7 * 24 * 60 * 60_000;

/** Time between two looks for segments that retention has run out for, in milliseconds (Kafka's default). */
export const RETENTION_CHECK_MS = 5 * 60_000;

/** Bytes of log between two entries of the offset index (Kafka's `index.interval.bytes`). */
export const INDEX_INTERVAL_BYTES = 4 * KiB;

/**
 * Largest size that a batch may decompress to, in bytes: our producers limit a batch by its size before compression,
 * so one that fits a broker decompresses to this much.
 */
export const DECOMPRESSED_BYTES_MAX = BATCH_BYTES_HIGHEST;

/**
 * Largest response frame that a client takes, in bytes. A fetch returns at least one batch, even one that is over
 * today's limits of the broker; memory is allocated only as the bytes arrive.
 */
export const RESPONSE_BYTES_MAX = FRAME_BYTES_HIGHEST;

/** Longest wait that a client's option can ask for, in milliseconds: a day. */
export const CLIENT_WAIT_MS_MAX = 24 * 60 * 60_000;

/** Longest time that a timer can be set to, in milliseconds; a timer that is set to more fires at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Offsets, timestamps and sequence numbers on the wire are 64-bit; ours must be exact as numbers. */
export const OFFSET_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Throws unless a set of configured limits fits together: batch < frame ≤ connection < all connections, and neither
 * batch nor frame is over what readers take. The message names the flags to change. A segment needs no room for a
 * batch: a batch that is larger than `segmentBytes` gets a segment of its own.
 */
export function checkLimits(limits: {
  frameBytesMax: number;
  batchBytesMax: number;
  connectionBytesMax: number;
  inflightBytesMax: number;
  segmentBytes: number;
}): void {
  const { frameBytesMax, batchBytesMax, connectionBytesMax, inflightBytesMax } = limits;
  const { segmentBytes } = limits;
  if (batchBytesMax > BATCH_BYTES_HIGHEST) {
    throw new RangeError(
      `--max-batch-bytes ${batchBytesMax} is over ${BATCH_BYTES_HIGHEST}, the largest batch that clients can read`,
    );
  }
  if (frameBytesMax > FRAME_BYTES_HIGHEST) {
    throw new RangeError(
      `--max-frame-bytes ${frameBytesMax} is over ${FRAME_BYTES_HIGHEST}, the largest frame that clients can read`,
    );
  }
  if (batchBytesMax + FRAME_OVERHEAD_BYTES > frameBytesMax) {
    throw new RangeError(
      `a batch of --max-batch-bytes ${batchBytesMax} does not fit a frame of --max-frame-bytes ${frameBytesMax}: ` +
        `leave at least ${FRAME_OVERHEAD_BYTES} bytes between them`,
    );
  }
  if (frameBytesMax > connectionBytesMax) {
    throw new RangeError(
      `--max-frame-bytes ${frameBytesMax} is more than a connection may hold (--max-connection-bytes ${connectionBytesMax})`,
    );
  }
  if (connectionBytesMax * INFLIGHT_CONNECTIONS_MIN > inflightBytesMax) {
    throw new RangeError(
      `--max-inflight-bytes ${inflightBytesMax} is less than ${INFLIGHT_CONNECTIONS_MIN} connections may hold (--max-connection-bytes ${connectionBytesMax})`,
    );
  }
  if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes > SEGMENT_BYTES_MAX) {
    throw new RangeError(
      `--segment-bytes ${segmentBytes} is not between ${SEGMENT_BYTES_MIN} and ${SEGMENT_BYTES_MAX}`,
    );
  }
}
