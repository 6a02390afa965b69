// A place of the records view: which records its address names, and the question to the broker for them. Pure.
// Leaves to others: addresses in general (../router.ts), and the fields (records-form.ts).
import { splitRange, tryParseTime } from "../../../offset-place.js";
import type { ByteType } from "../../../record/typed-bytes.js";
import { hrefOf, queryText, type Route } from "../router.js";
import { byteTypeOf, type KeysAs, keysAsOf } from "./record-keys.js";
import { conditionsOf, searchParameters, type SearchCondition } from "./search-wire.js";

/** What the address says. Texts are as a person wrote them; "" is nothing. */
export interface RecordsPlace {
  readonly topic: string;
  /** Undefined for all. */
  readonly partition: number | undefined;
  /** As `rustlog consume --offset` takes it. */
  readonly from: string;
  readonly to: string;
  /** Where a page begins, from an earlier answer. */
  readonly at: string;
  readonly dir: "newer" | "older" | "";
  /** What all records of the list meet; none unless it is a search. */
  readonly conditions: readonly SearchCondition[];
  readonly ignoresCase: boolean;
  /** Fields of JSON that are shown instead of values: paths with commas between them. */
  readonly show: string;
  /** How keys are shown, and what a search in keys means by its text. */
  readonly keys: KeysAs;
  readonly isTail: boolean;
  /** The record that is open. */
  readonly record: { readonly partition: number; readonly offset: number } | undefined;
  /** Whether times are shown in UTC. */
  readonly isUtc: boolean;
  /** How its value is shown; "" for what suits it. */
  readonly tab: string;
}

/** What is asked of the broker: parameters, and as `search` those of the conditions, which are repeated. */
export type RecordsQuery = Readonly<Record<string, string>>;

export function placeOf({ path: [topic = ""], query }: Route): RecordsPlace {
  const text = (name: string): string => query.get(name) ?? "";
  const partition = /^\d+$/.test(text("partition")) ? Number(text("partition")) : undefined;
  const dir = text("dir");
  const [, of, offset] = /^(\d+)\/(\d+)$/.exec(text("record")) ?? [];
  return {
    ...{ topic, partition, from: text("from"), to: text("to"), at: text("at") },
    dir: dir === "newer" || dir === "older" ? dir : "",
    ...{ conditions: conditionsOf(query), ignoresCase: text("case") === "ignore" },
    show: text("show"),
    keys: keysAsOf(text("keys")),
    isTail: text("tail") === "1",
    record: of === undefined ? undefined : { partition: Number(of), offset: Number(offset) },
    isUtc: text("zone") === "utc",
    tab: text("tab"),
  };
}

export function hrefOfPlace(place: RecordsPlace): string {
  const { record } = place;
  const { from, to, at, dir, partition } = place;
  const parameters = [
    queryText({ partition, from, to, at, dir }),
    searchParameters(place.conditions),
    queryText({
      case: isSearch(place) && place.ignoresCase ? "ignore" : "",
      ...{ show: place.show, keys: place.keys },
      tail: place.isTail ? "1" : "",
      record: record === undefined ? "" : `${record.partition}/${record.offset}`,
      zone: place.isUtc ? "utc" : "",
      tab: place.tab,
    }),
  ];
  const text = parameters.filter((each) => each !== "").join("&");
  const href = hrefOf("records", place.topic === "" ? [] : [place.topic]);
  return text === "" ? href : `${href}?${text}`;
}

export function isSearch({ conditions }: Pick<RecordsPlace, "conditions">): boolean {
  return conditions.length > 0;
}

/** The same list, at its beginning: another start, or none. */
export function firstPageOf(place: RecordsPlace): RecordsPlace {
  return { ...place, at: "", dir: "", record: undefined };
}

/** Whether two places show the same list. */
export function isSameList(a: RecordsPlace, b: RecordsPlace): boolean {
  const listOf = (place: RecordsPlace): string =>
    hrefOfPlace({
      ...{ ...place, record: undefined, isUtc: false, tab: "" },
      keys: isKeySearch(place) ? place.keys : "",
    });
  return listOf(a) === listOf(b);
}

/** Whether it is only a range of the log that is shown, rather than the log from some place on. */
export function isRange(place: RecordsPlace): boolean {
  return isSearch(place) || place.to !== "";
}

/** What the texts of a search in keys are, for the broker; undefined for text. */
function searchedType(place: RecordsPlace): ByteType | undefined {
  return isKeySearch(place) ? byteTypeOf(place.keys) : undefined;
}

/** Whether keys are searched, so that it matters how they are shown. */
function isKeySearch(place: Pick<RecordsPlace, "conditions">): boolean {
  return searchedKeys(place).length > 0;
}

/** The texts that are searched for in keys. */
export function searchedKeys({ conditions }: Pick<RecordsPlace, "conditions">): string[] {
  return conditions.flatMap((each) => (each.in === "key" ? [each.find] : []));
}

/** In which direction records are read: the newest ones first, unless a start is given. */
function directionOf({ dir, from }: RecordsPlace): "newer" | "older" {
  if (dir !== "") return dir;
  return from === "" || isEnd(from) ? "older" : "newer";
}

/** What to ask for to show a place. */
export function queryOf(place: RecordsPlace, limit: number): RecordsQuery {
  const { partition, at } = place;
  const from = isEnd(place.from) ? "" : place.from;
  // A start is where the first page begins. Only a range ends there as well.
  const hasStart = from !== "" && (at === "" || isRange(place));
  return {
    ...(partition === undefined ? {} : { partition: String(partition) }),
    ...(hasStart ? { from: withZone(from) } : {}),
    ...(place.to === "" ? {} : { to: withZone(place.to) }),
    ...(at === "" ? {} : { at }),
    dir: directionOf(place),
    limit: String(limit),
    ...searchOf(place),
    ...(place.show === "" ? {} : { show: place.show }),
  };
}

/** What is asked for to find what a place searches for; nothing if it is no search. */
export function searchOf(place: RecordsPlace): RecordsQuery {
  if (!isSearch(place)) return {};
  const type = searchedType(place);
  return {
    search: searchParameters(place.conditions),
    ...(place.ignoresCase ? { case: "ignore" } : {}),
    ...(type === undefined ? {} : { as: type }),
  };
}

/** A question as parameters of an address. */
export function parametersOf({ search = "", ...parameters }: RecordsQuery): string {
  const text = queryText(parameters);
  return search === "" ? text : `${text}&${search}`;
}

/** Whether a start is the end: then the records before it are of interest. */
function isEnd(text: string): boolean {
  return text === "latest" || text === "end";
}

/** A date is of the reader's clock unless it has a zone, so the broker gets its milliseconds. */
function withZone(text: string): string {
  const ms = /^@\d{4}-/.test(text) ? tryParseTime(text.slice(1), Date.now()) : undefined;
  return ms === undefined ? text : `@${ms}`;
}

/** A place whose start may be written as a range, as `rustlog consume` takes it: `@-1h:@-10m`. */
export function withRange(place: RecordsPlace): RecordsPlace {
  const [from, to] = (place.to === "" ? splitRange(place.from, Date.now()) : undefined) ?? [];
  if (from === undefined || to === undefined) return place;
  return { ...place, from: from === "" ? "earliest" : from, to };
}
