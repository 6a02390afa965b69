// Groups and the admin, against the real broker.
import { describe, expect, test } from "bun:test";
import { codeOf, numbers, produce, setUp } from "../support/client-setup.js";
import { joinGroup } from "../support/group-members.js";

describe("groups", () => {
  test("start at their committed offset, and commit the offset after the last returned record", async () => {
    await using t = await setUp();
    await produce(t.client, "t", numbers(10));
    const options = { topic: "t", group: "g", follow: false };
    const first = t.client.consumer(options);
    await first.start();
    await first.commit();
    expect(await t.admin.listGroups()).toEqual([]);
    let count = 0;
    for await (const _ of first) if (++count === 4) break;
    await first.commit();
    const second = t.client.consumer(options);
    await second.start();
    expect(second.position(0)).toBe(4);
    for await (const _ of second) count += 1;
    expect(count).toBe(10);
    await second.commit();
    expect(await t.admin.describeGroup("g")).toMatchObject([
      { topic: "t", partition: 0, committedOffset: 10, logStartOffset: 0, highWatermark: 10 },
    ]);
  });

  test("with an offset start at the larger of it and the commit; latest is for new groups only", async () => {
    await using t = await setUp();
    await produce(t.client, "t", numbers(10));
    await t.admin.commitOffsets("g", [{ topic: "t", partition: 0, offset: 4 }]);
    const start = async (group: string, offset: number | "latest" | "earliest") => {
      const consumer = t.client.consumer({ topic: "t", group, offset });
      await consumer.start();
      return consumer.position(0);
    };
    expect(await start("g", 2)).toBe(4);
    expect(await start("g", 7)).toBe(7);
    expect(await start("g", "earliest")).toBe(4);
    expect(await start("g", "latest")).toBe(4);
    expect(await start("new", "latest")).toBe(10);
    expect(await start("new", "earliest")).toBe(0);
  });
});

