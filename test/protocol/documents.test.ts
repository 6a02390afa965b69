// docs/PROTOCOL.md against the code: its tables, its numbers, and its example against a broker.
import { describe, expect, test } from "bun:test";
import { brokerCommand } from "../../src/cli/broker.js";
import { ERRORS, type ErrorName, RustLogError } from "../../src/errors.js";
import * as limits from "../../src/limits.js";
import { OPERATIONS, RESOURCE_TYPES } from "../../src/security/permission.js";
import { API_NAMES, APIS } from "../../src/protocol/native/api-versions.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import {
  API,
  type ApiName,
  encodeErrorResponse,
  encodeRequest,
} from "../../src/protocol/native/messages.js";
import { Ping } from "../../src/protocol/native/meta.js";
import { Produce } from "../../src/protocol/native/produce.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  CODECS,
  FIELD,
  stampBaseOffset,
} from "../../src/record/batch.js";
import { crc32c } from "../../src/record/crc32c.js";
import { writeVarint } from "../../src/record/varint.js";
import { isActive, TOPIC_CONFIG_NAMES, TOPIC_CONFIGS } from "../../src/topics/topic-configs.js";
import { ownLimits } from "../../src/topics/topic-settings.js";
import { startBroker } from "../support/broker.js";
import { RawClient } from "../support/raw-client.js";
import { thrownBy } from "./codecs.js";
import {
  DOCUMENT,
  exampleBatch,
  fieldsOf,
  hexBlock,
  number,
  plain,
  section,
  table,
  valuesOf,
} from "./document.js";
import { type Field, GRAMMAR, isArray } from "./grammar.js";
import { encodeFetchResponse, encodeProduceRequest } from "../support/whole-frames.js";

const utf8 = new TextEncoder();
const KEYS = Object.entries(API) as [ApiName, number][];
const ERROR_NAMES = Object.keys(ERRORS) as ErrorName[];

describe("the APIs", () => {
  test("are those of the code, with their keys", () => {
    const rows = table(section("## 8. The APIs"), "key");
    const listed = rows.map((row) => [/\[(\w+)\]/.exec(row.API ?? "")?.[1], number(row.key)]);
    expect(listed).toEqual(KEYS);
  });

  test.each(KEYS)("%s (%d) has the fields of the code", (name, key) => {
    const heading = `### ${key} ${name}`;
    expect(fieldsOf(heading, "Request")).toEqual(documented(GRAMMAR[name].request));
    expect(fieldsOf(heading, "Response")).toEqual(documented(GRAMMAR[name].response));
  });

  test("have the versions of the code", () => {
    const rows = table(section("## 8. The APIs"), "key");
    const listed = rows.map((row) => (row.versions ?? "").split(" to ").map(number));
    const expected = API_NAMES.map((name) => APIS[name].versions);
    expect(listed).toEqual(expected.map(({ min, max }) => (min === max ? [min] : [min, max])));
  });

  test("have a version for each of their fields, and a field for each version", () => {
    const versionsOf = (fields: readonly Field[]): number[] =>
      fields.flatMap(({ type, since = 1 }) => [since, ...(isArray(type) ? versionsOf(type) : [])]);
    for (const name of API_NAMES) {
      const { request, response } = GRAMMAR[name];
      const used = new Set([1, ...versionsOf(request), ...versionsOf(response)]);
      const { min, max } = APIS[name].versions;
      const there = Array.from({ length: max - min + 1 }, (_, index) => min + index);
      expect([name, [...used].sort((a, b) => a - b)]).toEqual([name, there]);
    }
  });

  test("the settings of a topic and their ranges", () => {
    const rows = table(section("### 5 CreateTopic"), "setting");
    const active = TOPIC_CONFIG_NAMES.filter((name) => isActive(TOPIC_CONFIGS[name]));
    expect(rows.map((row) => plain(row.setting))).toEqual(active);
    for (const row of rows) {
      const limitsFor = (value: string): unknown => ownLimits({ [plain(row.setting)]: value });
      const { accepted, refused } = valuesOf(row);
      for (const value of accepted) expect(limitsFor(value)).toBeObject();
      for (const value of refused) {
        expect(thrownBy(() => limitsFor(value))).toMatchObject({ code: "INVALID_CONFIG" });
      }
    }
  });
});

