// The maxima that clients, operators or several folders depend on, and the relations between them. A maximum that
// concerns one file is declared there. Broker flags may change those named "default".
// Leaves to others: enforcing them.

const KiB = 1024;
const MiB = 1024 * KiB;

/** Largest frame payload a broker accepts, in bytes, unless `--max-frame-bytes` says otherwise. */
export const FRAME_BYTES_MAX_DEFAULT = 10 * MiB;

/**
 * Largest payload of a request other than Produce, in bytes: enough for the maximum number of partitions with the
 * longest names. A larger one is rejected after its first bytes, and the rest is discarded.
 */
export const REQUEST_BYTES_MAX = 4 * MiB;

/** Items in all arrays of one Kafka request, because a decoded item takes time, and many times its bytes. */
export const REQUEST_ITEMS_MAX = 100_000;

/**
 * Memory of one Kafka request and its response beyond their own bytes. A short request can name the same group or topic
 * again and again, and each time is answered with all its partitions.
 */
export const CALL_BYTES_MAX = 128 * MiB;

/** Largest record batch a broker accepts, in bytes, unless `--max-batch-bytes` says otherwise. */
export const BATCH_BYTES_MAX_DEFAULT = 8 * MiB;

/** Bytes that a frame of a Produce request or Fetch response may need in addition to the batches. */
export const FRAME_OVERHEAD_BYTES = KiB;

/**
 * Highest `--max-frame-bytes`. Everything that takes frames or batches from elsewhere (clients, recovery, the tools)
 * derives its limit from this one, because anything that a broker once accepted must stay readable. It can't be
 * lowered: every release has allowed 1 GiB, so a data directory may hold a batch of that size.
 */
export const FRAME_BYTES_HIGHEST = 1024 * MiB;

/** Highest `--max-batch-bytes`: the largest batch that a broker has ever accepted. */
export const BATCH_BYTES_HIGHEST = FRAME_BYTES_HIGHEST - FRAME_OVERHEAD_BYTES;

/** Unanswered request bytes plus unsent response bytes beyond which a socket is not read. */
export const CONNECTION_BYTES_MAX_DEFAULT = 32 * MiB;

/**
 * Bytes that requests and responses of all connections may keep in memory, unless `--max-inflight-bytes` says
 * otherwise.
 */
export const INFLIGHT_BYTES_MAX_DEFAULT = 512 * MiB;

/** The budget of all connections must have room for at least this many full ones. */
const INFLIGHT_CONNECTIONS_MIN = 4;

export const CONNECTIONS_MAX_DEFAULT = 10_000;

/** Connections from one address, and of one user: as many as there may be. Kafka's default for the first. */
export const CONNECTIONS_PER_IP_MAX_DEFAULT = 2 ** 31 - 1;
export const CONNECTIONS_PER_USER_MAX_DEFAULT = 2 ** 31 - 1;

/** Quotas: all are in memory, and in one file that each change replaces. */
export const QUOTAS_MAX = 10_000;

/** Connections over that limit that get an error at the same time; the rest of a flood is just closed. */
export const REFUSED_CONNECTIONS_MAX = 100;

/** Length beyond which the id, the software name or the version of a client is cut. */
export const CLIENT_TEXT_LENGTH_MAX = 100;

/** Unanswered requests of a connection beyond which its socket is not read. */
export const CONNECTION_REQUESTS_MAX = 4096;

/**
 * Unsent response bytes in memory beyond which a connection is not read; log data is not in memory. At most one more
 * response is made, so a client that requests much and reads nothing costs about one response.
 */
export const UNSENT_BYTES_MAX = 256 * KiB;

/**
 * Part of `--max-inflight-bytes` that requests may need beyond their own bytes: for their decoded form, for records
 * written on their behalf, and for long responses. While it is used up, no bulk request starts.
 */
export const CHARGED_SHARE_MAX = 1 / 8;

/** Time in which a client must have logged in, if it has to, in milliseconds. */
export const LOGIN_TIMEOUT_MS = 30_000;

/** Milliseconds after which a connection that sends nothing and waits for nothing is closed. */
export const IDLE_TIMEOUT_MS_DEFAULT = 10 * 60_000;

/** Maximum time that a Fetch may wait for data, in milliseconds; longer waits are shortened to it. */
export const FETCH_WAIT_MS_MAX = 60_000;

