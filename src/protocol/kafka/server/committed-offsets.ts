// OffsetCommit, OffsetFetch and OffsetDelete.
// Leaves to others: the work (services/committed-offsets.ts).
import { RustLogError } from "../../../errors.js";
import * as services from "../../../services/committed-offsets.js";
import type { ServiceContext } from "../../../services/context.js";
import { ZERO_UUID } from "../../../record/bytes.js";
import type { OffsetCommit, OffsetDelete, OffsetFetch } from "../committed-offsets.js";
import { CODE, coordinatorCode } from "../error-codes.js";
import { NONE } from "../offsets.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { Portions } from "./portions.js";

/** The first versions of OffsetCommit that tell that a group or an epoch is not current. */
const VERSION_WITH_EPOCHS = 9;
/** The first versions of OffsetCommit and OffsetFetch with the ids of topics instead of names. */
const VERSION_WITH_IDS = 10;
/** The first version of OffsetFetch for several groups. */
const VERSION_WITH_GROUPS = 8;
/** The last version of OffsetFetch without an error for the group. */
const VERSION_WITHOUT_ERROR = 1;

/** Memory for an entry of a commit, without the name of the group, and for a row of a response. */
const COMMIT_ENTRY_BYTES = 500;
const ROW_BYTES = 300;

type CommitRequest = RequestOf<typeof OffsetCommit>;
type CommitResponse = ResponseOf<typeof OffsetCommit>;
type FetchRequest = RequestOf<typeof OffsetFetch>;
type FetchResponse = ResponseOf<typeof OffsetFetch>;
type GroupRow = FetchResponse["groups"][number];
type TopicRow = GroupRow["topics"][number];
type PartitionRow = TopicRow["partitions"][number];

/** What a request asks about one group. */
type Asked = Pick<FetchRequest["groups"][number], "groupId" | "memberId" | "memberEpoch"> & {
  readonly topics: FetchRequest["groups"][number]["topics"] | FetchRequest["topics"];
};

export async function offsetCommit(
  context: ServiceContext,
  request: CommitRequest,
  call: Call,
): Promise<CommitResponse> {
  const { groupId } = request;
  const hasIds = call.version >= VERSION_WITH_IDS;
  const topics = request.topics.filter(({ partitions }) => partitions.length > 0);
  const commits = topics.flatMap(({ name: topic, topicId, partitions }) =>
    partitions.map((it) => ({
      topic,
      topicId: hasIds ? topicId : undefined,
      partition: it.partitionIndex,
      offset: it.committedOffset,
      leaderEpoch: it.committedLeaderEpoch,
      metadata: it.committedMetadata ?? "",
    })),
  );
  call.charge(commits.length * (COMMIT_ENTRY_BYTES + Buffer.byteLength(groupId)));
  const portions = new Portions(call.connection.turns);
  const outcomes = await services.commitEach(
    context,
    groupId,
    {
      memberId: request.memberId,
      generation: request.generationIdOrMemberEpoch,
      instanceId: request.groupInstanceId,
    },
    commits,
    (items) => portions.next(items),
  );
  if (outcomes.includes(undefined)) call.connection.client.group = groupId;
  let next = 0;
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => {
        const outcome = outcomes[next++];
        const errorCode = outcome === undefined ? CODE.NONE : commitCode(outcome, call.version);
        return { partitionIndex, errorCode };
      }),
    })),
  };
}

/** Older versions lack some errors, and have others instead, as in Kafka. */
function commitCode(error: RustLogError, version: number): number {
  if (error.code === "UNKNOWN_TOPIC_ID" && version < VERSION_WITH_IDS) {
    return CODE.UNKNOWN_TOPIC_OR_PARTITION;
  }
  if (error.code === "GROUP_NOT_FOUND" && version < VERSION_WITH_EPOCHS) {
    return CODE.ILLEGAL_GENERATION;
  }
  const code = coordinatorCode(error);
  const isStale = code === CODE.STALE_MEMBER_EPOCH;
  return isStale && version < VERSION_WITH_EPOCHS ? CODE.UNSUPPORTED_VERSION : code;
}

export async function offsetFetch(
  context: ServiceContext,
  request: FetchRequest,
  call: Call,
): Promise<FetchResponse> {
  const portions = new Portions(call.connection.turns);
  const { groupId, topics } = request;
  if (call.version < VERSION_WITH_GROUPS) {
    const asked = { groupId, topics, memberId: null, memberEpoch: NONE };
    const row = await groupRow(context, asked, call, portions);
    if (row.errorCode === CODE.NONE || call.version > VERSION_WITHOUT_ERROR) {
      return { topics: row.topics, errorCode: row.errorCode, groups: [] };
    }
    const refused = topics!.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => refusedRow(index, row.errorCode)),
    }));
    return { topics: refused, groups: [] };
  }
  const groups: GroupRow[] = [];
  for (const asked of request.groups) {
    groups.push(await groupRow(context, asked, call, portions));
    await portions.next();
  }
  return { topics: [], groups };
}

