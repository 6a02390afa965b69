// ListOffsets and OffsetForLeaderEpoch: offsets of a log by time, and by the epoch of its leader.
import { api, array, int16, int32, int64, int8, string, throttleTimeMs } from "./schema.js";

/** For an epoch that is not known or does not matter, an offset and a timestamp that do not exist. */
export const NONE = -1;

export const ListOffsets = api({
  key: 2,
  versions: [1, 11],
  flexibleSince: 6,
  request: {
    replicaId: int32(),
    isolationLevel: int8({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ since: 4, absent: NONE }),
        /** Milliseconds since the epoch, or a negative number with a meaning of its own. */
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ since: 10 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(2),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64(),
        offset: int64(),
        leaderEpoch: int32({ since: 4 }),
      }),
    }),
  },
});

export const OffsetForLeaderEpoch = api({
  key: 23,
  versions: [2, 4],
  flexibleSince: 4,
  request: {
    replicaId: int32({ since: 3, absent: -2 }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ absent: NONE }),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32(),
        endOffset: int64(),
      }),
    }),
  },
});