describe("admin", () => {
  test("creates, lists, describes and deletes topics", async () => {
    await using t = await setUp();
    const settings = { "segment.bytes": "65536" };
    const [b, a] = [
      await t.admin.createTopic("b", { partitions: 3, settings }),
      await t.admin.createTopic("a"),
    ];
    expect([b.partitions, a.partitions]).toEqual([3, 1]);
    expect(await t.admin.listTopics()).toEqual([
      { name: "a", partitions: 1, internal: false, topicId: a.topicId },
      { name: "b", partitions: 3, internal: false, topicId: b.topicId },
    ]);
    const described = await t.admin.describeTopic("b");
    expect(described).toMatchObject({ name: "b", internal: false, settings, topicId: b.topicId! });
    expect(described.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect(await codeOf(t.admin.createTopic("a"))).toBe("TOPIC_ALREADY_EXISTS");
    expect(await codeOf(t.admin.createTopic("c", { partitions: 0 }))).toBe("INVALID_PARTITIONS");
    await t.admin.deleteTopic("a");
    expect(await codeOf(t.admin.describeTopic("a"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  test("finds the exact record for a time, inside its batch", async () => {
    await using t = await setUp();
    const producer = t.client.producer({ lingerMs: 1e6, compression: "gzip" });
    for (const timestamp of [100, 200, 300]) producer.enqueue("t", { value: "x", timestamp });
    await producer.flush();
    for (const timestamp of [400, 500]) producer.enqueue("t", { value: "y", timestamp });
    await producer.flush();
    const offsets = await Promise.all(
      [0, 100, 101, 300, 301, 500, 501].map((timestamp) =>
        t.admin.offsetFor("t", 0, { timestamp }),
      ),
    );
    expect(offsets).toEqual([0, 0, 1, 2, 3, 4, 5]);
    expect(await t.admin.offsetFor("t", 0, "latest")).toBe(5);
    expect(await t.admin.offsetsFor("t", { timestamp: 101 })).toMatchObject([
      { topic: "t", partition: 0, offset: 1 },
    ]);
    expect(await t.admin.offsetFor("t", 0, { fromEnd: 2 })).toBe(3);
    expect(await codeOf(t.admin.offsetFor("t", 1, "latest"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    const consumer = t.client.consumer({
      topic: "t",
      offset: { timestamp: 250 },
      end: { timestamp: 450 },
    });
    const seen: number[] = [];
    for await (const { offset } of consumer) seen.push(offset);
    expect(seen).toEqual([2, 3]);
  });

  test("commits, fetches and deletes the offsets of groups", async () => {
    await using t = await setUp();
    await produce(t.client, "t", numbers(3));
    const place = { topic: "t", partition: 0 };
    expect(await t.admin.fetchOffsets("g", [place])).toEqual([
      { ...place, offset: undefined, commitTimestamp: undefined },
    ]);
    await t.admin.commitOffsets("g", [{ ...place, offset: 2 }]);
    expect(await t.admin.fetchOffsets("g", [place])).toMatchObject([{ ...place, offset: 2 }]);
    expect(await t.admin.listGroups()).toEqual([
      { group: "g", partitions: 1, state: "Empty", type: undefined, members: 0 },
    ]);
    await t.admin.commitOffsets("h", [{ ...place, offset: 1 }]);
    expect(await t.admin.deleteOffsets("h", [place])).toEqual([{ ...place, offset: 1 }]);
    expect(await codeOf(t.admin.deleteOffsets("h", [place]))).toBe("GROUP_NOT_FOUND");
    await t.admin.deleteGroup("g");
    expect(await codeOf(t.admin.describeGroup("g"))).toBe("GROUP_NOT_FOUND");
  });

  test("commits for a group with members are refused, and the error says what to do", async () => {
    await using t = await setUp();
    await t.admin.createTopic("t");
    const offsets = [{ topic: "t", partition: 0, offset: 0 }];
    expect(await t.admin.commitOffsets("g", offsets)).toEqual({ isShared: false });
    await joinGroup(t.broker.context.groups, "g", [{ clientId: "c", assigned: { t: [0] } }]);
    const refused = t.admin.commitOffsets("g", offsets);
    expect(refused).rejects.toMatchObject({
      code: "UNKNOWN_MEMBER_ID",
      help: expect.stringContaining("Stop the members"),
    });
    await refused.catch(() => {});
    expect(await t.admin.describeMembers("g")).toMatchObject({
      ...{ state: "Stable", type: "classic", protocolType: "consumer", assignor: "range" },
      members: [{ clientId: "c", host: "10.0.0.7", partitions: 1, instanceId: undefined }],
    });
  });

  test("lists page by page what does not fit one frame", async () => {
    const small = { maxFrameBytes: 8 * 1024, maxBatchBytes: 4 * 1024, offsets: "memory" } as const;
    await using t = await setUp(small);
    const topics = Array.from({ length: 40 }, (_, i) => `${10 + i}`.padEnd(249, "t"));
    for (const topic of topics) await t.admin.createTopic(topic, { partitions: 1 });
    const groups = Array.from({ length: 40 }, (_, i) => `${10 + i}`.padEnd(249, "g"));
    const offsets = topics.map((topic) => ({ topic, partition: 0, offset: 0 }));
    for (const group of groups) await t.admin.commitOffsets(group, offsets.slice(0, 20));
    await t.admin.commitOffsets(groups[0]!, offsets.slice(20));
    expect((await t.admin.listTopics()).map(({ name }) => name)).toEqual(topics);
    expect((await t.admin.listGroups()).map(({ group }) => group)).toEqual(groups);
    expect((await t.admin.describeGroup(groups[0]!)).map(({ topic }) => topic)).toEqual(topics);
  });

  test("describes the broker", async () => {
    await using t = await setUp({ maxBatchBytes: 1_000_000 });
    const info = t.admin.brokerInfo();
    expect(info.maxBatchBytes).toBe(1_000_000);
    expect(info.logDirectoryId).not.toBe("");
    await t.client.ping();
    expect(t.client.broker).toBe(t.broker.address);
  });
});
