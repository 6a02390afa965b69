// CreateTopics: creates topics, or only says whether they could be created.
// Leaves to others: the work, and the checks of every protocol (services/topics.ts).
import { RustLogError } from "../../../errors.js";
import { PARTITIONS_MAX } from "../../../limits.js";
import { ZERO_UUID } from "../../../record/bytes.js";
import { describeSettings } from "../../../services/configs.js";
import type { ServiceContext } from "../../../services/context.js";
import { fewAtATime } from "../../../services/few-at-a-time.js";
import { mayOnTopic, requireCreation } from "../../../services/permissions.js";
import * as services from "../../../services/topics.js";
import type { TopicDescription } from "../../../services/topics.js";
import { CODE } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { CreateTopics } from "../topics.js";
import type { Call } from "./call.js";
import { configRow, SharedRows } from "./config-rows.js";
import { Portions } from "./portions.js";
import {
  assignmentFault,
  brokersFault,
  type Fault,
  faultOf,
  invalidRequest,
  policyViolation,
  repeated,
  shown,
  topicNameFault,
} from "./topic-faults.js";

type Request = RequestOf<typeof CreateTopics>;
type Asked = Request["topics"][number];
type Response = ResponseOf<typeof CreateTopics>;
type Row = Response["topics"][number];

/** From this version on, clients know THROTTLING_QUOTA_EXCEEDED. */
const THROTTLES_SINCE = 6;

/** Topics created concurrently. */
const TOPICS_AT_ONCE = 8;

/** Every partition has one replica, on this broker. */
const REPLICATION_FACTOR = 1;

/** Memory of a config in a response, and of a reference to one that topics share, approximately. */
const CONFIG_BYTES = 200;
const REFERENCE_BYTES = 8;

/** Work for a topic with all its configs, as `Portions` counts it. */
const TOPIC_COST = 50;

export async function createTopics(
  context: ServiceContext,
  { topics, validateOnly }: Request,
  call: Call,
): Promise<Response> {
  const names = topics.map(({ name }) => name);
  const repeatedNames = repeated(names);
  // Of two new topics that collide with each other, both are created, as in Kafka.
  const inTheWay = services.topicsInTheWay(context, names);
  const unique = [...new Map(topics.map((topic) => [topic.name, topic])).values()];
  const partitions = unique.reduce((sum, topic) => sum + Math.max(1, partitionsOf(topic)), 0);
  if (partitions > PARTITIONS_MAX) {
    const fault = policyViolation("Excessively large number of partitions per request.");
    return { topics: unique.map(({ name }) => errorRow(name, fault)) };
  }
  const configRows = new SharedRows(configRow);
  const work = async (topic: Asked): Promise<Row> => {
    const { name } = topic;
    if (repeatedNames.has(name)) return errorRow(name, invalidRequest("Duplicate topic name."));
    const fault =
      refusalOf(context, name) ?? conflict(name, inTheWay.get(name)) ?? faultIn(context, topic);
    if (fault !== undefined) return errorRow(name, fault);
    const row = await create(context, topic, { validateOnly, configRows, call });
    const ownRows = topic.configs.length;
    call.charge((row.configs?.length ?? 0) * REFERENCE_BYTES + ownRows * CONFIG_BYTES);
    return row;
  };
  const portions = new Portions(call.connection.turns);
  const pause = (items: number): void | Promise<void> => portions.next(items * TOPIC_COST);
  return { topics: await fewAtATime(unique, TOPICS_AT_ONCE, work, pause) };
}

interface Creation {
  readonly validateOnly: boolean;
  readonly configRows: SharedRows<ReturnType<typeof configRow>>;
  readonly call: Call;
}

async function create(
  context: ServiceContext,
  topic: Asked,
  { validateOnly, configRows, call }: Creation,
): Promise<Row> {
  const { name } = topic;
  const settings = Object.fromEntries(topic.configs.map((it) => [it.name, it.value ?? ""]));
  const wanted = { name, partitions: partitionsOf(topic), settings };
  try {
    // Kafka answers with an id here too, which no topic will have.
    const created = validateOnly
      ? { topicId: crypto.randomUUID(), ...services.checkTopic(context, wanted) }
      : await services.createTopic(context, wanted, (count) => call.mutate(count, THROTTLES_SINCE));
    return {
      ...{ name, topicId: created.topicId, errorCode: CODE.NONE, errorMessage: null },
      ...{ numPartitions: created.partitions, replicationFactor: REPLICATION_FACTOR },
      ...configsOf(context, name, created.settings, configRows),
    };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    // Created by another request in the meantime.
    const exists = error.code === "TOPIC_ALREADY_EXISTS" ? conflict(name, name) : undefined;
    return errorRow(name, exists ?? faultOf(error));
  }
}

