import { describe, expect, test } from "bun:test";
import { VERSION } from "../../src/broker/version.js";
import {
  DeleteGroup,
  DescribeGroup,
  describeAfter,
  ListGroups,
} from "../../src/protocol/native/groups.js";
import { pageAfter } from "../../src/protocol/native/page.js";
import { API_NAMES, APIS } from "../../src/protocol/native/api-versions.js";
import { API } from "../../src/protocol/native/messages.js";
import { ApiVersions } from "../../src/protocol/native/meta.js";
import {
  BY_NO_MEMBER,
  ListOffsets,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  type OffsetCommitRequest,
  type OffsetDeleteRequest,
} from "../../src/protocol/native/offsets.js";
import {
  AlterTopic,
  CreateTopic,
  DeleteRecords,
  DeleteTopic,
  DescribeTopic,
  ListTopics,
} from "../../src/protocol/native/topics.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { batchOf, recordsIn, type Session, startBroker } from "../support/broker.js";
import { withTempDir } from "../support/tmp.js";

/** The calls of the protocol, by name. */
function apis(session: Session) {
  return {
    create: (topic: string, partitions = 1, settings: Record<string, string> = {}) =>
      session.call(
        (id) =>
          CreateTopic.encodeRequest(id, {
            topic,
            partitions,
            settings: Object.entries(settings).map(([name, value]) => ({ name, value })),
          }),
        CreateTopic.decodeResponse,
      ),
    list: () =>
      session.call((id) => ListTopics.encodeRequest(id, pageAfter()), ListTopics.decodeResponse),
    describe: (topic: string) =>
      session.call(
        (id) => DescribeTopic.encodeRequest(id, { topic, createIfMissing: false }),
        DescribeTopic.decodeResponse,
      ),
    remove: (topic: string) =>
      session.call((id) => DeleteTopic.encodeRequest(id, { topic }), DeleteTopic.decodeResponse),
    commit: (group: string, ...offsets: OffsetCommitRequest["offsets"]) =>
      session.call(
        (id) => OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group, offsets }),
        OffsetCommit.decodeResponse,
      ),
    deleteOffsets: (group: string, ...partitions: OffsetDeleteRequest["partitions"]) =>
      session.call(
        (id) => OffsetDelete.encodeRequest(id, { group, partitions }),
        OffsetDelete.decodeResponse,
      ),
    async committed(group: string, topic: string, ...partitions: number[]) {
      const request = { group, partitions: partitions.map((partition) => ({ topic, partition })) };
      const { offsets } = await session.call(
        (id) => OffsetFetch.encodeRequest(id, request),
        OffsetFetch.decodeResponse,
      );
      return offsets.map(({ offset }) => offset);
    },
    offsetAt: (topic: string, timestamp: number, partition = 0) =>
      session.call(
        (id) => ListOffsets.encodeRequest(id, { topic, partition, timestamp }),
        ListOffsets.decodeResponse,
      ),
    groups: () =>
      session.call((id) => ListGroups.encodeRequest(id, pageAfter()), ListGroups.decodeResponse),
    describeGroup: (group: string) =>
      session.call(
        (id) => DescribeGroup.encodeRequest(id, describeAfter(group)),
        DescribeGroup.decodeResponse,
      ),
    deleteGroup: (group: string) =>
      session.call((id) => DeleteGroup.encodeRequest(id, { group }), DeleteGroup.decodeResponse),
  };
}

