// Moves a group to other offsets, in two steps: first what would change, then that and nothing else. In between the group may
// have committed, or a member may have joined, and then nothing is moved.
// Leaves to others: what a place means (offset-place.ts), commits of members and of programs (committed-offsets.ts).
import { checkNotCancelled } from "../cancelled.js";
import { RustLogError } from "../errors.js";
import { OFFSET_MAX } from "../limits.js";
import { nextTurn } from "../log/event-loop.js";
import { offsetAt, type OffsetSpec } from "../offset-place.js";
import { printable } from "../printable.js";
import { position } from "./committed-offsets.js";
import type { ServiceContext } from "./context.js";
import { fewAtATime } from "./few-at-a-time.js";
import { NOT_COMMITTED } from "./group-lag.js";
import { someMembers } from "./group-members.js";
import { describeGroup } from "./groups.js";
import { type NamedPartition, partitionOf, refuseRepeated } from "./named-partition.js";
import { requireOnGroup, requireOnTopic } from "./permissions.js";
import { firstRecordFrom } from "./record-times.js";

/** Partitions that one reset may move: each may need a search by time. */
const RESET_PARTITIONS_MAX = 1_000;

/** Partitions searched at a time. */
const SEARCHED_AT_A_TIME = 10;

/** Members that are named in an error. */
export const MEMBERS_NAMED_MAX = 5;

/** Where a group goes: a place in each partition, or `shiftBy` offsets from where it is, within the log. */
export type ResetTarget = OffsetSpec | { readonly shiftBy: number };

interface ResetQuery {
  readonly group: string;
  readonly to: ResetTarget;
  /** Undefined for all topics in which the group has committed an offset. */
  readonly topic: string | undefined;
  /** Of the topic; undefined for all. */
  readonly partitions: readonly number[] | undefined;
}

/** What a reset changes in a partition. */
interface ResetMove extends NamedPartition {
  readonly topicId: string;
  /** -1 if nothing was committed. */
  readonly from: number;
  readonly to: number;
}

