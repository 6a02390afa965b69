// What the records view says where it has no records to show, and the next steps: no topic is chosen, the topic or partition does
// not exist, the question failed, or nothing is in the range.
// Leaves to others: when to say it (records-view.ts), and a search that finds nothing in words (records-words.ts).
import { isMissing, isTopicName, missingPartition, missingTopic, noTopics } from "../missing.js";
import type { Model } from "../model.js";
import { button, element, failure } from "../parts/dom.js";
import { emptyState, link } from "../parts/empty.js";
import { formatCount } from "../parts/format.js";
import { hrefOf } from "../router.js";
import type { PageContext } from "../view.js";
import type { SeenKeys } from "./record-keys.js";
import type { LoadedRecords } from "./record-load.js";
import { firstPageOf, hrefOfPlace, isSearch, type RecordsPlace } from "./records-place.js";
import { notFoundWords } from "./records-words.js";

/** Topics that are offered when none is chosen. */
const OFFERED_TOPICS_MAX = 40;

const KEY_HINT = " A key that is shown as a number or a UUID is found in “key”.";

/** Offers topics; undefined while the page does not know them. */
export function topicOffer({ model, session }: PageContext): HTMLElement | undefined {
  const { topics, overview } = model;
  if (overview === undefined) return undefined;
  if (topics.length === 0) return noTopics(session);
  const links = topics
    .slice(0, OFFERED_TOPICS_MAX)
    .map(({ name }) => link(name, hrefOf("records", [name])));
  const isAll = topics.length <= OFFERED_TOPICS_MAX;
  const others = isAll ? "" : " These are the first of them: type the name of another one above.";
  return emptyState(`Choose a topic to see its records.${others}`, ...links);
}

/** Says why the records of a place can't be shown. `retry` asks for them again. */
export function failedState(
  context: PageContext,
  place: RecordsPlace,
  error: unknown,
  retry: () => void,
): Node[] {
  const { topic, partition } = place;
  const known = context.model.topics.find(({ name }) => name === topic);
  if (known !== undefined && partition !== undefined && partition >= known.partitions) {
    const all = hrefOfPlace({ ...firstPageOf(place), partition: undefined });
    return [missingPartition(topic, partition, known.partitions, link("All partitions", all))];
  }
  if (!isTopicName(topic) || (isMissing(error) && known === undefined)) {
    return [missingTopic(context, topic, "records")];
  }
  const next = element(
    "div",
    { class: "actions" },
    button("Try again", retry),
    link("The newest records", hrefOf("records", [topic])),
    link("Choose a topic", hrefOf("records")),
  );
  return [failure(error), next];
}

/** Says why the list of a place has no records. `seenKeys` are the keys of the topic. */
export function noRecordsState(
  { model, session }: PageContext,
  place: RecordsPlace,
  { hasOlder, hasNewer }: LoadedRecords["last"],
  seenKeys: SeenKeys,
): HTMLElement {
  if (isSearch(place)) {
    return emptyState(`${notFoundWords(place)}${keyHint(place, seenKeys)}`, newestLink(place));
  }
  if (hasOlder || hasNewer) {
    const text = outsideWords(model, place) ?? "There are no records in this range.";
    return emptyState(text, newestLink(place));
  }
  const { topic, partition } = place;
  const where = partition === undefined ? "" : ` in partition ${partition}`;
  const next = session.mayProduce ? [link("Produce one", hrefOf("produce", [], { topic }))] : [];
  return emptyState(`${topic} has no records${where} yet.`, ...next);
}

function newestLink(place: RecordsPlace): HTMLElement {
  const newest = { ...place, ...{ from: "", to: "", conditions: [], isTail: false } };
  return link("Show the newest records", hrefOfPlace(firstPageOf(newest)));
}

function keyHint({ conditions }: RecordsPlace, seenKeys: SeenKeys): string {
  const isKey = conditions.some(
    ({ find, in: field, isNegated }) =>
      field !== "key" && !isNegated && seenKeys.typeOf(find) !== undefined,
  );
  return isKey ? KEY_HINT : "";
}

/** Says that an offset is beyond the end, if a partition is shown from there on. */
function outsideWords(model: Model, { topic, partition, from }: RecordsPlace): string | undefined {
  if (partition === undefined || !/^\d+$/.test(from)) return undefined;
  const { highWatermark } = model.shape(topic, partition)?.state ?? {};
  if (highWatermark === undefined || Number(from) < highWatermark) return undefined;
  const end =
    highWatermark === 0
      ? "it has no records yet"
      : `its last record is at offset ${formatCount(highWatermark - 1)}`;
  return `Partition ${partition} of ${topic} does not reach offset ${formatCount(Number(from))}: ${end}.`;
}
