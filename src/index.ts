// The library: everything a program needs to use a broker, or to run one in its own process.

export { Broker } from "./broker/broker.js";
export type { BrokerOptions } from "./broker/options.js";
export { Admin } from "./client/admin.js";
export type {
  Acl,
  AclFilter,
  Quota,
  QuotaChange,
  QuotaEntity,
  QuotaKey,
  AlteredTopic,
  AlterTopicOptions,
  BrokerInfo,
  CommitResult,
  CommittedOffset,
  CompactedPartition,
  CompactOptions,
  CreateTopicOptions,
  DeletedOffset,
  EffectiveSetting,
  GroupListing,
  GroupMember,
  GroupOffset,
  GroupState,
  PartitionDescription,
  PartitionOffset,
  RecordsToDelete,
  TopicDescription,
  TopicListing,
  TopicPartition,
  TrimmedPartition,
  UserListing,
  UserOptions,
} from "./client/admin-types.js";
export type { SignalOptions } from "./client/abort.js";
export { BalancedConsumer } from "./client/balanced-consumer.js";
export type { BalancedConsumerOptions, RevocationReason } from "./client/balanced-options.js";
export { Client, type ClientEvents, type ConnectOptions, connect } from "./client/client.js";
export { Consumer } from "./client/consumer.js";
export type { ConsumerEvents } from "./client/consumer-events.js";
export type { ConsumerOptions, FetchOptions } from "./client/consumer-options.js";
export type { OffsetSpecs, OutOfRangePolicy } from "./client/consumer-plan.js";
export type { ConsumerStats, PartitionProgress } from "./client/consumer-stats.js";
export { type DamagedPolicy, DamagedRecordsError } from "./client/damage.js";
export type { Listener } from "./client/events.js";
export { type ConsumedRecord, FetchedRecords } from "./client/fetched-records.js";
export { headersObject, type HeadersObject } from "./client/headers-object.js";
export type { PasswordOptions, SaslOptions, TokenOptions } from "./client/login.js";
export type { TlsOptions } from "./client/tls.js";
export type { OffsetSpec } from "./offset-place.js";
export type { PartitionConsumer } from "./client/partition-consumer.js";
export {
  type AcknowledgedBatch,
  type FailedBatch,
  Producer,
  type ProducerEvents,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
} from "./client/producer.js";
export type { PartitionStats, ProducerStats } from "./client/producer-stats.js";
export type {
  BatchHandler,
  ConsumedBatch,
  HandlerContext,
  LoopOptions,
  MessageHandler,
} from "./client/record-loop.js";
export {
  type Deserializer,
  type Deserializers,
  jsonDeserializer,
  jsonSerializer,
  type RecordData,
  type Serializer,
  type Serializers,
  stringDeserializer,
} from "./client/serialization.js";
export { TopicChangedError } from "./client/topic-change.js";
export { ERRORS, type ErrorKind, type ErrorName, RustLogError } from "./errors.js";
export type { Codec } from "./record/batch.js";
export { RecordCursor } from "./record/cursor.js";
export type { ProducerHeader, RecordHeader } from "./record/encoder.js";