/** The configs, or that the caller may not see them, and then neither how many partitions there are. */
function configsOf(
  context: ServiceContext,
  name: string,
  settings: TopicDescription["settings"],
  rows: SharedRows<ReturnType<typeof configRow>>,
): Partial<Row> & Pick<Row, "configs"> {
  if (!mayOnTopic(context, "DESCRIBE_CONFIGS", name)) {
    const topicConfigErrorCode = CODE.TOPIC_AUTHORIZATION_FAILED;
    return { ...NOT_SHOWN, configs: [], topicConfigErrorCode };
  }
  return { configs: describeSettings(context, settings).map((config) => rows.of(config)) };
}

const NOT_SHOWN = { numPartitions: -1, replicationFactor: -1 } as const;

function errorRow(name: string, fault: Fault): Row {
  return { name, topicId: ZERO_UUID, ...fault, configs: [] };
}

/** Before anything that says what exists. */
function refusalOf(context: ServiceContext, name: string): Fault | undefined {
  try {
    requireCreation(context, name);
    return undefined;
  } catch (error) {
    if (error instanceof RustLogError) return faultOf(error);
    throw error;
  }
}

/** 0 for the broker's default. */
function partitionsOf({ numPartitions, assignments }: Asked): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? 0 : numPartitions;
}

function conflict(name: string, existing: string | undefined): Fault | undefined {
  if (existing === undefined) return undefined;
  if (existing === name) {
    const errorMessage = `Topic '${name}' already exists.`;
    return { errorCode: CODE.TOPIC_ALREADY_EXISTS, errorMessage };
  }
  const errorMessage = `Topic '${name}' collides with existing topic: ${existing}`;
  return { errorCode: CODE.INVALID_TOPIC, errorMessage };
}

function faultIn(context: ServiceContext, topic: Asked): Fault | undefined {
  const { name, configs, assignments } = topic;
  const nulls = configs.filter(({ value }) => value === null);
  if (nulls.length > 0) {
    const list = shown(nulls.map((config) => config.name).join(","));
    const errorMessage = `Null value not supported for topic configs: ${list}`;
    return topicNameFault(name) ?? { errorCode: CODE.INVALID_CONFIG, errorMessage };
  }
  return (
    topicNameFault(name) ??
    (assignments.length > 0 ? assignmentsFault(topic) : countFault(context, topic))
  );
}

function assignmentsFault({
  numPartitions,
  replicationFactor,
  assignments,
}: Asked): Fault | undefined {
  const stated = "A manual partition assignment was specified, but";
  if (replicationFactor !== -1) {
    return invalidRequest(`${stated} replication factor was not set to -1.`);
  }
  if (numPartitions !== -1) return invalidRequest(`${stated} numPartitions was not set to -1.`);
  const seen = new Set<number>();
  for (const { partitionIndex, brokerIds } of assignments) {
    if (seen.has(partitionIndex)) {
      return assignmentFault(
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      );
    }
    seen.add(partitionIndex);
    const fault = brokersFault(brokerIds);
    if (fault !== undefined) return fault;
  }
  if (assignments.every((_, i) => seen.has(i))) return undefined;
  return assignmentFault("partitions should be a consecutive 0-based integer sequence");
}

function countFault(
  { strictReplicationFactor }: ServiceContext,
  { numPartitions, replicationFactor }: Asked,
): Fault | undefined {
  const errorCode = CODE.INVALID_REPLICATION_FACTOR;
  if (replicationFactor < -1 || replicationFactor === 0) {
    const errorMessage =
      "Replication factor must be larger than 0, or -1 to use the default value.";
    return { errorCode, errorMessage };
  }
  if (numPartitions < -1 || numPartitions === 0) {
    const errorMessage = "Number of partitions was set to an invalid non-positive value.";
    return { errorCode: CODE.INVALID_PARTITIONS, errorMessage };
  }
  if (!strictReplicationFactor || replicationFactor <= REPLICATION_FACTOR) return undefined;
  const errorMessage =
    `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ` +
    `${replicationFactor} cannot be reached because only 1 broker(s) are registered or some brokers have all ` +
    "their log directories cordoned.";
  return { errorCode, errorMessage };
}
