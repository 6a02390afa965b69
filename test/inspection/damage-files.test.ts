// Every kind of damage to files other than logs and indexes is reported with its place and cause.
import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { encodeOffsetKey, encodeOffsetValue } from "../../src/groups/offsets/offset-record.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { stampBaseOffset } from "../../src/record/batch.js";
import { encodeCheckedFile } from "../../src/log/disk/checked-file.js";
import {
  appendTo,
  type Damage,
  edit,
  fileOf,
  linesAfter,
  sampleBatch,
  START_MS,
} from "./sample.js";

/** Writes a JSON file without its checksum, as an older release or a person does. */
function editFields(
  path: string,
  change: (fields: Record<string, unknown>) => Record<string, unknown>,
): void {
  edit(path, (bytes) => {
    const { crc32c: _, ...fields } = JSON.parse(bytes.toString());
    return Buffer.from(JSON.stringify(change(fields)));
  });
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString().replace(from, to));
}

describe("all other files", () => {
  const cases: readonly (readonly [string, Damage, readonly string[]])[] = [
    ["meta.json is gone", (path) => rmSync(path("meta.json")), ["damage: meta.json: "]],
    [
      "topic.json is gone",
      (path) => rmSync(path("topics/orders/topic.json")),
      ["damage: topics/orders/topic.json: it is missing, so the segments beside it are not served"],
    ],
    [
      "topic.json is of another topic",
      (path) =>
        copyFileSync(
          path("topics/__consumer_offsets/topic.json"),
          path("topics/orders/topic.json"),
        ),
      ["damage: topics/orders/topic.json: "],
    ],
    [
      "topic.json speaks of more partitions",
      (path) =>
        editFields(path("topics/orders/topic.json"), (fields) => ({ ...fields, partitions: 2 })),
      [
        "damage: topics/orders/1: the directory of a partition is missing",
        "note: topics/orders/topic.json: it has no checksum; the next start adds one",
      ],
    ],
    [
      "topic.json has a flipped bit",
      (path) => edit(path("topics/orders/topic.json"), (bytes) => replaced(bytes, ": 1", ": 3")),
      ["damage: topics/orders/topic.json: "],
    ],
    [
      "meta.json has a flipped bit",
      (path) => edit(path("meta.json"), (bytes) => replaced(bytes, ": 1", ": 3")),
      ["damage: meta.json: "],
    ],
    [
      "files of an older release",
      (path) => {
        for (const file of ["meta.json", "topics/orders/topic.json", "clean-shutdown.json"]) {
          editFields(path(file), (fields) => fields);
        }
      },
      [
        "note: clean-shutdown.json: it has no checksum; the next start ignores it",
        "note: meta.json: it has no checksum; the next start adds one",
        "note: topics/orders/topic.json: it has no checksum; the next start adds one",
      ],
    ],
    [
      "a partition too many",
      (path) => {
        mkdirSync(path("topics/orders/1"));
        copyFileSync(path(fileOf(0, "log")), path(fileOf(0, "log").replace("/0/", "/1/")));
      },
      [
        "damage: topics/orders/1: topic.json states 1 partitions; this one is not served",
        "note: clean-shutdown.json: it does not list orders/1",
      ],
    ],
    [
      "a snapshot that does not decode",
      (path) => truncateSync(path(fileOf(13, "snapshot")), 20),
      [`damage: ${fileOf(13, "snapshot")}: offset 13: its 20 bytes do not match their CRC-32C`],
    ],
    [
      "a snapshot of another offset",
      (path) => copyFileSync(path(fileOf(10, "snapshot")), path(fileOf(13, "snapshot"))),
      [
        `damage: ${fileOf(13, "snapshot")}: offset 13: it has epoch 0, sequence 4 (1 records) at offset 4, timestamp ${START_MS + 20} for producer 77, but the log has epoch 0, sequence 5 (2 records) at offset 10`,
      ],
    ],
    [
      "a snapshot beyond the log",
      (path) => copyFileSync(path(fileOf(10, "snapshot")), path(fileOf(99, "snapshot"))),
      [`damage: ${fileOf(99, "snapshot")}: offset 99: its offset is beyond the end of the log, 13`],
    ],
    [
      "a commit beyond the end",
      (path) => {
        rmSync(path("clean-shutdown.json"));
        rmSync(path(fileOf(13, "snapshot")));
        truncateSync(path(fileOf(4)), 5078);
        for (const kind of ["index", "timeindex"] as const) rmSync(path(fileOf(4, kind)));
        for (const kind of ["log", "index", "timeindex", "snapshot"] as const) {
          rmSync(path(fileOf(10, kind)));
        }
      },
      [
        "damage: topics/__consumer_offsets/0: offset 1: group 'billing' has committed offset 9 of orders-0, which ends at 5; the next start moves the group there",
      ],
    ],
    [
      "a commit that was beyond the end when it was made",
      (path) => {
        const topicId = JSON.parse(readFileSync(path("topics/orders/topic.json"), "utf8")).id;
        const details = { leaderEpoch: 0, metadata: "m", isAhead: true };
        const encoder = new BatchEncoder();
        encoder.append(
          START_MS,
          encodeOffsetKey({ group: "ahead", topic: "orders", partition: 0 }),
          encodeOffsetValue({ offset: 5_000, commitTimestamp: START_MS, topicId, details }),
        );
        const batch = encoder.finish();
        stampBaseOffset(batch, 0, 2);
        appendTo(path(fileOf(0, "log", "__consumer_offsets")), batch);
        rmSync(path("clean-shutdown.json"));
      },
      [],
    ],
    [
      "commits of a topic that is gone",
      (path) => {
        rmSync(path("topics/orders"), { recursive: true });
        rmSync(path("clean-shutdown.json"));
      },
      [
        "note: topics/__consumer_offsets/0: committed offsets of a deleted topic 'orders': 1; no other topic uses them",
      ],
    ],
    [
      "commits of an earlier topic that had the name",
      (path) => {
        const id = "00112233-4455-4677-8899-aabbccddeeff";
        editFields(path("topics/orders/topic.json"), (fields) => ({ ...fields, id }));
        rmSync(path("clean-shutdown.json"));
      },
      [
        "note: topics/__consumer_offsets/0: committed offsets of a deleted topic 'orders': 1; no other topic uses them",
        "note: topics/orders/topic.json: it has no checksum; the next start adds one",
      ],
    ],
    [
      "a record of the offsets topic that is none",
      (path) => {
        const batch = sampleBatch(["no offset"], START_MS);
        stampBaseOffset(batch, 0, 2);
        appendTo(path(fileOf(0, "log", "__consumer_offsets")), batch);
        rmSync(path("clean-shutdown.json"));
      },
      [
        "damage: topics/__consumer_offsets/0: offset 2: not a record of a group: its key of 3 bytes is cut off",
      ],
    ],
    [
      "a clean-shutdown.json that is none",
      (path) => writeFileSync(path("clean-shutdown.json"), "{"),
      ["damage: clean-shutdown.json: it is not JSON"],
    ],
    [
      "a clean-shutdown.json of less",
      (path) =>
        edit(path("clean-shutdown.json"), (bytes) => {
          const { crc32c: _, version: __, ...fields } = JSON.parse(bytes.toString());
          fields.partitions["orders/0"].bytes = 161;
          const format = { versionField: "version", version: 1, fields: [] };
          return Buffer.from(encodeCheckedFile(format, fields));
        }),
      [
        "damage: clean-shutdown.json: orders/0: its last segment had 161 bytes at the clean stop, but now has 162",
      ],
    ],
    [
      "leftovers of crashes",
      (path) => {
        mkdirSync(path("topics/+c-new"));
        mkdirSync(path("topics/+d-old"));
        writeFileSync(path(`${fileOf(4, "index")}.tmp`), "x");
        writeFileSync(path("meta.json.tmp"), "x");
        writeFileSync(path("topics/orders/topic.json.tmp"), "x");
        mkdirSync(path("topics/orders/1"));
        writeFileSync(path("topics/orders/1/00000000000000000000.log"), "");
      },
      [
        "note: meta.json.tmp: left over from a crash",
        "note: topics/+c-new: a topic that was being created; the next start removes it",
        "note: topics/+d-old: a topic that was being deleted; the next start removes it",
        "note: topics/orders/1: a partition that was being added; the next start removes it",
        "note: topics/orders/topic.json.tmp: left over from a crash",
        `note: ${fileOf(4, "index")}.tmp: left over from a crash; the next start removes it`,
      ],
    ],
    [
      "what is not ours",
      (path) => {
        writeFileSync(path("notes.txt"), "x");
        writeFileSync(path("topics/orders/notes.txt"), "x");
        writeFileSync(path("topics/orders/0/notes.log"), "x");
        writeFileSync(path(`${fileOf(4, "log")}.cut-12`), "x");
        mkdirSync(path("topics/lost+found"));
        mkdirSync(path("topics/+mine"));
      },
      [
        "note: notes.txt: not a RustLog file; ignored",
        "note: topics/+mine: not a topic: it has no topic.json; the broker ignores it",
        "note: topics/orders/notes.txt: not a RustLog file; ignored",
        `note: ${fileOf(4, "log")}.cut-12: 1 bytes that were truncated from a log; the broker never reads them`,
        "note: topics/orders/0/notes.log: not a file of a log; the broker ignores it",
      ],
    ],
  ];

  test.each(cases)("%s", async (_name, damage, expected) => {
    const lines = [...(await linesAfter(damage))].sort();
    const wanted = [...expected].sort();
    expect(lines.map((line, i) => line.slice(0, wanted[i]?.length))).toEqual(wanted);
  });
});