/** The code of the error that a call ends with. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof Error && "code" in error ? String(error.code) : "no error";
}

describe("topics", () => {
  test("are created, listed, described and deleted", async () => {
    await using broker = await startBroker({ defaultPartitions: 3 });
    using session = await broker.session();
    const { create, list, describe, remove } = apis(session);
    expect(await create("b", 0)).toEqual({ partitions: 3 });
    expect(await create("a", 2, { "segment.bytes": "4096" })).toEqual({ partitions: 2 });
    await session.produce("a", 1, batchOf("x", "y"));
    expect((await list()).topics).toEqual([
      { name: "a", partitions: 2, internal: false, offline: 0 },
      { name: "b", partitions: 3, internal: false, offline: 0 },
    ]);
    const described = await describe("a");
    expect(described).toMatchObject({
      name: "a",
      internal: false,
      settings: [{ name: "segment.bytes", value: "4096" }],
    });
    expect(described.partitions).toMatchObject([
      { partition: 0, logStartOffset: 0, highWatermark: 0, logEndOffset: 0, segments: 1, bytes: 0 },
      { partition: 1, logStartOffset: 0, highWatermark: 2, logEndOffset: 2, segments: 1 },
    ]);
    await remove("a");
    expect((await list()).topics.map((topic) => topic.name)).toEqual(["b"]);
    expect(await codeOf(describe("a"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  test("refuse invalid requests, each with its error", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    const { create, describe, remove, list } = apis(session);
    await create("there");
    for (const name of ["", ".", "..", "a/b", "a\0b", "ü", "x".repeat(250), "__consumer_offsets"]) {
      expect(`${name} ${await codeOf(create(name))}`).toBe(`${name} INVALID_TOPIC`);
    }
    expect(await codeOf(create("there"))).toBe("TOPIC_ALREADY_EXISTS");
    expect(await codeOf(create("many", 10_001))).toBe("INVALID_PARTITIONS");
    expect(await codeOf(create("set", 1, { "no.such": "1" }))).toBe("INVALID_CONFIG");
    expect(await codeOf(create("set", 1, { __proto__x: "1" }))).toBe("INVALID_CONFIG");
    expect(await codeOf(create("set", 1, { "segment.bytes": "few" }))).toBe("INVALID_CONFIG");
    expect(await codeOf(describe("missing"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await codeOf(remove("missing"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await codeOf(remove("__consumer_offsets"))).toBe("INVALID_TOPIC");
    expect((await list()).topics.map((topic) => topic.name)).toEqual(["there"]);
  });

  test("lose their committed offsets when they are deleted", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    const { commit, committed, remove, groups } = apis(session);
    await session.produce("t", 0, batchOf("a", "b"));
    await session.produce("u", 0, batchOf("a"));
    await commit(
      "g",
      { topic: "t", partition: 0, offset: 2 },
      { topic: "u", partition: 0, offset: 1 },
    );
    await remove("t");
    await session.produce("t", 0, batchOf("new"));
    expect(await committed("g", "t", 0)).toEqual([-1]);
    expect(await committed("g", "u", 0)).toEqual([1]);
    const fetched = await session.fetch({ topic: "t", group: "g" });
    expect(recordsIn(fetched.batches)).toEqual(["0:new"]);
    expect((await groups()).groups).toMatchObject([{ group: "g", partitions: 1 }]);
  });
});

describe("AlterTopic, and all settings with DescribeTopic", () => {
  test("change a topic that is in use, and a restart keeps the change", async () => {
    await withTempDir(async (dataDir) => {
      await using broker = await startBroker({ dataDir, retentionMs: 5_000 });
      using session = await broker.session();
      const { create, describe } = apis(session);
      await create("t", 1, { "segment.bytes": "4096" });
      const request = {
        ...{ topic: "t", partitions: 2, validateOnly: false },
        settings: [{ name: "max.message.bytes", value: "80" }],
        deletedSettings: [{ name: "segment.bytes" }],
      };
      const alter = (validateOnly: boolean) =>
        session.call(
          (id) => AlterTopic.encodeRequest(id, { ...request, validateOnly }),
          AlterTopic.decodeResponse,
        );
      const answer = { previousPartitions: 1, partitions: 2, settings: request.settings };
      expect(await alter(true)).toMatchObject(answer);
      await session.produce("t", 0, batchOf("x".repeat(100)));
      expect(await alter(false)).toMatchObject(answer);
      expect(await codeOf(alter(false))).toBe("INVALID_PARTITIONS");
      const tooLarge = session.produce("t", 0, batchOf("x".repeat(100)));
      expect(await codeOf(tooLarge)).toBe("MESSAGE_TOO_LARGE");
      const { settings } = await describe("t");
      expect(settings).toEqual([{ name: "max.message.bytes", value: "80", source: "topic" }]);
      await broker.broker.stop();
      await using again = await startBroker({ dataDir, retentionMs: 5_000 });
      using later = await again.session();
      const all = await later.call(
        (id) => DescribeTopic.encodeRequest(id, { topic: "t", createIfMissing: false }, 4),
        (payload) => DescribeTopic.decodeResponse(payload, 4),
      );
      expect(all.partitions).toHaveLength(2);
      const of = (name: string) => all.settings.find((setting) => setting.name === name);
      expect(of("max.message.bytes")).toMatchObject({ value: "80", source: "topic" });
      expect(of("retention.ms")).toMatchObject({ value: "5000", source: "broker" });
      expect(of("cleanup.policy")).toMatchObject({ value: "delete", source: "default" });
    });
  });
});

describe("DeleteRecords", () => {
  test("deletes of all partitions or, if one is wrong, of none", async () => {
    await using broker = await startBroker({ defaultPartitions: 2 });
    using session = await broker.session();
    const { describe } = apis(session);
    for (const partition of [0, 1]) await session.produce("t", partition, batchOf("a", "b", "c"));
    const trim = async (...offsets: number[]) => {
      const partitions = offsets.map((offset, partition) => ({ topic: "t", partition, offset }));
      const { partitions: rows } = await session.call(
        (id) => DeleteRecords.encodeRequest(id, { partitions }),
        DeleteRecords.decodeResponse,
      );
      return rows.map(({ logStartOffset }) => logStartOffset);
    };
    expect(await codeOf(trim(2, 4))).toBe("OFFSET_OUT_OF_RANGE");
    expect(await codeOf(trim(2, 1, 0))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect((await describe("t")).partitions.map((row) => row.logStartOffset)).toEqual([0, 0]);
    expect(await trim(2, -1)).toEqual([2, 3]);
    expect(await trim(1, 0)).toEqual([2, 3]);
    expect((await describe("t")).partitions.map((row) => row.logStartOffset)).toEqual([2, 3]);
    expect(await codeOf(session.fetch({ topic: "t", offset: 1 }))).toBe("OFFSET_OUT_OF_RANGE");
  });
});

describe("committed offsets", () => {
  test("determine where a group's fetch starts, unless it asks for later records", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    const { commit } = apis(session);
    for (const value of ["a", "b", "c"]) await session.produce("t", 0, batchOf(value));
    const start = async (group: string, offset: number) => {
      const fetched = await session.fetch({ topic: "t", group, offset });
      return [fetched.startOffset, ...recordsIn(fetched.batches)];
    };
    expect(await start("g", 0)).toEqual([0, "0:a", "1:b", "2:c"]);
    await commit("g", { topic: "t", partition: 0, offset: 2 });
    expect(await start("g", 0)).toEqual([2, "2:c"]);
    expect(await start("g", 3)).toEqual([3]);
    expect(await start("other", 1)).toEqual([1, "1:b", "2:c"]);
    await commit("g", { topic: "t", partition: 0, offset: 1 });
    expect(await start("g", 0)).toEqual([1, "1:b", "2:c"]);
  });

  test("are refused as a whole if a partition is named twice", async () => {
    await using started = await startBroker({ defaultPartitions: 2 });
    using session = await started.session();
    const { commit, committed } = apis(session);
    await session.produce("t", 0, batchOf("a"));
    const first = { topic: "t", partition: 0, offset: 1 };
    const other = { topic: "t", partition: 1, offset: 0 };
    const twice = commit("g", first, other, { ...first, offset: 0 });
    await expect(twice).rejects.toThrow("t-0 is named twice");
    expect(await codeOf(twice)).toBe("INVALID_REQUEST");
    expect(await committed("g", "t", 0, 1)).toEqual([-1, -1]);
    await commit("g", first, other);
    expect(await committed("g", "t", 0, 1)).toEqual([1, 0]);
  });

  test("are committed all or none", async () => {
    await using broker = await startBroker({ defaultPartitions: 3 });
    using session = await broker.session();
    const { commit, committed } = apis(session);
    await session.produce("t", 0, batchOf("a", "b"));
    await session.produce("t", 1, batchOf("a", "b"));
    const good = { topic: "t", partition: 0, offset: 2 };
    const wrong: [OffsetCommitRequest["offsets"][number], string][] = [
      [{ topic: "t", partition: 2, offset: 1 }, "OFFSET_OUT_OF_RANGE"],
      [{ topic: "t", partition: 1, offset: 3 }, "OFFSET_OUT_OF_RANGE"],
      [{ topic: "t", partition: 1, offset: -1 }, "OFFSET_OUT_OF_RANGE"],
      [{ topic: "t", partition: 3, offset: 0 }, "UNKNOWN_TOPIC_OR_PARTITION"],
      [{ topic: "u", partition: 0, offset: 0 }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ];
    for (const [entry, code] of wrong) {
      expect(await codeOf(commit("g", good, entry))).toBe(code);
    }
    expect(await committed("g", "t", 0, 1)).toEqual([-1, -1]);
    await commit("g", good, { topic: "t", partition: 1, offset: 0 });
    expect(await committed("g", "t", 0, 1)).toEqual([2, 0]);
    for (const group of ["", "g".repeat(250), "ü".repeat(125)]) {
      expect(await codeOf(commit(group, good))).toBe("INVALID_GROUP");
      expect(await codeOf(committed(group, "t", 0))).toBe("INVALID_GROUP");
    }
    expect(await codeOf(committed("g", "u", 0))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  test("survive a restart, unless they are kept in memory", async () => {
    await withTempDir(async (dataDir) => {
      const found: number[][] = [];
      for (const offsets of ["durable", "durable", "memory"] as const) {
        await using broker = await startBroker({ dataDir, offsets });
        using session = await broker.session();
        const { commit, committed } = apis(session);
        found.push(await committed("g", "t", 0).catch(() => [-1]));
        await session.produce("t", 0, batchOf("a"));
        await commit("g", { topic: "t", partition: 0, offset: 1 });
        expect(await committed("g", "t", 0)).toEqual([1]);
      }
      expect(found).toEqual([[-1], [1], [-1]]);
    });
  });
});

describe("OffsetDelete", () => {
  test("deletes all or none, returns what they were, and a restart keeps it so", async () => {
    await withTempDir(async (dataDir) => {
      await using broker = await startBroker({ dataDir, defaultPartitions: 3 });
      using session = await broker.session();
      const { commit, committed, deleteOffsets } = apis(session);
      await session.produce("t", 0, batchOf("a", "b"));
      const places = [0, 1].map((partition) => ({ topic: "t", partition }));
      await commit("g", ...places.map((place) => ({ ...place, offset: 0 })));
      await commit("g", { topic: "t", partition: 0, offset: 2 });
      expect(
        await codeOf(
          deleteOffsets("g", { topic: "t", partition: 0 }, { topic: "t", partition: 3 }),
        ),
      ).toBe("UNKNOWN_TOPIC_OR_PARTITION");
      const other = { topicId: crypto.randomUUID(), topic: "t", partition: 0 };
      expect(await codeOf(deleteOffsets("g", other))).toBe("UNKNOWN_TOPIC_ID");
      expect(await codeOf(deleteOffsets("h", ...places))).toBe("GROUP_NOT_FOUND");
      expect(await codeOf(deleteOffsets("", ...places))).toBe("INVALID_GROUP");
      expect(await committed("g", "t", 0, 1)).toEqual([2, 0]);
      const { offsets } = await deleteOffsets(
        "g",
        { topic: "t", partition: 2 },
        { topic: "t", partition: 0 },
      );
      expect(offsets).toEqual([{ offset: -1 }, { offset: 2 }]);
      await broker.broker.stop();
      await using again = await startBroker({ dataDir });
      using later = await again.session();
      expect(await apis(later).committed("g", "t", 0, 1)).toEqual([-1, 0]);
    });
  });
});

describe("groups", () => {
  test("are listed, described and deleted", async () => {
    await using broker = await startBroker({ defaultPartitions: 2 });
    using session = await broker.session();
    const { commit, committed, groups, describeGroup, deleteGroup } = apis(session);
    expect((await groups()).groups).toEqual([]);
    await session.produce("t", 1, batchOf("a", "b", "c"));
    await commit(
      "g",
      { topic: "t", partition: 0, offset: 0 },
      { topic: "t", partition: 1, offset: 2 },
    );
    await commit("h", { topic: "t", partition: 1, offset: 1 });
    expect((await groups()).groups).toMatchObject([
      { group: "g", partitions: 2 },
      { group: "h", partitions: 1 },
    ]);
    expect((await describeGroup("g")).partitions).toMatchObject([
      { topic: "t", partition: 0, committedOffset: 0, logStartOffset: 0, highWatermark: 0 },
      { topic: "t", partition: 1, committedOffset: 2, logStartOffset: 0, highWatermark: 3 },
    ]);
    expect((await describeGroup("h")).partitions).toMatchObject([
      { partition: 0, committedOffset: -1, commitTimestamp: -1, highWatermark: 0 },
      { partition: 1, committedOffset: 1, logStartOffset: 0, highWatermark: 3 },
    ]);
    await deleteGroup("g");
    expect(await committed("g", "t", 0, 1)).toEqual([-1, -1]);
    expect(await codeOf(describeGroup("g"))).toBe("GROUP_NOT_FOUND");
    expect(await codeOf(deleteGroup("g"))).toBe("GROUP_NOT_FOUND");
    expect(await codeOf(deleteGroup(""))).toBe("INVALID_GROUP");
    expect((await groups()).groups).toMatchObject([{ group: "h", partitions: 1 }]);
  });
});

describe("ListOffsets", () => {
  test("finds the ends of a log, and the batch for a timestamp", async () => {
    await using broker = await startBroker();
    using session = await broker.session();
    const { offsetAt } = apis(session);
    for (const timestamp of [1000, 2000, 3000]) {
      const encoder = new BatchEncoder();
      encoder.append(timestamp, null, "a");
      encoder.append(timestamp + 500, null, "b");
      await session.produce("t", 0, encoder.finish());
    }
    expect(await offsetAt("t", -1)).toEqual({ offset: 6, timestamp: -1 });
    expect(await offsetAt("t", -2)).toEqual({ offset: 0, timestamp: -1 });
    expect(await offsetAt("t", 0)).toEqual({ offset: 0, timestamp: 1500 });
    expect(await offsetAt("t", 1501)).toEqual({ offset: 2, timestamp: 2500 });
    expect(await offsetAt("t", 3500)).toEqual({ offset: 4, timestamp: 3500 });
    expect(await offsetAt("t", 3501)).toEqual({ offset: 6, timestamp: -1 });
    expect(await codeOf(offsetAt("t", -3))).toBe("INVALID_REQUEST");
    expect(await codeOf(offsetAt("u", -1))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await codeOf(offsetAt("t", -1, 1))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });
});

describe("ApiVersions", () => {
  test("returns the broker's identity, limits and APIs", async () => {
    await using broker = await startBroker({ maxFrameBytes: 1_000_000, maxBatchBytes: 900_000 });
    using session = await broker.session();
    const answer = await session.call(
      (id) => ApiVersions.encodeRequest(id, {}),
      ApiVersions.decodeResponse,
    );
    expect(answer).toMatchObject({
      brokerVersion: VERSION,
      maxFrameBytes: 1_000_000,
      maxBatchBytes: 900_000,
    });
    expect(answer.logDirectoryId).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.apis).toEqual(
      API_NAMES.map((name) => ({
        apiKey: API[name],
        minVersion: 1,
        maxVersion: APIS[name].versions.max,
      })),
    );
  });
});
