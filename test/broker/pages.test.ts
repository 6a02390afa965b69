// Lists of any length: in pages, and whole in the versions that know no pages, as long as they fit a frame.
import { describe, expect, test } from "bun:test";
import { pageAfter } from "../../src/protocol/native/page.js";
import { DescribeGroup, DescribeMembers, ListGroups } from "../../src/protocol/native/groups.js";
import { BY_NO_MEMBER, OffsetCommit } from "../../src/protocol/native/offsets.js";
import { CreateTopic, ListTopics } from "../../src/protocol/native/topics.js";
import { errorOf, type Session, startBroker } from "../support/broker.js";
import { joinGroup } from "../support/group-members.js";
import { concat } from "../support/bytes.js";

const KiB = 1024;

/** A broker whose frames have 64 KiB at most. */
function startSmallFrames() {
  return startBroker({ maxFrameBytes: 64 * KiB, maxBatchBytes: 32 * KiB, offsets: "memory" });
}

async function makeGroups(session: Session, count: number, nameBytes: number): Promise<string[]> {
  const offsets = [{ topic: "t", partition: 0, offset: 0 }];
  const ids = Array.from({ length: count }, (_, i) => 1_000_000 + i);
  const names = ids.map((id) => String(id).padEnd(nameBytes, "x"));
  session.client.send(
    concat(
      ids.map((id, i) =>
        OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group: names[i]!, offsets }),
      ),
    ),
  );
  await session.client.response(ids.at(-1)!);
  return names;
}

async function createTopic(session: Session, topic: string, partitions: number): Promise<void> {
  const request = { topic, partitions, settings: [] };
  await session.call((id) => CreateTopic.encodeRequest(id, request), errorOf);
}

function groupPage(session: Session, after: string, limit: number) {
  return session.call(
    (id) => ListGroups.encodeRequest(id, { after, limit }, 2),
    (payload) => ListGroups.decodeResponse(payload, 2),
  );
}

/** Asks for one page after the other; returns the names in each. */
async function groupPages(session: Session, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  for (let after = ""; ;) {
    const { groups, more } = await groupPage(session, after, limit);
    pages.push(groups.map(({ group }) => group));
    if (!more) return pages;
    after = groups.at(-1)!.group;
  }
}

describe("ListGroups", () => {
  test("version 2 returns every group once, in pages", async () => {
    await using started = await startBroker({ offsets: "memory" });
    using session = await started.session();
    await createTopic(session, "t", 1);
    expect(await groupPages(session, 0)).toEqual([[]]);
    const names = await makeGroups(session, 1200, 7);
    const pages = await groupPages(session, 500);
    expect(pages.map(({ length }) => length)).toEqual([500, 500, 200]);
    expect(pages.flat()).toEqual(names);
    expect(await groupPages(session, 1200)).toEqual([names]);
    const { groups } = await groupPage(session, names[10]!, 1);
    expect(groups).toMatchObject([{ group: names[11]!, partitions: 1 }]);
  });

  test("a page ends when the frame is full; the error of version 1 then points to version 2", async () => {
    await using started = await startSmallFrames();
    using session = await started.session();
    await createTopic(session, "t", 1);
    const names = await makeGroups(session, 600, 249);
    const pages = await groupPages(session, 0);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.flat()).toEqual(names);
    const whole = await session.call((id) => ListGroups.encodeRequest(id, pageAfter()), errorOf);
    expect(whole).toBe(
      "FRAME_TOO_LARGE: the answer to ListGroups does not fit a frame of 65536 bytes; version 2 answers in pages",
    );
  });

  test("version 1 returns all groups if they fit into a frame", async () => {
    await using started = await startBroker({ offsets: "memory" });
    using session = await started.session();
    await createTopic(session, "t", 1);
    const names = await makeGroups(session, 1200, 7);
    const { groups } = await session.call(
      (id) => ListGroups.encodeRequest(id, pageAfter()),
      ListGroups.decodeResponse,
    );
    expect(groups.map(({ group }) => group)).toEqual(names);
  });

  test("a long list is charged until it is answered, and abandoned when its client has left", async () => {
    await using started = await startBroker({ offsets: "memory" });
    using session = await started.session();
    await createTopic(session, "t", 1);
    await makeGroups(session, 3000, 7);
    const { inflight } = started.broker;
    using other = await started.session();
    session.client.send(ListGroups.encodeRequest(1, pageAfter()));
    other.client.send(ListGroups.encodeRequest(1, pageAfter()));
    await session.client.response(1);
    session.client.send(ListGroups.encodeRequest(2, pageAfter()));
    other.client.terminate();
    await session.client.response(2);
    await started.broker.stop();
    expect(inflight.workingBytes).toBe(0);
  });
});

