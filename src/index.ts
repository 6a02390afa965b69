// The library: everything a program needs to use a broker, or to run one in its own process.

export { Broker } from "./broker/broker.ts";
export type { BrokerOptions } from "./broker/options.ts";
export { Admin } from "./client/admin.ts";
export type {
  BrokerInfo,
  CommittedOffset,
  CreateTopicOptions,
  GroupListing,
  GroupOffset,
  PartitionDescription,
  PartitionOffset,
  TopicDescription,
  TopicListing,
  TopicPartition,
} from "./client/admin-types.ts";
export { Client, type ConnectOptions, connect } from "./client/client.ts";
export { Consumer, type ConsumerOptions } from "./client/consumer.ts";
export type { OffsetSpecs } from "./client/consumer-plan.ts";
export { type DamagedPolicy, DamagedRecordsError } from "./client/damage.ts";
export { type ConsumedRecord, FetchedRecords } from "./client/fetched-records.ts";
export type { OutOfRangePolicy } from "./client/fetcher.ts";
export type { OffsetSpec } from "./client/offset-spec.ts";
export {
  type AcknowledgedBatch,
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
} from "./client/producer.ts";
export type { PartitionStats, ProducerStats } from "./client/producer-stats.ts";
export { TopicChangedError } from "./client/topic-change.ts";
export { ERRORS, type ErrorKind, type ErrorName, RustLogError } from "./errors.ts";
export type { WritableCodec } from "./record/compression.ts";
export { RecordCursor } from "./record/cursor.ts";
export type { ProducerHeader, RecordHeader } from "./record/encoder.ts";