/** Fetches that may wait for data, over all connections; each connection is guaranteed an equal share. */
export const FETCH_WAITS_MAX = 100_000;

/** Longest topic name, in characters (Kafka's limit, so that a directory name always fits). */
export const TOPIC_NAME_LENGTH_MAX = 249;

export const GROUP_NAME_BYTES_MAX = 249;

export const USER_NAME_BYTES_MAX = 249;

/** Users with passwords, and rules: both are in memory, and in one file that each change replaces. */
export const USERS_MAX = 10_000;
export const ACLS_MAX = 100_000;

/** Passwords in one AlterUserScramCredentials, because the keys of each take time. */
export const CREDENTIALS_CHANGED_MAX = 1_000;

/** Rules in one AlterAcls, of each kind, and in one CreateAcls or DeleteAcls. */
export const ACLS_CHANGED_MAX = 10_000;

/** Topics that a member of a group may name or read. */
export const MEMBER_TOPICS_MAX = 10_000;

/** Members that a group may have. */
export const GROUP_MEMBERS_MAX = 10_000;

/** Protocols that a member of a classic group may offer: its assignors, of which clients have at most a few. */
export const MEMBER_PROTOCOLS_MAX = 100;

/** Groups that may have members at the same time. */
export const GROUPS_WITH_MEMBERS_MAX = 100_000;

/**
 * What the members of a group may say about themselves, in bytes: names, and subscriptions in the format of each protocol.
 * The leader of a classic group gets most of it in one response, and its record has it together with the assignment.
 */
export const GROUP_METADATA_BYTES_MAX = 4 * MiB;

/** Memory of all groups with members, and of their members, subscriptions and assignments. */
export const GROUPS_MEMORY_BYTES_MAX = 256 * MiB;

/** Shortest session timeout of a member, in milliseconds (Kafka's default). */
export const SESSION_TIMEOUT_MS_MIN = 6_000;

/** Longest session timeout of a member, in milliseconds (Kafka's default: 30 minutes). */
export const SESSION_TIMEOUT_MS_MAX = 30 * 60_000;

/** A member of a consumer group that is silent for so long is removed, in milliseconds (Kafka's default). */
export const CONSUMER_SESSION_TIMEOUT_MS = 45_000;

/** How often a member of a consumer group should be heard of, in milliseconds (Kafka's default). */
export const CONSUMER_HEARTBEAT_INTERVAL_MS = 5_000;

/** Longest time that a rebalance waits for a member, in milliseconds; a longer one is shortened to it: a day. */
export const REBALANCE_TIMEOUT_MS_MAX = 24 * 60 * 60_000;

/**
 * Time that an empty group waits for more members before its first generation, in milliseconds, unless
 * `--group-initial-rebalance-delay` says otherwise. Kafka waits 3 s, which on a laptop is mostly in the way.
 */
export const GROUP_INITIAL_REBALANCE_DELAY_MS_DEFAULT = 50;

/** Longest reason of an offline partition in a description of its topic, in characters. */
export const OFFLINE_REASON_LENGTH_MAX = 500;

export const PARTITIONS_MAX = 10_000;

/** The same for a Produce or a Fetch, which begins in one piece: every partition there can be, each in a topic of its own. */
export const POSITION_ITEMS_MAX = 2 * PARTITIONS_MAX;

/**
 * Partitions that one OffsetCommit, OffsetFetch, OffsetDelete or DeleteRecords may name: as many as the largest topic has. A commit is one record
 * batch, which stays below 6 MB even with the longest names.
 */
export const OFFSET_ENTRIES_MAX = PARTITIONS_MAX;

/** Memory of all committed offsets, beyond which only those that there are can be committed again. */
export const OFFSETS_MEMORY_BYTES_MAX = 1024 * MiB;

/** How long unused committed offsets are kept, in milliseconds: 7 days, as in Kafka. */
export const OFFSETS_RETENTION_MS_DEFAULT = 7 * 86_400_000;

/** Longest time between two searches for unused committed offsets, in milliseconds (Kafka's default). */
export const OFFSETS_RETENTION_CHECK_MS = 10 * 60_000;

/** Longest metadata of a committed offset, in units of UTF-16; Kafka's default. */
export const OFFSET_METADATA_LENGTH_MAX = 4096;

