// Topic ids on the wire: returned with descriptions, and sent with offsets.
import { pageAfter } from "../../src/protocol/native/page.js";
import { expect, test } from "bun:test";
import type { FetchRequest } from "../../src/protocol/native/fetch.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import { decodeResponse } from "../../src/protocol/native/messages.js";
import {
  BY_NO_MEMBER,
  ListOffsets,
  OffsetFetch,
  OffsetCommit,
} from "../../src/protocol/native/offsets.js";
import {
  DeleteTopic,
  CreateTopic,
  DescribeTopic,
  ListTopics,
} from "../../src/protocol/native/topics.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import { batchOf, recordsIn, type Session, startBroker } from "../support/broker.js";

const V2 = 2;

/** Creates a topic with three records; returns its id. */
async function create(session: Session, topic: string): Promise<string> {
  const request = { topic, partitions: 1, settings: [] };
  const { topicId } = await session.call(
    (id) => CreateTopic.encodeRequest(id, request, V2),
    (payload) => CreateTopic.decodeResponse(payload, V2),
  );
  await session.produce(topic, 0, batchOf("a", "b", "c"));
  return topicId!;
}

const remove = (session: Session, topic: string): Promise<void> =>
  session.call(
    (id) => DeleteTopic.encodeRequest(id, { topic }),
    (payload) => void decodeResponse(payload, () => {}),
  );

const fetch = (session: Session, request: Partial<FetchRequest>) => {
  const whole = { group: "", topic: "t", partition: 0, offset: 0, maxBytes: 1_000, minBytes: 1 };
  return session.call(
    (id) => Fetch.encodeRequest(id, { ...whole, maxWaitMs: 0, ...request }, V2),
    (payload) => Fetch.decodeResponse(payload, V2),
  );
};

const listOffsets = (session: Session, topicId: string | undefined) =>
  session.call(
    (id) => ListOffsets.encodeRequest(id, { topic: "t", partition: 0, timestamp: -1, topicId }, V2),
    (payload) => ListOffsets.decodeResponse(payload, V2),
  );

const commit = (session: Session, offset: number, topicId?: string): Promise<void> =>
  session.call(
    (id) => {
      const offsets = [{ topic: "t", partition: 0, offset, topicId }];
      return OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group: "g", offsets }, V2);
    },
    (payload) => void decodeResponse(payload, () => {}),
  );

const committed = async (session: Session, topicId?: string): Promise<number | undefined> => {
  const { offsets } = await session.call(
    (id) => {
      const partitions = [{ topic: "t", partition: 0, topicId }];
      return OffsetFetch.encodeRequest(id, { group: "g", partitions }, V2);
    },
    (payload) => OffsetFetch.decodeResponse(payload),
  );
  return offsets[0]?.offset;
};

test("creating, listing and describing a topic return its id, except in version 1", async () => {
  await using broker = await startBroker();
  using session = await broker.session();
  const topicId = await create(session, "t");
  expect(topicId).toMatch(/^[0-9a-f-]{36}$/);
  const { topics } = await session.call(
    (id) => ListTopics.encodeRequest(id, pageAfter(), V2),
    (payload) => ListTopics.decodeResponse(payload, V2),
  );
  expect(topics).toEqual([{ name: "t", partitions: 1, internal: false, topicId, offline: 0 }]);
  const request = { topic: "t", createIfMissing: false };
  const described = await session.call(
    (id) => DescribeTopic.encodeRequest(id, request, V2),
    (payload) => DescribeTopic.decodeResponse(payload, V2),
  );
  expect(described.topicId).toBe(topicId);
  expect((await fetch(session, {})).topicId).toBe(topicId);
  expect((await listOffsets(session, undefined)).topicId).toBe(topicId);
  const first = await session.call(
    (id) => DescribeTopic.encodeRequest(id, request),
    (payload) => DescribeTopic.decodeResponse(payload),
  );
  expect(first.topicId).toBeUndefined();
});

test("a request for a topic that was deleted and recreated is rejected, and nothing is done", async () => {
  await using broker = await startBroker();
  using session = await broker.session();
  const old = await create(session, "t");
  const requests: readonly ((topicId?: string) => Promise<unknown>)[] = [
    (topicId) => fetch(session, { topicId }),
    (topicId) => listOffsets(session, topicId),
    (topicId) => commit(session, 1, topicId),
    (topicId) => committed(session, topicId),
  ];
  for (const request of requests) await request(old);
  await remove(session, "t");
  for (const request of requests) {
    expect(request(old)).rejects.toThrow(`topic 't' with id ${old} was deleted`);
  }
  const now = await create(session, "t");
  for (const request of requests) {
    const rejected = `topic 't' with id ${old} was deleted and recreated with id ${now}`;
    expect(await request(old).catch((error: unknown) => error)).toMatchObject({
      code: "UNKNOWN_TOPIC_ID",
      message: rejected,
    });
  }
  expect(await committed(session)).toBe(-1);
  for (const request of requests) await request(now);
  for (const request of requests) await request(ZERO_UUID);
  expect(await committed(session)).toBe(1);
});

test("a fetch that waits for a topic with an id is told that this topic was deleted", async () => {
  await using broker = await startBroker();
  using session = await broker.session();
  using writer = await broker.session();
  const topicId = await create(session, "t");
  const waiting = fetch(session, { topicId, offset: 3, maxWaitMs: 600_000 });
  const told = waiting.catch((error: unknown) => error);
  await session.ping();
  await remove(writer, "t");
  expect(await told).toMatchObject({ code: "UNKNOWN_TOPIC_ID" });
});

test("a fetch of version 1 reads whichever topic has the name", async () => {
  await using broker = await startBroker();
  using session = await broker.session();
  await create(session, "t");
  await remove(session, "t");
  await create(session, "t");
  const { batches } = await session.fetch({ topic: "t", offset: 1 });
  expect(recordsIn(batches)).toEqual(["0:a", "1:b", "2:c"]);
});
