// Long requests of Kafka clients run in portions. Leaves to others: who gets the turns between them (net/turns.test.ts).
import { expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { Portions } from "../../../src/protocol/kafka/server/portions.js";
import { startBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";

test("other requests get a turn after a thousand cheap items, or fewer that cost more", async () => {
  let turns = 0;
  const nextPortion = async (): Promise<void> => {
    turns++;
  };
  const portions = new Portions({ nextPortion });
  const turnsAfter = async (items: number, cost?: number) => {
    for (let i = 0; i < items; i++) await portions.next(cost);
    return turns;
  };
  expect(await turnsAfter(999)).toBe(0);
  expect(await turnsAfter(1)).toBe(1);
  expect(await turnsAfter(50, 20)).toBe(2);
  expect(await turnsAfter(1, 5_000)).toBe(3);
});

test("a request for thousands of partitions is answered completely", async () => {
  await using running = await startBroker();
  await running.broker.context.registry.create("t", 1, {});
  const client = await KafkaClient.connect(running.broker.port);
  const partitions = Array.from({ length: 2_500 }, (_, i) => i);
  const { replicaElectionResults } = await client.call(KAFKA_APIS.ElectLeaders, 2, {
    ...{ electionType: 0, timeoutMs: 1_000 },
    topicPartitions: [{ topic: "t", partitions }],
  });
  const codes = replicaElectionResults[0]?.partitionResult.map(({ errorCode }) => errorCode);
  expect(codes).toEqual(partitions.map((i) => (i === 0 ? 84 : 3)));
  client[Symbol.dispose]();
});
