// What the records view says about its list, in words, and the address of the same records as a file. Pure.
// Leaves to others: showing it (records-view.ts).
import { SEARCHED_JSON_BYTES_MAX, SEARCHED_TEXT_BYTES_MAX } from "../../../limits.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import type { LoadedRecords } from "./record-load.js";
import { isSearch, parametersOf, type RecordsPlace, searchOf } from "./records-place.js";
import type { SearchCondition } from "./search-wire.js";

/** What is shown, or how far a search is. */
export function stateWords(
  place: RecordsPlace,
  loaded: LoadedRecords,
  { isLoading, isFollowing }: { readonly isLoading: boolean; readonly isFollowing: boolean },
): string {
  const { items, last, bytes, unsearched, isOrderOpen, inexact } = loaded;
  const count = items.filter(({ kind }) => kind === "record" || kind === "marker").length;
  const words: string[] = [];
  if (!isSearch(place)) {
    words.push(place.isTail ? (isFollowing ? "following" : "paused") : rangeWords(items, count));
  } else {
    words.push(`${formatCount(count)} found`);
    // More records are read: a batch is read as a whole, also where the range cuts it.
    const { offsetsTotal, offsetsLeft } = last;
    const searched = `${formatCount(offsetsTotal - offsetsLeft)} of ${countOf(offsetsTotal, "record")} searched`;
    words.push(`${searched}, ${formatBytes(bytes)} read`);
    if (!isLoading && offsetsLeft > 0) words.push("there may be more");
    if (unsearched > 0) words.push(unsearchedWords(unsearched, place));
  }
  if (place.partition === undefined && last.partitions > 1) {
    words.push(`${formatCount(last.partitions)} partitions merged by time`);
    if (isOrderOpen) words.push("their order may be incomplete here");
  }
  if (inexact > 0) {
    const begin = inexact === 1 ? "1 partition begins" : `${formatCount(inexact)} partitions begin`;
    words.push(
      `${begin} with the batch of the time, not with its first record: opening all batches would take too long`,
    );
  }
  if (last.offline.length > 0) words.push(`offline: partition ${last.offline.join(", ")}`);
  return words.join(" · ");
}

/** What is said while a question is asked again until it is answered. */
export function waitWords(error: unknown): string {
  return `${error instanceof Error ? error.message : String(error)}; trying again`;
}

/** The broker decodes a value to search it as JSON, or to ignore case, unless it is very large. */
function unsearchedWords(count: number, { conditions }: RecordsPlace): string {
  const isJson = conditions.some((each) => each.in === "json");
  const bytesMax = isJson ? SEARCHED_JSON_BYTES_MAX : SEARCHED_TEXT_BYTES_MAX;
  return `${countOf(count, "value")} over ${formatBytes(bytesMax)} not searched`;
}

/** What is said when a search has found nothing. */
export function notFoundWords({ conditions }: Pick<RecordsPlace, "conditions">): string {
  const [first] = conditions;
  if (conditions.length > 1 || first === undefined || first.isNegated) {
    const which = conditions.length === 1 ? "the condition" : "all conditions";
    return `No record in this range meets ${which}: ${conditions.map(conditionWords).join("; ")}.`;
  }
  if (first.in === "tombstone") return "There are no tombstones in this range.";
  if (first.in === "keyless") return "No record in this range is without a key.";
  const isPath = first.in === "json" && !first.find.includes("=");
  return `Nothing in this range matches ${first.find}.${isPath ? JSON_HINT : ""}`;
}

const JSON_HINT =
  " In JSON values a path is searched, as in order.id = 123; in “value” any text is.";

const PLACES: Readonly<Record<string, string>> = {
  ...{ any: "the key, the value or the headers", key: "the key", value: "the value" },
  ...{ header: "the headers", json: "the JSON value" },
};

/** What a record has that meets a condition. */
function conditionWords({ find, in: field, isNegated }: SearchCondition): string {
  if (field === "tombstone") return isNegated ? "a value" : "no value";
  if (field === "keyless") return isNegated ? "a key" : "no key";
  return `${isNegated ? "no " : ""}${find} in ${PLACES[field] ?? field}`;
}

function rangeWords(items: LoadedRecords["items"], count: number): string {
  const records = items.filter((item) => "offset" in item);
  const [first, last] = [records[0], records.at(-1)];
  if (first === undefined || last === undefined) return countOf(count, "record");
  const isOfOne = items.every(({ partition }) => partition === first.partition);
  const range = isOfOne
    ? `, offsets ${formatCount(first.offset)} to ${formatCount(last.offset)}`
    : "";
  return `${countOf(count, "record")}${range}`;
}

/** The address of a download: of the records that are shown, or of all that a search finds. */
export function downloadOf(place: RecordsPlace, { start, end, last }: LoadedRecords): string {
  const { partition } = place;
  const query = parametersOf({
    ...(partition === undefined ? {} : { partition: String(partition) }),
    ...(isSearch(place) ? { from: last.from, to: last.to } : { from: start, to: end }),
    ...searchOf(place),
  });
  return `/api/records/${encodeURIComponent(place.topic)}/lines?${query}`;
}