describe("the errors", () => {
  test("are those of the code: number, name, whether a retry can help, what to do", () => {
    const rows = table(section("## 12. Errors"), "number").map((row) => ({
      wire: number(row.number),
      name: plain(row.name),
      retriable: row.retriable === "yes",
      help: row["what to do"] ?? "",
    }));
    const expected = ERROR_NAMES.map((name) => ({ name, ...ERRORS[name] }));
    expect(rows).toEqual(expected.sort((a, b) => a.wire - b.wire));
  });

  test("have distinct numbers, which fit the field and are not 0", () => {
    const numbers = Object.values(ERRORS).map((kind) => kind.wire);
    expect(numbers.filter((wire, index) => numbers.indexOf(wire) !== index)).toEqual([]);
    for (const wire of numbers) expect(wire >= 1 && wire <= 0xffff).toBe(true);
  });

  test("that the document names exist", () => {
    const named = [...DOCUMENT.matchAll(/`([A-Z]{2,}(?:_[A-Z]+)+)`/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(50);
    const ofRules = { ...OPERATIONS, ...RESOURCE_TYPES };
    const unknown = named.filter((name) => !(name in ERRORS) && !(name in ofRules));
    expect(unknown).toEqual([]);
  });
});

test("the limits are those of the code", () => {
  const expected: Readonly<Record<string, number>> = {
    "payload of a request's frame, bytes": limits.FRAME_BYTES_MAX_DEFAULT,
    "payload of a request that is no Produce, bytes": limits.REQUEST_BYTES_MAX,
    "record batch, bytes": limits.BATCH_BYTES_MAX_DEFAULT,
    "unanswered plus unsent bytes of a connection": limits.CONNECTION_BYTES_MAX_DEFAULT,
    "unanswered requests and untaken responses of a connection": limits.CONNECTION_REQUESTS_MAX,
    "unsent bytes of responses of a connection, log data not counted": limits.UNSENT_BYTES_MAX,
    "bytes that all connections keep in memory": limits.INFLIGHT_BYTES_MAX_DEFAULT,
    connections: limits.CONNECTIONS_MAX_DEFAULT,
    "idle timeout, milliseconds": limits.IDLE_TIMEOUT_MS_DEFAULT,
    "wait of a Fetch, milliseconds": limits.FETCH_WAIT_MS_MAX,
    "Fetches that wait, on all connections": limits.FETCH_WAITS_MAX,
    "topic name, characters": limits.TOPIC_NAME_LENGTH_MAX,
    "group name, bytes of UTF-8": limits.GROUP_NAME_BYTES_MAX,
    "partitions of a topic": limits.PARTITIONS_MAX,
    "partitions in one OffsetCommit, OffsetFetch, OffsetDelete or DeleteRecords":
      limits.OFFSET_ENTRIES_MAX,
    "topics in one GroupHeartbeat": limits.MEMBER_TOPICS_MAX,
    "items in a page of a list": limits.PAGE_ITEMS_MAX,
    "settings in one CreateTopic or AlterTopic": limits.TOPIC_SETTINGS_MAX,
  };
  const rows = table(section("## 7. Limits"), "limit");
  expect(Object.fromEntries(rows.map((row) => [row.limit, number(row.default)]))).toEqual(expected);
  expect(section("## 7. Limits")).toContain(
    `plus ${limits.FRAME_OVERHEAD_BYTES.toLocaleString("en")} bytes`,
  );
  for (const highest of [limits.FRAME_BYTES_HIGHEST, limits.BATCH_BYTES_HIGHEST]) {
    expect(section("## 7. Limits")).toContain(` over ${highest.toLocaleString("en")}`);
  }
});

test("the flags are those of the broker", () => {
  const flags = brokerCommand().options.map((option) => option.long ?? "");
  const named = [...DOCUMENT.matchAll(/--[a-z][a-z-]+/g)].map((match) => match[0]);
  expect(named.length).toBeGreaterThan(10);
  for (const flag of named) expect(flags).toContain(flag);
});

describe("the record batch", () => {
  const text = section("## 9. The record batch");

  test("has its fields at the positions of the code, each as wide as its type", () => {
    const rows = table(text, "at").map((row) => ({
      at: number(row.at),
      name: plain(row.field),
      type: row.type ?? "",
    }));
    const listed = rows.map((row) => [row.name, row.at]);
    expect(Object.fromEntries(listed)).toEqual({ ...FIELD });
    for (const [index, row] of rows.slice(0, -1).entries()) {
      expect([row.name, row.at + widthOf(row.type)]).toEqual([row.name, rows[index + 1]!.at]);
    }
    expect(text).toContain(`A header of ${BATCH_HEADER_BYTES} bytes`);
    expect(text).toContain(`the size of the batch minus ${BATCH_OVERHEAD_BYTES}`);
  });

  test("has the codecs of the code", () => {
    const rows = table(text, "codec");
    expect(rows.map((row) => row.name)).toEqual([...CODECS]);
    expect(rows.map((row) => number(row.codec))).toEqual(CODECS.map((_, index) => index));
  });

  test("has the CRC of the code", () => {
    const rows = table(section("### CRC-32C"), "parameter");
    const value = (parameter: string): number =>
      number(rows.find((row) => row.parameter === parameter)?.value);
    const reflected = value("the same, reflected");
    expect(reverseBits(value("polynomial"))).toBe(reflected);
    const bitByBit = (bytes: Uint8Array): number => {
      let crc = value("initial value");
      for (const byte of bytes) {
        crc ^= byte;
        for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? reflected : 0);
      }
      return (crc ^ value("final XOR")) >>> 0;
    };
    const check = utf8.encode("123456789");
    expect(bitByBit(check)).toBe(value("CRC of the ASCII bytes `123456789`"));
    const long = Uint8Array.from({ length: 2000 }, (_, at) => at * 7);
    for (const bytes of [check, long]) expect(crc32c(bytes, 0, bytes.length)).toBe(bitByBit(bytes));
  });

  test("has the varints of the code", () => {
    const rows = table(section("### Varints"), "number");
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) {
      const bytes = new Uint8Array(5);
      const written = bytes.subarray(0, writeVarint(bytes, 0, number(row.number)));
      expect([row.number, Buffer.from(written).toString("hex")]).toEqual([
        row.number,
        (row.bytes ?? "").replaceAll(" ", ""),
      ]);
    }
  });
});

