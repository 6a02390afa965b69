// DescribeCluster, DescribeLogDirs, and what moves leaders and replicas, of which a cluster of one has nothing to move.
// Leaves to others: sizes (services/log-directory.ts).
import type { ServiceContext } from "../../../services/context.js";
import { partitionSizes } from "../../../services/log-directory.js";
import { isPermittedOnCluster } from "../../../services/permissions.js";
import { type PartitionState, partitionState, topicLayouts } from "../../../services/topics.js";
import {
  type AlterPartitionReassignments,
  type DescribeCluster,
  type DescribeLogDirs,
  ELECTION,
  type ElectLeaders,
  ENDPOINT,
  type ListPartitionReassignments,
} from "../cluster.js";
import { CODE } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { Portions } from "./portions.js";
import { authorizedOperations } from "./authorized-operations.js";
import { clusterId, NODE_ID } from "./cluster-of-one.js";

const REFUSED = CODE.CLUSTER_AUTHORIZATION_FAILED;
const REFUSAL = "Cluster authorization failed.";

/** Memory of a described partition, approximately. */
const PARTITION_BYTES = 150;

export function describeCluster(
  context: ServiceContext,
  { endpointType, includeClusterAuthorizedOperations }: RequestOf<typeof DescribeCluster>,
  { connection }: Call,
): ResponseOf<typeof DescribeCluster> {
  const errorCode = endpointFault(endpointType);
  if (errorCode !== CODE.NONE) {
    const errorMessage =
      errorCode === CODE.MISMATCHED_ENDPOINT_TYPE
        ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
        : `Unsupported endpoint type ${endpointType}`;
    return {
      ...{ errorCode, errorMessage, endpointType: ENDPOINT.broker },
      ...{ clusterId: "", controllerId: -1, brokers: [] },
    };
  }
  return {
    ...{ errorCode, errorMessage: null, endpointType: ENDPOINT.broker },
    ...{ clusterId: clusterId(context), controllerId: NODE_ID },
    brokers: [{ brokerId: NODE_ID, ...connection.advertised, rack: null, isFenced: false }],
    ...(includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: authorizedOperations(context, "CLUSTER") }
      : {}),
  };
}

function endpointFault(type: number): number {
  if (type === ENDPOINT.broker) return CODE.NONE;
  return type === ENDPOINT.controller
    ? CODE.MISMATCHED_ENDPOINT_TYPE
    : CODE.UNSUPPORTED_ENDPOINT_TYPE;
}

type LogDirTopic = ResponseOf<typeof DescribeLogDirs>["results"][number]["topics"][number];
type LogDirPartition = LogDirTopic["partitions"][number];

export async function describeLogDirs(
  context: ServiceContext,
  request: RequestOf<typeof DescribeLogDirs>,
  call: Call,
): Promise<ResponseOf<typeof DescribeLogDirs>> {
  if (!isPermittedOnCluster(context, "DESCRIBE")) {
    return { errorCode: REFUSED, results: [] };
  }
  const topics: { name: string; partitions: LogDirPartition[] }[] = [];
  const portions = new Portions(call.connection.turns);
  for (const { topic, partition, bytes } of partitionSizes(context, askedFor(request))) {
    if (topics.at(-1)?.name !== topic) topics.push({ name: topic, partitions: [] });
    const size = { partitionIndex: partition, partitionSize: bytes };
    topics.at(-1)?.partitions.push({ ...size, offsetLag: 0, isFutureKey: false });
    call.charge(PARTITION_BYTES);
    await portions.next();
  }
  const { path, space } = context.logDirectory;
  const { totalBytes, usableBytes } = await space();
  const directory = { errorCode: CODE.NONE, logDir: path, topics, isCordoned: false };
  return { errorCode: CODE.NONE, results: [{ ...directory, totalBytes, usableBytes }] };
}

function askedFor({
  topics,
}: RequestOf<typeof DescribeLogDirs>): ReadonlyMap<string, ReadonlySet<number>> | undefined {
  if (topics === null) return undefined;
  const asked = new Map<string, Set<number>>();
  for (const { topic, partitions } of topics) {
    const indexes = asked.get(topic) ?? new Set();
    for (const index of partitions) indexes.add(index);
    asked.set(topic, indexes);
  }
  return asked;
}

