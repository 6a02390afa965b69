// CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords.
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  string,
  throttleTimeMs,
  uuid,
} from "./schema.js";

export const CreateTopics = api({
  key: 19,
  versions: [2, 7],
  flexibleSince: 5,
  request: {
    topics: array({
      name: string(),
      /** -1 for the broker's default, or with assignments. */
      numPartitions: int32(),
      /** -1 for the broker's default, or with assignments. */
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: string({ nullable: 0 }) }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7 }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      /** Why the configs can't be described, while the topic was created. */
      topicConfigErrorCode: int16({ since: 5, tag: 0 }),
      numPartitions: int32({ since: 5, absent: -1 }),
      replicationFactor: int16({ since: 5, absent: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: 5 }),
          readOnly: bool(),
          configSource: int8(),
          isSensitive: bool(),
        },
        { since: 5, nullable: 5 },
      ),
    }),
  },
});

export const DeleteTopics = api({
  key: 20,
  versions: [1, 6],
  flexibleSince: 4,
  request: {
    /** Each by name or by id. */
    topics: array({ name: string({ nullable: 6 }), topicId: uuid() }, { since: 6 }),
    topicNames: array(string(), { until: 5 }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    responses: array({
      name: string({ nullable: 6 }),
      topicId: uuid({ since: 6 }),
      errorCode: int16(),
      errorMessage: string({ since: 5, nullable: 5, absent: null }),
    }),
  },
});

export const CreatePartitions = api({
  key: 37,
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    topics: array({
      name: string(),
      /** The number of partitions afterwards. */
      count: int32(),
      /** Brokers of the new partitions only. */
      assignments: array({ brokerIds: array(int32()) }, { nullable: 0 }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
    }),
  },
});

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
