// The pure parts of the records view: what an address means, the order of answers, and records as text.
import { describe, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { formatTime } from "../../../../src/http/page/parts/format.js";
import { inOrder, keyOf } from "../../../../src/http/page/records/record-order.js";
import {
  confluentText,
  hexDump,
  isReadable,
  jsonTokens,
  preview,
  printableLines,
  textOf,
  timeText,
} from "../../../../src/http/page/records/record-text.js";
import {
  hrefOfPlace,
  isSameList,
  placeOf,
  queryOf,
  withRange,
} from "../../../../src/http/page/records/records-place.js";
import { routeOf } from "../../../../src/http/page/router.js";
import type { RecordItem } from "../../../../src/services/records/record-item.js";

const placeAt = (hash: string) => placeOf(routeOf(hash));

describe("an address", () => {
  test("says how keys are shown, and what that makes of a search in them", () => {
    const [as, find] = ["#/records/t?keys=int64", "#/records/t?find=5&in=key&keys=int64"];
    expect(queryOf(placeAt(as), 9)).not.toHaveProperty("as");
    expect(queryOf(placeAt(find), 9)).toMatchObject({
      ...{ search: "find=5&in=key", as: "int64" },
    });
    expect(queryOf(placeAt(find.replace("int64", "text")), 9)).not.toHaveProperty("as");
    expect(placeAt("#/records/t?keys=float").keys).toBe("");
    expect(isSameList(placeAt(as), placeAt("#/records/t"))).toBe(true);
    expect(isSameList(placeAt(find), placeAt("#/records/t?find=5&in=key"))).toBe(false);
  });

  test("is the same after it was read", () => {
    const query =
      "partition=2&from=%40-1h&at=77&dir=older&find=a+b&in=key&case=ignore&keys=int64&tail=1";
    const hash = `#/records/orders?${query}&record=2%2F77&tab=hex`;
    expect(hrefOfPlace(placeAt(hash))).toBe(hash);
    expect(hrefOfPlace(placeAt("#/records"))).toBe("#/records");
  });

  test("asks for the newest records, unless it says where to start", () => {
    expect(queryOf(placeAt("#/records/t"), 9)).toEqual({ dir: "older", limit: "9" });
    expect(queryOf(placeAt("#/records/t?from=latest"), 9)).toEqual({ dir: "older", limit: "9" });
    expect(queryOf(placeAt("#/records/t?partition=0&from=-10"), 9)).toEqual({
      ...{ partition: "0", from: "-10", dir: "newer", limit: "9" },
    });
  });

  test("does not end at its start when it goes back, unless that is the start of a range", () => {
    const query = "from=100&at=100&dir=older";
    expect(queryOf(placeAt(`#/records/t?${query}`), 9)).not.toHaveProperty("from");
    expect(queryOf(placeAt(`#/records/t?${query}&find=x`), 9)).toHaveProperty("from", "100");
  });

  test("means a time of the reader's clock, unless it has a zone", () => {
    const asked = (from: string) => queryOf({ ...placeAt("#/records/t"), from }, 9).from;
    expect(asked("@2026-07-01 12:00")).toBe(`@${new Date(2026, 6, 1, 12).getTime()}`);
    expect(asked("@2026-07-01")).toBe(`@${new Date(2026, 6, 1).getTime()}`);
    expect(asked("@2026-07-01T12:00Z")).toBe(`@${Date.UTC(2026, 6, 1, 12)}`);
    for (const text of ["@-1h", "@5", "earliest", "7"]) expect(asked(text)).toBe(text);
  });
});

test("a start may be a range, as on the command line", () => {
  const rangeOf = (from: string) => withRange({ ...placeAt("#/records/t"), from });
  expect(rangeOf("@-1h:@-10m")).toMatchObject({ from: "@-1h", to: "@-10m" });
  expect(rangeOf(":42")).toMatchObject({ from: "earliest", to: "42" });
  expect(rangeOf("@2026-07-01 12:00")).toMatchObject({ from: "@2026-07-01 12:00", to: "" });
});

const record = (partition: number, offset: number, timestamp: number): RecordItem => ({
  ...{ kind: "record", partition, offset, timestamp, key: null, value: null, headers: [] },
  ...{ headerCount: 0, bytes: 10, batch: 0 },
});
const gap = (partition: number, from: number, to: number): RecordItem => ({
  ...{ kind: "gap", partition, from, to, why: "compacted" },
});

describe("the order of records", () => {
  test("is by time, and in a partition by offset", () => {
    const items = [record(1, 5, 30), record(0, 1, 20), record(0, 2, 10), record(1, 6, 40)];
    expect(inOrder(items).map(keyOf)).toEqual([
      ...["record 0 1", "record 0 2", "record 1 5", "record 1 6"],
    ]);
  });

  test("joins gaps that were told in parts", () => {
    const items = [gap(0, 5, 9), record(0, 4, 1), gap(0, 9, 12), gap(0, 13, 14), record(0, 12, 2)];
    expect(inOrder(items)).toEqual([
      ...[record(0, 4, 1), gap(0, 5, 12), record(0, 12, 2), gap(0, 13, 14)],
    ]);
  });

  test("property: it keeps every record, and each partition in its order", () => {
    const place = fc.tuple(fc.nat(3), fc.nat(50), fc.nat(100));
    fc.assert(
      fc.property(fc.uniqueArray(place, { selector: ([p, o]) => `${p} ${o}` }), (places) => {
        const found = inOrder(places.map(([p, o, t]) => record(p, o, t)));
        expect(found.length).toBe(places.length);
        for (let p = 0; p < 4; p++) {
          const offsets = found.flatMap((each) =>
            each.partition === p && "offset" in each ? [each.offset] : [],
          );
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});

describe("text", () => {
  test("of a preview is on one line, and says what it leaves out", () => {
    expect(preview({ bytes: 9, text: "a\nb\u202e", isCut: true })).toEqual({
      ...{ text: "a\\nb\\u202e…", isText: true },
    });
    const bytes = Buffer.from(Array.from({ length: 30 }, (_, i) => i));
    expect(preview({ bytes: 30, base64: bytes.toString("base64") }).text).toEndWith("16 17 …");
    expect(preview({ bytes: 2, base64: "AP8=" })).toEqual({ text: "00 ff", isText: false });
  });

  test("is readable without invisible characters", () => {
    expect(["é 1", "a\tb\r\nc", "\0\0\0{", "\x1b[1m", undefined].map(isReadable)).toEqual([
      ...[true, true, false, false, false],
    ]);
  });

  test("of a Confluent header has the id of the schema", () => {
    const bytes = Uint8Array.of(9, 0, 0, 0, 0, 42, 2, 6).subarray(1);
    expect(confluentText(bytes, 7)).toBe("As a Confluent header: schema id 42, then 2 bytes");
    expect(confluentText(bytes, 1000)).toEndWith("then 995 bytes");
    for (const other of [bytes.subarray(0, 5), Uint8Array.of(1, 0, 0, 0, 42, 2), new Uint8Array(9)])
      expect(confluentText(other, other.length)).toBeUndefined();
  });

  test("of many lines keeps its lines and tabs, and shows what is invisible", () => {
    expect(printableLines("a\tb\nc\x1b[1m")).toBe("a\tb\nc\\x1b[1m");
  });

  test("is none if the bytes are not UTF-8, but may be cut off inside of a character", () => {
    const bytes = Buffer.from("aé").subarray(0, 2);
    expect(textOf(bytes, true)).toBe("a");
    expect(textOf(bytes, false)).toBeUndefined();
    expect(textOf(Uint8Array.of(0xff), true)).toBeUndefined();
  });

  test("of a time is of a clock", () => {
    expect(timeText(Date.UTC(2026, 6, 1, 12, 0, 0, 5), true)).toBe("2026-07-01 12:00:00.005");
    expect(timeText(new Date(2026, 6, 1, 12).getTime(), false)).toBe("2026-07-01 12:00:00.000");
    expect([timeText(-1, true), timeText(9e15, false)]).toEqual(["no time", "9000000000000000 ms"]);
    // The last moment of a Date is no time of the clock to the east of Greenwich.
    const offset = spyOn(Date.prototype, "getTimezoneOffset").mockReturnValue(-60);
    const last = [timeText(8.64e15, false), formatTime(8.64e15)];
    offset.mockRestore();
    expect(last).toEqual(["8640000000000000 ms", "8640000000000000 ms"]);
  });

  test("of bytes has 16 of them a line", () => {
    const [first, second, ...others] = hexDump(Buffer.from("0123456789abcdef\n")).split("\n");
    expect(first).toBe(
      "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef",
    );
    expect(second).toBe(`00000010  0a${" ".repeat(45)}  ·`);
    expect(others).toEqual([]);
  });
});

describe("JSON", () => {
  const shown = (text: string): string | undefined =>
    jsonTokens(text)
      ?.map((token) => token.text)
      .join("");

  test("is on lines of its own, with its numbers as they were written", () => {
    expect(shown('{"a":[1.50,12345678901234567890],"b":{},"c":[{"d":null}]}')).toBe(
      [
        ...["{", '  "a": [', "    1.50,", "    12345678901234567890", "  ],", '  "b": {},'],
        ...['  "c": [', "    {", '      "d": null', "    }", "  ]", "}"],
      ].join("\n"),
    );
    expect(jsonTokens('{"a": "b"}')?.map(({ kind }) => kind)).toEqual([
      ...(["mark", "name", "mark", "string", "mark"] as const),
    ]);
  });

  test("is none if it can't be parsed", () => {
    for (const text of ["", "{", "{a:1}", "[1,]", "NaN"]) expect(shown(text)).toBeUndefined();
  });

  test("property: it is as JSON.stringify has it, but for what is invisible", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: true, stringUnit: "grapheme-ascii" }),
        (value) => {
          const expected = JSON.stringify(value, null, 2);
          expect(shown(JSON.stringify(value))).toBe(expected);
          expect(shown(expected)).toBe(expected);
        },
      ),
    );
  });
});