/** A move with the ends of the log when it was planned. */
interface PlannedMove extends ResetMove {
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

/**
 * What a reset would change, and changes nothing: also while the group has members, which only keep it from being carried out.
 * Rejects with OFFSET_OUT_OF_RANGE if a number is not in a partition, INVALID_REQUEST if nothing would move or too much or
 * `signal` is aborted, and with the errors of `describeGroup` and of a search by time.
 */
export async function planReset(
  context: ServiceContext,
  query: ResetQuery,
  signal: AbortSignal,
): Promise<readonly PlannedMove[]> {
  const { group, to } = query;
  requireOnGroup(context, "READ", group);
  const named = await partitionsOf(context, query);
  const plan = async (each: NamedPartition): Promise<PlannedMove> => {
    checkNotCancelled(signal);
    const { topic, partition } = each;
    const { logStartOffset, highWatermark } = partitionOf(context, "READ", each);
    const topicId = context.registry.find(topic)?.id ?? "";
    const from = committed(context, group, each);
    const range = { logStartOffset, highWatermark };
    const offset = await targetIn(context, to, { topic, topicId, partition }, { ...range, from });
    return { topic, topicId, partition, from, to: offset, ...range };
  };
  return await fewAtATime(named, SEARCHED_AT_A_TIME, plan);
}

/**
 * Carries out a planned reset, all or nothing. Rejects with NON_EMPTY_GROUP while the group has members, INVALID_REQUEST if the group
 * has committed in one of the partitions since or there are more than a plan has, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_ID, and the errors of the offset store.
 */
export async function applyReset(
  context: ServiceContext,
  group: string,
  moves: readonly ResetMove[],
): Promise<void> {
  requireOnGroup(context, "READ", group);
  if (moves.length > RESET_PARTITIONS_MAX) throw tooMany();
  refuseRepeated(moves, "a group has one offset for each partition");
  const check = (): void => {
    refuseMembers(context, group);
    for (const move of moves) checkMove(context, group, move);
  };
  check();
  const commits = moves.map(({ topic, partition, to }) => ({ topic, partition, offset: to }));
  await context.offsets.commit(group, commits, check);
  // Unlike the commits of consumers, which are many.
  context.audit.changed(context.caller, "offsets-reset", { group, partitions: moves.length });
}

/** Throws NON_EMPTY_GROUP, naming some members: they keep their own positions, and would undo a move with their next commit. */
function refuseMembers(context: ServiceContext, group: string): void {
  const count = context.groups.memberCount(group);
  if (count === 0) return;
  const names = someMembers(context, group, MEMBERS_NAMED_MAX).map(
    ({ memberId, clientId, host }) => `${memberId} (${clientId} at ${host})`,
  );
  const left = count - names.length;
  const all = printable(names.join(", ")) + (left > 0 ? ` and ${left} more` : "");
  throw new RustLogError(
    "NON_EMPTY_GROUP",
    `group '${group}' has members, which would go on from where they are: stop them first: ${all}`,
  );
}

async function partitionsOf(
  context: ServiceContext,
  { group, to, topic, partitions }: ResetQuery,
): Promise<readonly NamedPartition[]> {
  const isShift = typeof to === "object" && "shiftBy" in to;
  const chosen: NamedPartition[] = [];
  const add = (named: NamedPartition): void => {
    // There is nothing to shift from.
    if (isShift && committed(context, group, named) === NOT_COMMITTED) return;
    chosen.push(named);
    if (chosen.length > RESET_PARTITIONS_MAX) throw tooMany();
  };
  if (topic === undefined) {
    let seen = 0;
    for (const named of await describeGroup(context, group)) {
      add({ topic: named.topic, partition: named.partition });
      if (++seen % RESET_PARTITIONS_MAX === 0) await nextTurn();
    }
  } else {
    requireOnTopic(context, "READ", topic);
    const all = context.registry.find(topic)?.partitions.map((_, index) => index) ?? [0];
    for (const partition of partitions ?? all) add({ topic, partition });
    refuseRepeated(chosen, "a group has one offset for each partition");
  }
  if (chosen.length > 0) return chosen;
  throw new RustLogError(
    "INVALID_REQUEST",
    `group '${group}' has committed no offset to move from`,
  );
}

function tooMany(): RustLogError {
  const message = `more than ${RESET_PARTITIONS_MAX} partitions would move: choose a topic or some partitions`;
  return new RustLogError("INVALID_REQUEST", message);
}

function committed(
  { offsets }: ServiceContext,
  group: string,
  { topic, partition }: NamedPartition,
): number {
  return position(offsets.fetch(group, topic, partition))?.offset ?? NOT_COMMITTED;
}

async function targetIn(
  context: ServiceContext,
  to: ResetTarget,
  named: NamedPartition,
  now: { readonly logStartOffset: number; readonly highWatermark: number; readonly from: number },
): Promise<number> {
  const { logStartOffset, highWatermark, from } = now;
  if (typeof to === "object" && "shiftBy" in to) {
    return Math.min(highWatermark, Math.max(logStartOffset, from + to.shiftBy));
  }
  const offset = await offsetAt(to, now, async (timestamp) => {
    const record = await firstRecordFrom(context, named, Math.min(timestamp, OFFSET_MAX));
    return record?.offset ?? highWatermark;
  });
  if (typeof to !== "number" || (offset >= logStartOffset && offset <= highWatermark))
    return offset;
  throw new RustLogError(
    "OFFSET_OUT_OF_RANGE",
    `offset ${offset} is outside ${named.topic}-${named.partition}, which has offsets ${logStartOffset} to ${highWatermark}`,
  );
}

/** Throws unless a move is still what was planned, and possible. */
function checkMove(context: ServiceContext, group: string, move: ResetMove): void {
  const { name, highWatermark } = partitionOf(context, "READ", move);
  if (move.to < 0 || move.to > highWatermark) {
    const message = `offset ${move.to} is outside ${name}, which ends at ${highWatermark}`;
    throw new RustLogError("OFFSET_OUT_OF_RANGE", message);
  }
  const now = committed(context, group, move);
  if (now === move.from) return;
  const words = (offset: number): string => (offset === NOT_COMMITTED ? "none" : String(offset));
  throw new RustLogError(
    "INVALID_REQUEST",
    `the committed offset of ${name} was ${words(move.from)} and is now ${words(now)}: nothing was moved; look again`,
  );
}