interface Fault {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Every partition has the leader that it can have. */
export async function electLeaders(
  context: ServiceContext,
  { electionType, topicPartitions }: RequestOf<typeof ElectLeaders>,
  { connection }: Call,
): Promise<ResponseOf<typeof ElectLeaders>> {
  const isKnown = electionType === ELECTION.preferred || electionType === ELECTION.unclean;
  const isAllowed = isPermittedOnCluster(context, "ALTER");
  const errorCode = !isAllowed ? REFUSED : isKnown ? CODE.NONE : CODE.INVALID_REQUEST;
  if (topicPartitions === null) {
    if (!isAllowed) return { errorCode, replicaElectionResults: [] };
    const all = [...topicLayouts(context)].map(({ name }) => ({
      topic: name,
      partitionResult: [],
    }));
    return { errorCode, replicaElectionResults: all };
  }
  const portions = new Portions(connection.turns);
  const results: ResponseOf<typeof ElectLeaders>["replicaElectionResults"][number][] = [];
  for (const { topic, partitions } of topicPartitions) {
    const partitionResult: ({ readonly partitionId: number } & Fault)[] = [];
    for (const partitionId of partitions) {
      const fault = !isAllowed
        ? { errorCode, errorMessage: REFUSAL }
        : isKnown
          ? electionFault(partitionState(context, topic, partitionId), topic, partitionId)
          : { errorCode, errorMessage: `Unknown election type ${electionType}` };
      partitionResult.push({ partitionId, ...fault });
      await portions.next();
    }
    results.push({ topic, partitionResult });
    await portions.next();
  }
  return { errorCode, replicaElectionResults: results };
}

function electionFault(state: PartitionState, topic: string, partition: number): Fault {
  const unknown = CODE.UNKNOWN_TOPIC_OR_PARTITION;
  switch (state) {
    case "no topic":
      return { errorCode: unknown, errorMessage: `No such topic as ${shown(topic)}` };
    case "no partition":
      return { errorCode: unknown, errorMessage: `No such partition as ${topic}-${partition}` };
    case "offline": {
      const errorMessage = `${topic}-${partition} is offline`;
      return { errorCode: CODE.ELIGIBLE_LEADERS_NOT_AVAILABLE, errorMessage };
    }
    case "online": {
      const errorMessage = "Leader election not needed for topic partition.";
      return { errorCode: CODE.ELECTION_NOT_NEEDED, errorMessage };
    }
  }
}

/** Accepts the assignment that each partition has, and refuses any other. */
export async function alterPartitionReassignments(
  context: ServiceContext,
  { allowReplicationFactorChange, topics }: RequestOf<typeof AlterPartitionReassignments>,
  { connection }: Call,
): Promise<ResponseOf<typeof AlterPartitionReassignments>> {
  if (!isPermittedOnCluster(context, "ALTER")) {
    return {
      ...{ allowReplicationFactorChange, errorCode: REFUSED, errorMessage: REFUSAL },
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          ...{ partitionIndex, errorCode: REFUSED, errorMessage: REFUSAL },
        })),
      })),
    };
  }
  const portions = new Portions(connection.turns);
  const responses: ResponseOf<typeof AlterPartitionReassignments>["responses"][number][] = [];
  for (const { name, partitions } of topics) {
    const rows: ({ readonly partitionIndex: number } & Fault)[] = [];
    for (const { partitionIndex, replicas } of partitions) {
      const state = partitionState(context, name, partitionIndex);
      rows.push({ partitionIndex, ...assignmentFault(state, name, partitionIndex, replicas) });
      await portions.next();
    }
    responses.push({ name, partitions: rows });
    await portions.next();
  }
  return { allowReplicationFactorChange, errorCode: CODE.NONE, errorMessage: null, responses };
}

function assignmentFault(
  state: PartitionState,
  topic: string,
  partition: number,
  replicas: readonly number[] | null,
): Fault {
  if (state === "no topic" || state === "no partition") {
    const errorMessage =
      state === "no topic"
        ? `Unable to find a topic named ${shown(topic)}.`
        : `Unable to find partition ${topic}:${partition}.`;
    return { errorCode: CODE.UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
  }
  if (replicas === null) return { errorCode: CODE.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null };
  const why = replicasFault(replicas);
  if (why === undefined) return { errorCode: CODE.NONE, errorMessage: null };
  const errorMessage = `The manual partition assignment includes ${why}`;
  return { errorCode: CODE.INVALID_REPLICA_ASSIGNMENT, errorMessage };
}

function replicasFault(replicas: readonly number[]): string | undefined {
  if (replicas.length === 0) return "an empty replica list.";
  const other = replicas.find((id) => id !== NODE_ID);
  if (other !== undefined) return `broker ${other}, but no such broker is registered.`;
  return replicas.length > 1 ? `the broker ${NODE_ID} more than once.` : undefined;
}

/** Nothing is ever being moved. */
export function listPartitionReassignments(
  context: ServiceContext,
  _request: RequestOf<typeof ListPartitionReassignments>,
): ResponseOf<typeof ListPartitionReassignments> {
  if (!isPermittedOnCluster(context, "DESCRIBE")) {
    return { errorCode: REFUSED, errorMessage: REFUSAL, topics: [] };
  }
  return { errorCode: CODE.NONE, errorMessage: null, topics: [] };
}

/** A client's text for a message. */
function shown(text: string): string {
  return text.slice(0, 100);
}