describe("the worked example", () => {
  const produce = (id: number): Uint8Array =>
    encodeProduceRequest(id, { topic: "greetings", partition: 0, batch: exampleBatch() });
  const head = { startOffset: 1, nextOffset: 2, highWatermark: 2, logStartOffset: 0 };
  const fetched = exampleBatch();
  stampBaseOffset(fetched, 0, 1);

  test.each([
    ["Ping request", Ping.encodeRequest(1, {})],
    ["Ping response", Ping.encodeResponse(1, {})],
    ["Produce request", produce(2)],
    ["Produce response", Produce.encodeResponse(2, { baseOffset: 0, logAppendTime: -1 })],
    ["Second Produce response", Produce.encodeResponse(3, { baseOffset: 1, logAppendTime: -1 })],
    [
      "Fetch request",
      Fetch.encodeRequest(4, {
        group: "",
        topic: "greetings",
        partition: 0,
        offset: 1,
        maxBytes: 1_048_576,
        minBytes: 1,
        maxWaitMs: 500,
      }),
    ],
    ["Fetch response", encodeFetchResponse(4, { ...head, batches: fetched })],
    ["Refused request", encodeRequest(99, 5, () => {})],
    [
      "Error response",
      encodeErrorResponse(
        5,
        new RustLogError(
          "UNSUPPORTED_VERSION",
          "there is no API with the key 99; ApiVersions lists what there is",
        ),
      ),
    ],
  ])("%s is what the code makes", (title, bytes) => {
    expect(hexBlock(title).toHex()).toBe(Uint8Array.from(bytes).toHex());
  });

  test("is what a broker returns", async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.broker.port);
    const secondProduce = hexBlock("Produce request");
    secondProduce[9] = 3;
    const steps = [
      ["Ping response", 1, hexBlock("Ping request")],
      ["Produce response", 2, hexBlock("Produce request")],
      ["Second Produce response", 3, secondProduce],
      ["Fetch response", 4, hexBlock("Fetch request")],
      ["Error response", 5, hexBlock("Refused request")],
    ] as const;
    for (const [title, correlationId, request] of steps) {
      client.send(request);
      const payload = await client.response(correlationId);
      expect([title, payload.toHex()]).toEqual([title, hexBlock(title).subarray(4).toHex()]);
    }
  });
});

test("every link within the document leads somewhere", () => {
  const anchors = [...DOCUMENT.matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );
  const links = [...DOCUMENT.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]!);
  expect(links.length).toBeGreaterThan(25);
  for (const link of links) expect(anchors).toContain(link);
});

/** Fields without the values for older versions, which are not part of the protocol. */
function documented(fields: readonly Field[]): readonly Field[] {
  return fields.map(({ name, type, since }) => ({
    name,
    type: isArray(type) ? documented(type) : type,
    ...(since !== undefined && { since }),
  }));
}

function widthOf(type: string): number {
  const bits = /^[iu](8|16|32|64)$/.exec(type)?.[1];
  if (bits === undefined) throw new Error(`'${type}' has no width`);
  return Number(bits) / 8;
}

function reverseBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((value >>> bit) & 1);
  return reversed >>> 0;
}