test("DescribeGroup has pages of partitions, also across topics", async () => {
  await using started = await startBroker({ offsets: "memory" });
  using session = await started.session();
  for (const topic of ["a", "b", "c"]) {
    await createTopic(session, topic, 4);
    const offsets = [{ topic, partition: 1, offset: 0 }];
    await session.call(
      (id) => OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group: "g", offsets }),
      errorOf,
    );
  }
  const seen: string[] = [];
  let after = { afterTopic: "", afterPartition: 0 };
  for (let more = true; more;) {
    const page = await session.call(
      (id) => DescribeGroup.encodeRequest(id, { group: "g", ...after, limit: 5 }, 2),
      (payload) => DescribeGroup.decodeResponse(payload, 2),
    );
    expect(page.partitions.length).toBeLessThanOrEqual(5);
    seen.push(...page.partitions.map(({ topic, partition }) => `${topic}-${partition}`));
    const last = page.partitions.at(-1)!;
    after = { afterTopic: last.topic, afterPartition: last.partition };
    more = page.more;
  }
  expect(seen).toEqual(
    ["a", "b", "c"].flatMap((topic) => [0, 1, 2, 3].map((i) => `${topic}-${i}`)),
  );
});

test("ListTopics has pages from version 3 on", async () => {
  await using started = await startBroker({ offsets: "memory" });
  using session = await started.session();
  for (let i = 0; i < 7; i++) await createTopic(session, `t${i}`, 1);
  const page = (after: string, limit: number) =>
    session.call(
      (id) => ListTopics.encodeRequest(id, { after, limit }, 3),
      (payload) => ListTopics.decodeResponse(payload, 3),
    );
  const first = await page("", 5);
  expect([first.topics.map(({ name }) => name).join(" "), first.more]).toEqual([
    "t0 t1 t2 t3 t4",
    true,
  ]);
  const second = await page("t4", 5);
  expect([second.topics.map(({ name }) => name).join(" "), second.more]).toEqual(["t5 t6", false]);
});

test("DescribeMembers has pages of members, by id, each with the state of the group", async () => {
  await using started = await startBroker({ offsets: "memory" });
  using session = await started.session();
  await createTopic(session, "t", 7);
  const ids = await joinGroup(
    started.broker.context.groups,
    "g",
    Array.from({ length: 7 }, (_, i) => ({ clientId: `app-${i}`, assigned: { t: [i] } })),
  );
  const seen: string[] = [];
  for (let after = "", more = true; more; after = seen.at(-1)!) {
    const page = await session.call(
      (id) => DescribeMembers.encodeRequest(id, { group: "g", after, limit: 3 }),
      DescribeMembers.decodeResponse,
    );
    expect(page).toMatchObject({ state: "Stable", type: "classic", assignor: "range" });
    expect(page.members.map(({ partitions }) => partitions)).toEqual(page.members.map(() => 1));
    seen.push(...page.members.map(({ memberId }) => memberId));
    more = page.more;
  }
  expect(seen).toEqual([...ids].sort());
});
