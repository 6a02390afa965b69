// What a view says instead of a topic or a partition that does not exist, and the next steps.
// Leaves to others: noticing it (the views), the names that are suggested (similar-names.ts).
import { TOPIC_NAME_LENGTH_MAX } from "../../limits.js";
import { Refused } from "./api.js";
import { emptyState, link } from "./parts/empty.js";
import { countOf, formatCount } from "./parts/format.js";
import { nameInText, shortText } from "./parts/names.js";
import { hrefOf, type ViewName } from "./router.js";
import { similarNames } from "./similar-names.js";
import type { PageContext } from "./view.js";
import type { SessionState } from "./wire.js";

/** Whether a topic can have this name. Others can't even be asked for: `..` leads elsewhere in the path of a request. */
export function isTopicName(name: string): boolean {
  const isLegal = /^[\w.-]+$/.test(name) && name !== "." && name !== "..";
  return isLegal && name.length <= TOPIC_NAME_LENGTH_MAX;
}

/** Whether the broker has refused a request because there is no such topic or partition, or none for this visitor. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof Refused &&
    ["UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID", "TOPIC_AUTHORIZATION_FAILED"].includes(
      error.code,
    )
  );
}

/** What a view of records says on a broker without topics. */
export function noTopics(session: SessionState): HTMLElement {
  const { user, mayProduce, mayCreateTopics, newTopicPartitions } = session;
  const none = user === null ? "There are no topics yet." : "There are no topics that you may see.";
  if (mayProduce && newTopicPartitions !== null) {
    const produce = link("Produce a record", hrefOf("produce"));
    return emptyState(`${none} A record creates one.`, produce);
  }
  const create = mayCreateTopics ? [link("Create a topic", hrefOf("topics"))] : [];
  return emptyState(none, ...create);
}

/** `here` is the view in which a suggested topic is shown. */
export function missingTopic(
  { model, session }: PageContext,
  name: string,
  here: ViewName,
): HTMLElement {
  const all = link("All topics", hrefOf("topics"));
  if (!isTopicName(name)) {
    const rule = `letters, digits, dots, underscores and hyphens, ${TOPIC_NAME_LENGTH_MAX} characters at most`;
    return emptyState(`There is no topic “${nameInText(name)}”: a name consists of ${rule}.`, all);
  }
  const own = model.topics.filter(({ internal }) => !internal);
  const names = similarNames(
    name,
    own.map((topic) => topic.name),
  );
  const which = session.user === null ? "topic" : "topic that you may see with the name";
  const meant = names.length === 0 ? "" : " Did you mean one of these?";
  const create = session.mayCreateTopics
    ? [link("Create it", hrefOf("topics", [], { create: name }))]
    : [];
  return emptyState(
    `There is no ${which} “${nameInText(name)}”.${meant}`,
    ...names.map((each) => link(shortText(each), hrefOf(here, [each]))),
    all,
    ...create,
  );
}

/** `partition` is as the address has it; `next` lead to others. */
export function missingPartition(
  topic: string,
  partition: number | string,
  partitions: number,
  ...next: readonly Node[]
): HTMLElement {
  const which =
    partitions === 1
      ? "it has only partition 0"
      : `it has ${countOf(partitions, "partition")}, 0 to ${formatCount(partitions - 1)}`;
  return emptyState(`There is no partition ${partition} of ${topic}: ${which}.`, ...next);
}