/** Producers that a partition remembers. One more evicts the producer that has been idle longest. */
export const PRODUCERS_MAX = 10_000;

/**
 * Batches per producer that a partition remembers, which is also how many a client may have in flight. Kafka's number
 * for both.
 */
export const PRODUCER_BATCHES_MAX = 5;

/** Largest body of an HTTP request, in bytes. */
export const HTTP_BODY_BYTES_MAX = MiB;

/** Values that a search of the page decodes, to ignore case or to read them as JSON, have at most this size. */
export const SEARCHED_TEXT_BYTES_MAX = MiB;
export const SEARCHED_JSON_BYTES_MAX = 128 * KiB;

/** Fields of JSON that a list of the page shows. */
export const SHOWN_FIELDS_MAX = 6;

/** Conditions of a search of the page. */
export const SEARCH_CONDITIONS_MAX = 4;

/** Items in one page of a list: ListGroups, ListTopics, DescribeGroup. */
export const PAGE_ITEMS_MAX = 10_000;

/** Length of a setting's value, which a Kafka client could not read if it were longer. */
export const SETTING_LENGTH_MAX = 32_767;

/** Settings in one CreateTopic, or set and deleted in one AlterTopic, including repeated ones. */
export const TOPIC_SETTINGS_MAX = 100;

/** Size at which a log segment is rolled, unless `--segment-bytes` or a topic setting says otherwise. */
export const SEGMENT_BYTES_DEFAULT = 256 * MiB;

/** Smallest segment size that can be configured. */
export const SEGMENT_BYTES_MIN = KiB;

/** Largest segment size: index entries address a segment with 32 bits, of which Kafka reads 31. */
export const SEGMENT_BYTES_MAX = 2 ** 31 - 1;

/** Largest offset in a segment, relative to its first: index entries have 32 bits for it, of which Kafka reads 31. */
export const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

/** Age at which a non-empty log segment is rolled, in milliseconds (Kafka's default: 7 days). */
export const SEGMENT_MS_DEFAULT = 7 * 24 * 60 * 60_000;

/** Time between two retention passes, in milliseconds (Kafka's default). */
export const RETENTION_CHECK_MS = 5 * 60_000;

/** Time between two searches for logs to compact, in milliseconds (Kafka's default). */
export const COMPACTION_CHECK_MS = 15_000;

/** Memory for the keys of a log that is compacted, in bytes (Kafka's default). */
export const COMPACTION_MEMORY_DEFAULT = 128 * MiB;

/** The least for `--compaction-memory`, and the most: one array has room for it. */
export const COMPACTION_MEMORY_MIN = MiB;
export const COMPACTION_MEMORY_MAX = 1024 * MiB;

/** Bytes of log between two entries of the offset index (Kafka's `index.interval.bytes`). */
export const INDEX_INTERVAL_BYTES = 4 * KiB;

/**
 * Largest size a batch may decompress to, in bytes. Our producers limit a batch by its size before compression, so a
 * batch that fits the broker decompresses to at most this.
 */
export const DECOMPRESSED_BYTES_MAX = BATCH_BYTES_HIGHEST;

/**
 * Largest size a batch may decompress to for the broker to find a record in it, in bytes. A batch of Kafka's Java client,
 * which counts its bytes after compression, has 1 MB by default.
 */
export const SEARCHED_BYTES_MAX = 64 * MiB;

/**
 * Largest response frame that a client accepts, in bytes. A fetch returns at least one batch, even one above the
 * broker's current limits; memory is allocated only as the bytes arrive.
 */
export const RESPONSE_BYTES_MAX = FRAME_BYTES_HIGHEST;

/** Longest wait that a client option accepts, in milliseconds: a day. */
export const CLIENT_WAIT_MS_MAX = 24 * 60 * 60_000;

/** Longest delay of a timer, in milliseconds; a timer with a longer delay fires immediately. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Offsets, timestamps and sequence numbers are 64-bit on the wire; ours must be safe integers. */
export const OFFSET_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Throws unless the configured limits fit together: batch < frame ≤ connection < all connections, with batch and frame
 * no larger than readers accept. The message names the flags to change. `segmentBytes` may be less than a batch: a
 * larger batch gets its own segment.
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