async function groupRow(
  context: ServiceContext,
  { groupId, topics, memberId, memberEpoch }: Asked,
  call: Call,
  portions: Portions,
): Promise<GroupRow> {
  try {
    const member = { memberId: memberId ?? "", generation: memberEpoch, instanceId: null };
    services.checkFetch(context, groupId, member);
    const rows =
      topics === null
        ? await allRows(context, groupId, call, portions)
        : await askedRows(context, groupId, topics, call, portions);
    return { groupId, topics: rows, errorCode: CODE.NONE };
  } catch (error) {
    if (!(error instanceof RustLogError) || call.isTooLarge) throw error;
    return { groupId, topics: [], errorCode: coordinatorCode(error) };
  }
}

async function askedRows(
  context: ServiceContext,
  group: string,
  topics: NonNullable<Asked["topics"]>,
  call: Call,
  portions: Portions,
): Promise<TopicRow[]> {
  const rows: TopicRow[] = [];
  for (const asked of topics) {
    const topicId = "topicId" in asked ? asked.topicId : ZERO_UUID;
    const name =
      call.version < VERSION_WITH_IDS ? asked.name : context.registry.byId(topicId)?.name;
    const partitions: PartitionRow[] = [];
    for (const partitionIndex of asked.partitionIndexes) {
      partitions.push(
        name === undefined
          ? refusedRow(partitionIndex, CODE.UNKNOWN_TOPIC_ID)
          : storedRow(context, group, name, partitionIndex),
      );
      call.charge(ROW_BYTES + (partitions.at(-1)?.metadata?.length ?? 0));
      await portions.next();
    }
    rows.push({ name: asked.name, topicId, partitions });
  }
  return rows;
}

/** A topic that the caller may not see says nothing about the others. */
function storedRow(
  context: ServiceContext,
  group: string,
  topic: string,
  partition: number,
): PartitionRow {
  try {
    return partitionRow(partition, services.storedOffset(context, group, topic, partition));
  } catch (error) {
    const isRefused = error instanceof RustLogError && error.code === "TOPIC_AUTHORIZATION_FAILED";
    if (!isRefused) throw error;
    return refusedRow(partition, CODE.TOPIC_AUTHORIZATION_FAILED);
  }
}

async function allRows(
  context: ServiceContext,
  group: string,
  call: Call,
  portions: Portions,
): Promise<TopicRow[]> {
  const rows: TopicRow[] = [];
  let partitions: PartitionRow[] = [];
  for (const stored of services.storedOffsets(context, group)) {
    const { topic: name, topicId } = stored;
    if (rows.at(-1)?.name !== name) {
      partitions = [];
      rows.push({ name, topicId, partitions });
    }
    partitions.push(partitionRow(stored.partition, stored));
    call.charge(ROW_BYTES + stored.metadata.length);
    await portions.next();
  }
  return rows;
}

function partitionRow(partitionIndex: number, stored: services.StoredOffset): PartitionRow {
  return {
    partitionIndex,
    committedOffset: stored.offset,
    committedLeaderEpoch: stored.leaderEpoch,
    metadata: stored.metadata,
    errorCode: CODE.NONE,
  };
}

function refusedRow(partitionIndex: number, errorCode: number): PartitionRow {
  return { partitionIndex, committedOffset: NONE, metadata: "", errorCode };
}

export async function offsetDelete(
  context: ServiceContext,
  { groupId, topics }: RequestOf<typeof OffsetDelete>,
  call: Call,
): Promise<ResponseOf<typeof OffsetDelete>> {
  const named = topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition }) => ({ topic, partition })),
  );
  const portions = new Portions(call.connection.turns);
  try {
    const outcomes = await services.deleteEach(context, groupId, named, (items) =>
      portions.next(items),
    );
    let next = 0;
    const rows = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        const outcome = outcomes[next++];
        const errorCode = outcome === undefined ? CODE.NONE : coordinatorCode(outcome);
        return { partitionIndex, errorCode };
      }),
    }));
    return { errorCode: CODE.NONE, topics: rows };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return { errorCode: coordinatorCode(error), topics: [] };
  }
}
