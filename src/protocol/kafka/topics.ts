// CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords.
import { api, array, int16, int32, int64, string, throttleTimeMs } from "./schema.js";

export const DeleteRecords = api({
  key: 21,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** Offset of the first record to keep; -1 for the high watermark. */
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The log start offset, or -1 with an error. */
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
});
