// DeleteTopics: deletes topics, each by name or by id.
// Leaves to others: the work (services/topics.ts).
import { RustLogError } from "../../../errors.js";
import { ZERO_UUID } from "../../../record/bytes.js";
import type { ServiceContext } from "../../../services/context.js";
import { fewAtATime } from "../../../services/few-at-a-time.js";
import * as services from "../../../services/topics.js";
import { CODE } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { DeleteTopics } from "../topics.js";
import type { Call } from "./call.js";
import { Portions } from "./portions.js";
import { type Fault, faultOf, invalidRequest, repeated } from "./topic-faults.js";

type Request = RequestOf<typeof DeleteTopics>;
type Asked = Request["topics"][number];
type Response = ResponseOf<typeof DeleteTopics>;
type Row = Response["responses"][number];

/** From this version on, clients know THROTTLING_QUOTA_EXCEEDED. */
const THROTTLES_SINCE = 5;

/** Topics deleted concurrently. */
const TOPICS_AT_ONCE = 8;

export async function deleteTopics(
  context: ServiceContext,
  { topics, topicNames }: Request,
  call: Call,
): Promise<Response> {
  const asked = [...topics, ...topicNames.map((name) => ({ name, topicId: ZERO_UUID }))];
  const names = repeated(asked.flatMap(({ name }) => name ?? []));
  const ids = repeated(asked.flatMap(({ topicId }) => (topicId === ZERO_UUID ? [] : topicId)));
  const named = new Set(asked.map(({ name }) => services.topicIdOf(context, name ?? "")));
  const faultIn = ({ name, topicId }: Asked): Fault | undefined => {
    if (name === null && topicId === ZERO_UUID) {
      return invalidRequest("Neither topic name nor id were specified.");
    }
    if (name !== null && topicId !== ZERO_UUID) {
      return invalidRequest("You may not specify both topic name and topic id.");
    }
    if (name !== null) {
      return names.has(name) ? invalidRequest("Duplicate topic name.") : undefined;
    }
    if (ids.has(topicId)) return invalidRequest("Duplicate topic id.");
    if (!named.has(topicId)) return undefined;
    return invalidRequest("The provided topic name maps to an ID that was already supplied.");
  };
  const unique = [...new Map(asked.map((it) => [`${it.name} ${it.topicId}`, it])).values()];
  const work = async (topic: Asked): Promise<Row> => {
    const fault = faultIn(topic);
    return fault === undefined ? await remove(context, topic, call) : { ...topic, ...fault };
  };
  const portions = new Portions(call.connection.turns);
  const pause = (items: number): void | Promise<void> => portions.next(items);
  return { responses: await fewAtATime(unique, TOPICS_AT_ONCE, work, pause) };
}

async function remove(context: ServiceContext, topic: Asked, call: Call): Promise<Row> {
  const { name, topicId } = topic;
  const named = { topic: name ?? "", topicId: topicId === ZERO_UUID ? undefined : topicId };
  try {
    const deleted = await services.deleteTopic(context, named, (count) =>
      call.mutate(count, THROTTLES_SINCE),
    );
    return { ...deleted, errorCode: CODE.NONE, errorMessage: null };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return { ...topic, ...faultOf(error, messageOf(error)) };
  }
}

function messageOf({ code, message }: RustLogError): string {
  if (code === "UNKNOWN_TOPIC_OR_PARTITION")
    return "This server does not host this topic-partition.";
  return code === "UNKNOWN_TOPIC_ID" ? "This server does not host this topic ID." : message;
}
