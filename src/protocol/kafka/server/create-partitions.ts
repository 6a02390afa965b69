// CreatePartitions: adds partitions to topics, or only says whether they could be added.
// Leaves to others: the work (services/topics.ts).
import { RustLogError } from "../../../errors.js";
import { PARTITIONS_MAX } from "../../../limits.js";
import type { ServiceContext } from "../../../services/context.js";
import { fewAtATime } from "../../../services/few-at-a-time.js";
import { requireOnTopic } from "../../../services/permissions.js";
import * as services from "../../../services/topics.js";
import { CODE } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { CreatePartitions } from "../topics.js";
import type { Call } from "./call.js";
import { Portions } from "./portions.js";
import {
  assignmentFault,
  brokersFault,
  type Fault,
  faultOf,
  invalidRequest,
  policyViolation,
  repeated,
} from "./topic-faults.js";

type Request = RequestOf<typeof CreatePartitions>;
type Asked = Request["topics"][number];
type Response = ResponseOf<typeof CreatePartitions>;

/** From this version on, clients know THROTTLING_QUOTA_EXCEEDED. */
const THROTTLES_SINCE = 3;

/** Topics changed concurrently. */
const TOPICS_AT_ONCE = 4;

const NO_FAULT: Fault = { errorCode: CODE.NONE, errorMessage: null };

export async function createPartitions(
  context: ServiceContext,
  { topics, validateOnly }: Request,
  call: Call,
): Promise<Response> {
  const repeatedNames = repeated(topics.map(({ name }) => name));
  const unique = [...new Map(topics.map((topic) => [topic.name, topic])).values()];
  if (unique.reduce((sum, topic) => sum + addedBy(context, topic), 0) > PARTITIONS_MAX) {
    const fault = policyViolation("Excessively large number of additional partitions per request.");
    return { results: unique.map(({ name }) => ({ name, ...fault })) };
  }
  const work = async (topic: Asked): Promise<Response["results"][number]> => {
    const outcome = repeatedNames.has(topic.name)
      ? invalidRequest("Duplicate topic name.")
      : await grow(context, topic, validateOnly, call);
    return { name: topic.name, ...outcome };
  };
  const portions = new Portions(call.connection.turns);
  const pause = (items: number): void | Promise<void> => portions.next(items);
  return { results: await fewAtATime(unique, TOPICS_AT_ONCE, work, pause) };
}

/** Partitions that a topic would get. */
function addedBy(context: ServiceContext, { name, count }: Asked): number {
  return Math.max(0, count - (services.partitionCountOf(context, name) ?? count));
}

async function grow(
  context: ServiceContext,
  { name, count, assignments }: Asked,
  validateOnly: boolean,
  call: Call,
): Promise<Fault> {
  const now = services.partitionCountOf(context, name);
  try {
    requireOnTopic(context, "ALTER", name);
    if (now !== undefined && count > now && assignments !== null) {
      const fault = assignmentsFault(count - now, assignments);
      if (fault !== undefined) return fault;
    }
    if (validateOnly) services.checkPartitions(context, name, count);
    else {
      await services.addPartitions(context, name, count, (added) =>
        call.mutate(added, THROTTLES_SINCE),
      );
    }
    return NO_FAULT;
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return faultOf(error, messageOf(error, name, count, now));
  }
}

function assignmentsFault(
  added: number,
  assignments: NonNullable<Asked["assignments"]>,
): Fault | undefined {
  if (assignments.length !== added) {
    return assignmentFault(
      `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    );
  }
  for (const { brokerIds } of assignments) {
    const fault = brokersFault(brokerIds);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function messageOf(
  { code, message }: RustLogError,
  name: string,
  count: number,
  now: number | undefined,
): string | null {
  if (code === "UNKNOWN_TOPIC_OR_PARTITION") return null;
  if (code !== "INVALID_PARTITIONS" || now === undefined || count > now) return message;
  return count === now
    ? `Topic already has ${now} partition(s).`
    : `The topic ${name} currently has ${now} partition(s); ${count} would not be an increase.`;
}
