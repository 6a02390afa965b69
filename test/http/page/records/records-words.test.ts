// What is said of a search. Leaves to others: the numbers (test/services/records/).
import { expect, test } from "bun:test";
import type { LoadedRecords } from "../../../../src/http/page/records/record-load.js";
import { placeOf } from "../../../../src/http/page/records/records-place.js";
import { downloadOf, stateWords } from "../../../../src/http/page/records/records-words.js";

const LOADED: LoadedRecords = {
  ...{ items: [], batches: [], start: "0", end: "9", bytes: 2048, unsearched: 0 },
  ...{ isOrderOpen: false, isDone: false, inexact: 0 },
  last: {
    ...{ topic: "t", topicId: "", hasOlder: true, hasNewer: false },
    ...{ from: "100", to: "5123", start: "100", end: "5000", items: [], batches: [] },
    // Whole batches, which begin before the range.
    ...{ records: 10_700, bytes: 2048, unsearched: 0, inexact: 0, partitions: 1, offline: [] },
    ...{ isCut: true, isOrderOpen: false, offsetsLeft: 123, offsetsTotal: 5023 },
  },
};

test("a search has looked at no more records than its range has", () => {
  const query = new URLSearchParams({ partition: "0", find: "x" });
  const place = placeOf({ view: "records", path: ["t"], query });
  expect(stateWords(place, LOADED, { isLoading: false, isFollowing: false })).toBe(
    "0 found · 4,900 of 5,023 records searched, 2 KiB read · there may be more",
  );
});

test("all matches of a search are downloaded by the same search", () => {
  const query = new URLSearchParams({ find: "5", in: "key", keys: "int64" });
  const place = placeOf({ view: "records", path: ["t"], query });
  expect(downloadOf(place, LOADED)).toBe(
    "/api/records/t/lines?from=100&to=5123&as=int64&find=5&in=key",
  );
});

test("a time that was found only to the batch is told", () => {
  const place = placeOf({
    view: "records",
    path: ["t"],
    query: new URLSearchParams({ find: "x" }),
  });
  const state = { isLoading: false, isFollowing: false };
  expect(stateWords(place, { ...LOADED, inexact: 2 }, state)).toEndWith(
    "2 partitions begin with the batch of the time, not with its first record: opening all batches would take too long",
  );
});
