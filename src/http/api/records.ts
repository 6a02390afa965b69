// What the page asks about records: a page of them, one of them, its bytes, and many of them as lines of JSON to download.
// Leaves to others: reading them (services/records/), the text of places (record-places.ts), and how a download is sent
// (downloads.ts).
//
// Searches have a queue of their own, so that they hold up no other question; each answer to one does little work, so that
// pages that search take turns.
import { formatJsonPieces } from "../../record/json-record.js";
import { BYTE_TYPES } from "../../record/typed-bytes.js";
import { browse, type BrowseQuery, PAGE_RECORDS_MAX } from "../../services/records/browse.js";
import { READ_HEADERS_MAX, type OneRecord, readRecord } from "../../services/records/one-record.js";
import { recordLines } from "../../services/records/record-lines.js";
import { recordsOverTime } from "../../services/records/records-over-time.js";
import { type RecordSearch, SEARCH_FIELDS } from "../../services/records/record-match.js";
import type { RecordRows, ShownBytes, ShownRecord } from "../page/records/record-wire.js";
import { conditionsOf } from "../page/records/search-wire.js";
import { shownPaths } from "../page/records/shown-paths.js";
import type { PageRoutes, Visitor } from "./access.js";
import { answered, invalid } from "./answer.js";
import { attachment, Downloads, type Piece } from "./downloads.js";
import { Query } from "./query.js";
import { Queue } from "./queue.js";
import { placeOfText, positionsOfText, textOfPositions } from "./record-places.js";

/** Bytes shown of a record: of its value, of its key, and of all its headers. */
const SHOWN_VALUE_BYTES_MAX = 1024 * 1024;
const SHOWN_KEY_BYTES_MAX = 64 * 1024;
const SHOWN_HEADERS_BYTES_MAX = 256 * 1024;
const SHOWN_HEADERS_MAX = 500;

/** Bytes of a download that are made at once. */
const DOWNLOAD_PIECE_BYTES = 256 * 1024;

/** A part of a record up to this size is no download, but one answer. */
const QUICK_DOWNLOAD_BYTES_MAX = 512 * 1024;

/** The parts of a record that can be downloaded, and their endings. */
const PARTS = { key: "key.bin", value: "value.bin", line: "json" } as const;

type Part = keyof typeof PARTS;

type Params = Readonly<Record<string, string>>;

/** The routes of records. `questions` are answered in turn with others. */
export function recordRoutes(questions: Queue): PageRoutes {
  const searches = new Queue();
  const downloads = new Downloads();
  const one = ({ params, signal }: Bun.BunRequest, visitor: Visitor): Promise<OneRecord> => {
    const { topic = "", partition = "", offset = "" } = params as Params;
    const named = { topic, partition: numberOf("partition", partition) };
    const wanted = numberOf("offset", offset);
    return questions.answer(signal, visitor, () =>
      readRecord(visitor.context, named, wanted, signal),
    );
  };
  return {
    "/api/records/:topic": {
      GET: ({ params, url, signal }, visitor) =>
        answered(async () => {
          const { context } = visitor;
          const { topic = "" } = params as Params;
          const query = browseQueryOf(topic, new Query(url));
          const queue = query.search === undefined ? questions : searches;
          const page = await queue.answer(signal, visitor, () => browse(context, query, signal));
          const text = (of: typeof page.from): string => textOfPositions(of, query.partition);
          const [from, to] = [text(page.from), text(page.to)];
          const [start, end] = [text(page.start), text(page.end)];
          return { ...page, from, to, start, end } satisfies RecordRows;
        }),
    },
    "/api/records/:topic/times": {
      GET: ({ params, url, signal }, visitor) =>
        answered(() => {
          const { topic = "" } = params as Params;
          const query = new Query(url);
          const asked = {
            ...{ topic, partition: query.number("partition") },
            ...{ fromMs: query.number("from"), toMs: query.number("to") },
          };
          return searches.answer(signal, visitor, () =>
            recordsOverTime(visitor.context, asked, signal),
          );
        }),
    },
    "/api/records/:topic/lines": {
      GET: (request, visitor, server) => {
        const { topic = "" } = request.params as Params;
        const { url, signal } = request;
        return downloads.answer(request, visitor, server, {
          ...{ queue: searches, name: `${topic}.jsonl`, type: "application/x-ndjson" },
          begin: () => recordLines(visitor.context, browseQueryOf(topic, new Query(url)), signal),
        });
      },
    },
    "/api/records/:topic/:partition/:offset": {
      GET: (request, visitor) => answered(async () => shown(await one(request, visitor))),
    },
    "/api/records/:topic/:partition/:offset/:part": {
      GET: async (request, visitor, server) => {
        const { topic = "", partition = "", offset = "", part = "" } = request.params as Params;
        let found: OneRecord | undefined;
        const refusal = await answered(async () => {
          if (!isPart(part)) throw invalid(`a record has no '${part}' to download`);
          found = await one(request, visitor);
          checkPart(found, part);
          return null;
        });
        if (found === undefined || !isPart(part) || !refusal.ok) return refusal;
        const record = found;
        const name = `${topic}-${partition}-${offset}.${PARTS[part]}`;
        const type = part === "line" ? "application/json" : "application/octet-stream";
        const pieces = (): Iterable<Piece> =>
          part === "line"
            ? lineOf(record, topic, Number(partition))
            : piecesOf(record[part] ?? new Uint8Array());
        if (record.bytes <= QUICK_DOWNLOAD_BYTES_MAX) {
          const body = new Blob([...pieces()]);
          return new Response(body, { headers: attachment(name, type) });
        }
        return downloads.answer(request, visitor, server, {
          ...{ queue: questions, name, type },
          begin: () => oneByOne(pieces()),
        });
      },
    },
  };
}

