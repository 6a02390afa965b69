// Metadata: this broker as a cluster of one, and the partitions of topics.
// Leaves to others: the topics (services/topics.ts).
import { RustLogError } from "../../../errors.js";
import { ZERO_UUID } from "../../../record/bytes.js";
import * as services from "../../../services/topics.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { Metadata } from "../metadata.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import type { ServiceContext } from "../../../services/context.js";
import { authorizedOperations } from "./authorized-operations.js";
import { clusterId, NODE_ID, partitionRow } from "./cluster-of-one.js";

type Request = RequestOf<typeof Metadata>;
type Response = ResponseOf<typeof Metadata>;
type TopicRow = Response["topics"][number];
type Asked = NonNullable<Request["topics"]>[number];

/** Partitions described before other requests get a turn. */
const PORTION_PARTITIONS = 2_000;

/** Memory of a described partition, approximately. */
const PARTITION_BYTES = 300;

export async function metadata(
  context: ServiceContext,
  request: Request,
  call: Call,
): Promise<Response> {
  if (call.version < 12 && request.topics?.some(isByIdOnly)) return refusal(request);
  const topics: TopicRow[] = [];
  let described = 0;
  for (const found of layoutsOf(context, request, call)) {
    const row = rowOf(context, await found, request);
    topics.push(row);
    described += row.partitions.length + 1;
    if (described < PORTION_PARTITIONS) continue;
    call.charge(described * PARTITION_BYTES);
    described = 0;
    await call.connection.turns.nextPortion();
  }
  return {
    brokers: [{ nodeId: NODE_ID, ...call.connection.advertised }],
    clusterId: clusterId(context),
    controllerId: NODE_ID,
    topics,
    ...(request.includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: authorizedOperations(context, "CLUSTER") }
      : {}),
  };
}

/** Versions 10 and 11 have ids, but don't look topics up by them. */
function isByIdOnly({ topicId, name }: Asked): boolean {
  return topicId !== ZERO_UUID || name === null;
}

function refusal({ topics }: Request): Response {
  const rows = (topics ?? []).map(({ topicId, name }) =>
    errorRow(CODE.INVALID_REQUEST, name ?? "", topicId),
  );
  return { brokers: [], clusterId: null, controllerId: -1, topics: rows };
}

/** A topic, or why there is none. */
type Found = services.TopicLayout | TopicRow;

function* layoutsOf(
  context: ServiceContext,
  { topics, allowAutoTopicCreation }: Request,
  call: Call,
): Generator<Found | Promise<Found>, void> {
  if (topics === null || (call.version === 0 && topics.length === 0)) {
    yield* services.topicLayouts(context);
    return;
  }
  const asked = new Set<string>();
  for (const { name, topicId } of topics) {
    // What is asked for twice is answered once, as by Kafka.
    const before = asked.size;
    if (asked.add(topicId === ZERO_UUID ? `name ${name}` : topicId).size === before) continue;
    if (name === null || topicId !== ZERO_UUID) {
      yield byId(context, topicId);
    } else yield byName(context, name, allowAutoTopicCreation, call);
  }
}

function byId(context: ServiceContext, id: string): Found {
  try {
    return services.layoutById(context, id) ?? errorRow(CODE.UNKNOWN_TOPIC_ID, null, id);
  } catch (error) {
    if (error instanceof RustLogError) return errorRow(kafkaCode(error), null, id);
    throw error;
  }
}

async function byName(
  context: ServiceContext,
  name: string,
  create: boolean,
  call: Call,
): Promise<Found> {
  try {
    return await services.layoutByName(context, name, create, (count) => call.mutateByUse(count));
  } catch (error) {
    if (error instanceof RustLogError) return errorRow(kafkaCode(error), name, ZERO_UUID);
    throw error;
  }
}

function errorRow(errorCode: number, name: string | null, topicId: string): TopicRow {
  return { errorCode, name, topicId, isInternal: false, partitions: [] };
}

function rowOf(
  context: ServiceContext,
  found: Found,
  { includeTopicAuthorizedOperations }: Request,
): TopicRow {
  if ("errorCode" in found) return found;
  const { name, topicId, internal, online } = found;
  return {
    ...{ errorCode: CODE.NONE, name, topicId, isInternal: internal },
    partitions: online.map(partitionRow),
    ...(includeTopicAuthorizedOperations
      ? { topicAuthorizedOperations: authorizedOperations(context, "TOPIC", name) }
      : {}),
  };
}
