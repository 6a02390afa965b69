// The APIs that this broker serves. A row here, its table, and a handler (server/router.ts) make an API; ApiVersions
// and docs/KAFKA.md follow.
import {
  AlterClientQuotas,
  AlterUserScramCredentials,
  CreateAcls,
  DeleteAcls,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeUserScramCredentials,
} from "./access.js";
import { ApiVersions } from "./api-versions.js";
import { OffsetCommit, OffsetDelete, OffsetFetch } from "./committed-offsets.js";
import { Fetch } from "./fetch.js";
import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  SyncGroup,
} from "./groups.js";
import { Metadata } from "./metadata.js";
import { Produce } from "./produce.js";
import { ListOffsets, OffsetForLeaderEpoch } from "./offsets.js";
import { InitProducerId } from "./producers.js";
import {
  AlterPartitionReassignments,
  DescribeCluster,
  DescribeLogDirs,
  ElectLeaders,
  ListPartitionReassignments,
} from "./cluster.js";
import { ConsumerGroupDescribe, ConsumerGroupHeartbeat } from "./consumer-groups.js";
import { AlterConfigs, DescribeConfigs, IncrementalAlterConfigs } from "./configs.js";
import { DescribeProducers, DescribeTopicPartitions } from "./partitions.js";
import { SaslAuthenticate, SaslHandshake } from "./sasl.js";
import { CreatePartitions, CreateTopics, DeleteRecords, DeleteTopics } from "./topics.js";

/** By name, in the order of their keys. */
export const KAFKA_APIS = {
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  SaslHandshake,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeAcls,
  CreateAcls,
  DeleteAcls,
  DescribeConfigs,
  AlterConfigs,
  DescribeLogDirs,
  SaslAuthenticate,
  CreatePartitions,
  DeleteGroups,
  ElectLeaders,
  IncrementalAlterConfigs,
  AlterPartitionReassignments,
  ListPartitionReassignments,
  OffsetDelete,
  DescribeClientQuotas,
  AlterClientQuotas,
  DescribeUserScramCredentials,
  AlterUserScramCredentials,
  DescribeCluster,
  DescribeProducers,
  ConsumerGroupHeartbeat,
  ConsumerGroupDescribe,
  DescribeTopicPartitions,
} as const;

export type KafkaApiName = keyof typeof KAFKA_APIS;

export const KAFKA_API_NAMES = Object.keys(KAFKA_APIS) as KafkaApiName[];

const NAME_BY_KEY = new Map(KAFKA_API_NAMES.map((name) => [KAFKA_APIS[name].key, name]));

/** The name of a served API by key, or undefined. */
export function kafkaApiName(key: number): KafkaApiName | undefined {
  return NAME_BY_KEY.get(key);
}