function browseQueryOf(topic: string, query: Query): BrowseQuery {
  const partition = query.number("partition");
  const at = query.text("at");
  const direction = query.text("dir") ?? "newer";
  if (direction !== "newer" && direction !== "older") throw invalid("dir is newer or older");
  return {
    ...{ topic, partition, direction },
    from: placeOfText("from", query.text("from") ?? "earliest"),
    to: placeOfText("to", query.text("to") ?? "latest"),
    at: at === undefined ? undefined : positionsOfText("at", at, partition),
    limit: Math.max(1, Math.min(PAGE_RECORDS_MAX, query.number("limit") ?? PAGE_RECORDS_MAX)),
    search: searchOf(query),
    fields: shownPaths(query.text("show") ?? ""),
  };
}

function searchOf(query: Query): RecordSearch | undefined {
  const ignoresCase = query.text("case") === "ignore";
  const as = query.text("as");
  const type = BYTE_TYPES.find((each) => each === as);
  if (as !== undefined && type === undefined)
    throw invalid(`as is one of ${BYTE_TYPES.join(", ")}`);
  const found = conditionsOf(query.pairs);
  const areKeys = found.some((each) => each.in === "key");
  const conditions = found.map(({ find: text, in: where, isNegated }) => {
    const field = SEARCH_FIELDS.find((each) => each === where);
    if (field === undefined) throw invalid(`in is one of ${SEARCH_FIELDS.join(", ")}`);
    // It is of the conditions on keys; without one, the search is refused.
    const ofKey = field === "key" || !areKeys ? type : undefined;
    return { field, text, ignoresCase, isNegated, type: ofKey };
  });
  return conditions.length === 0 ? undefined : conditions;
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalid(`${name} is '${text.slice(0, 100)}'; expected a whole number`);
}

function shown(record: OneRecord): ShownRecord {
  const { key, value, headers, place, decoded, tombstoneMs, ...rest } = record;
  const shownHeaders: ShownRecord["headers"][number][] = [];
  let left = SHOWN_HEADERS_BYTES_MAX;
  for (const header of headers.slice(0, SHOWN_HEADERS_MAX)) {
    const name = shownBytes(header.nameBytes ?? Buffer.from(header.name), left);
    left -= Math.min(left, name.bytes);
    const content = header.value === null ? null : shownBytes(header.value, left);
    left -= Math.min(left, content?.bytes ?? 0);
    shownHeaders.push({ name, value: content });
  }
  return {
    ...rest,
    key: key === null ? null : shownBytes(key, SHOWN_KEY_BYTES_MAX),
    value: value === null ? null : shownBytes(value, SHOWN_VALUE_BYTES_MAX),
    headers: shownHeaders,
    place: place ?? null,
    decoded: decoded ?? null,
    tombstoneMs: tombstoneMs ?? null,
  };
}

function shownBytes(bytes: Uint8Array, bytesMax: number): ShownBytes {
  const first = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, bytesMax));
  return { bytes: bytes.length, base64: first.toString("base64") };
}

function isPart(text: string): text is Part {
  return Object.hasOwn(PARTS, text);
}

function checkPart({ headerCount, ...record }: OneRecord, part: Part): void {
  if (part === "line") {
    if (headerCount <= READ_HEADERS_MAX) return;
    throw invalid(
      `the record has ${headerCount} headers; a line of JSON has at most ${READ_HEADERS_MAX}`,
    );
  }
  if (record[part] === null) throw invalid(`the ${part} of the record is null`);
}

function* lineOf(record: OneRecord, topic: string, partition: number): Generator<string, void> {
  yield* formatJsonPieces({ ...record, topic, partition });
  yield "\n";
}

/** Copies: what the record is part of may be a mapped file. */
function* piecesOf(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void> {
  for (let at = 0; at < bytes.length; at += DOWNLOAD_PIECE_BYTES) {
    yield bytes.slice(at, at + DOWNLOAD_PIECE_BYTES);
  }
}

/** Bytes as they come, and short texts together. */
async function* oneByOne(pieces: Iterable<Piece>): AsyncGenerator<Piece, void> {
  let text = "";
  for (const piece of pieces) {
    if (typeof piece !== "string") yield piece;
    else if (text.length + piece.length < DOWNLOAD_PIECE_BYTES) text += piece;
    else {
      yield text;
      text = piece;
    }
  }
  if (text !== "") yield text;
}
