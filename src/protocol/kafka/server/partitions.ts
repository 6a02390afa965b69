// DescribeTopicPartitions and DescribeProducers.
// Leaves to others: topics (services/topics.ts) and producers (services/producers.ts).
import { RustLogError } from "../../../errors.js";
import { ZERO_UUID } from "../../../record/bytes.js";
import type { ServiceContext } from "../../../services/context.js";
import { activeProducers } from "../../../services/producers.js";
import { layoutByName, type TopicLayout, topicLayouts } from "../../../services/topics.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { DescribeProducers, DescribeTopicPartitions } from "../partitions.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { authorizedOperations } from "./authorized-operations.js";
import { partitionRow } from "./cluster-of-one.js";
import { Portions } from "./portions.js";

type PartitionsRequest = RequestOf<typeof DescribeTopicPartitions>;
type PartitionsResponse = ResponseOf<typeof DescribeTopicPartitions>;
type TopicRow = PartitionsResponse["topics"][number];

/** Most partitions in a response, as in Kafka. */
const RESPONSE_PARTITIONS_MAX = 2_000;

/** What a topic costs besides its partitions, in described partitions. */
const TOPIC_COST = 10;

/** Describes topics by name, from the cursor on, until the response has as many partitions as it may. */
export async function describeTopicPartitions(
  context: ServiceContext,
  request: PartitionsRequest,
  { connection }: Call,
): Promise<PartitionsResponse> {
  const { responsePartitionLimit, cursor } = request;
  const names = [...new Set(request.topics.map(({ name }) => name))].sort();
  const isCursorAsked = names.length === 0 || cursor === null || names.includes(cursor.topicName);
  if (!isCursorAsked || (cursor?.partitionIndex ?? 0) < 0) {
    return {
      topics: names.map((name) => errorRow(context, CODE.INVALID_REQUEST, name)),
      nextCursor: null,
    };
  }
  const first = cursor?.topicName ?? "";
  const topics: TopicRow[] = [];
  const portions = new Portions(connection.turns);
  let left = Math.min(Math.max(responsePartitionLimit, 1), RESPONSE_PARTITIONS_MAX);
  for (const name of names.length > 0 ? names : topicNames(context)) {
    if (name < first) continue;
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } };
    const found = await layoutOrError(context, name);
    if ("errorCode" in found) topics.push(found);
    else {
      const from = cursor !== null && name === first ? cursor.partitionIndex : 0;
      const row = topicRow(context, found, from, left);
      topics.push(row);
      left -= row.partitions.length;
      const next = from + row.partitions.length;
      if (next < found.online.length) {
        return { topics, nextCursor: { topicName: name, partitionIndex: next } };
      }
    }
    await portions.next(TOPIC_COST + (topics.at(-1)?.partitions.length ?? 0));
  }
  return { topics, nextCursor: null };
}

function* topicNames(context: ServiceContext): Generator<string, void> {
  for (const { name } of topicLayouts(context)) yield name;
}

async function layoutOrError(
  context: ServiceContext,
  name: string,
): Promise<TopicLayout | TopicRow> {
  try {
    return await layoutByName(context, name, false);
  } catch (error) {
    if (error instanceof RustLogError) return errorRow(context, kafkaCode(error), name);
    throw error;
  }
}

function errorRow(context: ServiceContext, errorCode: number, name: string): TopicRow {
  const operations =
    errorCode === CODE.UNKNOWN_TOPIC_OR_PARTITION
      ? { topicAuthorizedOperations: authorizedOperations(context, "TOPIC", name) }
      : {};
  return { errorCode, name, topicId: ZERO_UUID, isInternal: false, partitions: [], ...operations };
}

/** At most `limit` partitions of a topic. */
function topicRow(
  context: ServiceContext,
  { name, topicId, internal, online }: TopicLayout,
  from: number,
  limit: number,
): TopicRow {
  const partitions = online.slice(from, from + limit).map((isOnline, i) => ({
    ...partitionRow(isOnline, from + i),
    ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
  }));
  return {
    ...{ errorCode: CODE.NONE, name, topicId, isInternal: internal, partitions },
    topicAuthorizedOperations: authorizedOperations(context, "TOPIC", name),
  };
}

type ProducersResponse = ResponseOf<typeof DescribeProducers>;
type ProducersRow = ProducersResponse["topics"][number]["partitions"][number];

/** Memory of a described producer, approximately. */
const PRODUCER_BYTES = 250;

export async function describeProducers(
  context: ServiceContext,
  request: RequestOf<typeof DescribeProducers>,
  call: Call,
): Promise<ProducersResponse> {
  const topics: { name: string; partitions: ProducersRow[] }[] = [];
  const asked = new Set<string>();
  for (const { name, partitionIndexes } of request.topics) {
    const partitions: ProducersRow[] = [];
    for (const partition of partitionIndexes) {
      // Only once, because a small request could ask for many producers many times.
      const isRepeated = asked.has(`${name}/${partition}`);
      asked.add(`${name}/${partition}`);
      const row = isRepeated ? repeatedRow(partition) : producersRow(context, name, partition);
      partitions.push(row);
      call.charge(row.activeProducers.length * PRODUCER_BYTES);
      await call.connection.turns.nextPortion();
    }
    topics.push({ name, partitions });
  }
  return { topics };
}

function repeatedRow(partitionIndex: number): ProducersRow {
  const errorMessage = "Each partition must appear at most once.";
  const errorCode = CODE.INVALID_REQUEST;
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}

function producersRow(context: ServiceContext, topic: string, partition: number): ProducersRow {
  try {
    const producers = activeProducers(context, topic, partition).map((producer) => ({
      ...{ producerId: producer.id, producerEpoch: producer.epoch },
      ...{ lastSequence: producer.lastSequence, lastTimestamp: producer.lastTimestamp },
      // Not transactional.
      ...{ coordinatorEpoch: -1, currentTxnStartOffset: -1 },
    }));
    return {
      ...{ partitionIndex: partition, errorCode: CODE.NONE, errorMessage: null },
      activeProducers: producers,
    };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return {
      ...{ partitionIndex: partition, errorCode: kafkaCode(error), activeProducers: [] },
      errorMessage: error.message.slice(0, 1_000),
    };
  }
}
