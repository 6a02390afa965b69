// InitProducerId over a real socket, and idempotent produces with the ids that it gives out.
import { expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { stampProducer } from "../../../src/record/batch.js";
import { FIRST_PRODUCER_ID } from "../../../src/topics/producer-ids.js";
import { startBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { batchOf } from "../../support/log-fixture.js";

const { InitProducerId, Produce } = KAFKA_APIS;

test("gives every producer an id of its own, in every version", async () => {
  await using running = await startBroker();
  using client = await KafkaClient.connect(running.broker.port);
  const ids: number[] = [];
  for (let version = InitProducerId.min; version <= InitProducerId.max; version++) {
    const response = await client.call(InitProducerId, version, {
      ...{ transactionalId: null, transactionTimeoutMs: 60_000 },
      ...{ enable2Pc: false, keepPreparedTxn: false },
    });
    expect(response).toMatchObject({ errorCode: 0, producerEpoch: 0 });
    ids.push(response.producerId);
  }
  expect(ids).toEqual(ids.map((_, i) => FIRST_PRODUCER_ID + i));
});

test("refuses transactions, and half of an old identity", async () => {
  await using running = await startBroker();
  using client = await KafkaClient.connect(running.broker.port);
  const codeOf = async (request: { transactionalId?: string; producerId?: number }) =>
    await client.call(InitProducerId, 4, {
      ...{ transactionalId: null, transactionTimeoutMs: 60_000 },
      ...{ enable2Pc: false, keepPreparedTxn: false },
      ...request,
    });
  const refused = { producerId: -1, producerEpoch: -1 };
  expect(await codeOf({ transactionalId: "tx" })).toMatchObject({ errorCode: 35, ...refused });
  expect(await codeOf({ transactionalId: "" })).toMatchObject({ errorCode: 42, ...refused });
  expect(await codeOf({ producerId: 5 })).toMatchObject({ errorCode: 42, ...refused });
});

test("a repeated batch gets its old offset, and a gap in the sequence is an error", async () => {
  await using running = await startBroker();
  await running.broker.context.registry.create("t", 1, {});
  using client = await KafkaClient.connect(running.broker.port);
  const send = async (baseSequence: number, producerEpoch = 0) => {
    const batch = batchOf(["a"]);
    stampProducer(batch, { producerId: FIRST_PRODUCER_ID, producerEpoch, baseSequence });
    const { responses } = await client.call(Produce, 9, {
      ...{ transactionalId: null, acks: -1, timeoutMs: 1_000 },
      topicData: [
        { name: "t", topicId: "", partitionData: [{ index: 0, records: [batch] as const }] },
      ],
    });
    const row = responses[0]?.partitionResponses[0];
    return [row?.errorCode, row?.baseOffset];
  };
  expect(await send(0)).toEqual([0, 0]);
  expect(await send(1)).toEqual([0, 1]);
  expect(await send(0)).toEqual([0, 0]);
  expect(await send(3)).toEqual([45, -1]);
  expect(await send(1, 2)).toEqual([45, -1]);
  expect(await send(0, 2)).toEqual([0, 2]);
  expect(await send(2, 0)).toEqual([47, -1]);
});
