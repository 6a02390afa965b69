// A client of Kafka's protocol that does nothing wrong, beside those that do: it produces, asks for the end and reads
// back without a pause. Leaves to others: what the others do meanwhile, and the client of our own protocol (good-client.ts).
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { joined, ZERO_UUID } from "../../src/record/bytes.js";
import { batchOf, recordsIn } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { type GoodClient, type Round, worker } from "./good-client.js";

const { Fetch, ListOffsets, Metadata, Produce } = KAFKA_APIS;
const LATEST = -1;

/** Starts a good client; it has a topic of its own. */
export async function goodKafkaClient(port: number, topic = "good-kafka"): Promise<GoodClient> {
  const client = await KafkaClient.connect(port);
  await client.call(Metadata, 12, {
    topics: [{ name: topic, topicId: ZERO_UUID }],
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  const round: Round = async (number) => {
    const value = `round ${number} ${"x".repeat(number % 1000)}`;
    const offset = await produce(client, topic, batchOf(value));
    if (offset !== number) throw new Error(`round ${number} is at offset ${offset}`);
    const end = await endOf(client, topic);
    if (end !== number + 1) throw new Error(`the log ends at ${end} in round ${number}`);
    const read = await fetch(client, topic, number);
    if (read[0] !== `${number}:${value}`) throw new Error(`round ${number} reads as ${read[0]}`);
  };
  return worker(round, async () => client[Symbol.dispose]());
}

async function produce(client: KafkaClient, topic: string, batch: Uint8Array): Promise<number> {
  const { responses } = await client.call(Produce, 9, {
    ...{ transactionalId: null, acks: -1, timeoutMs: 10_000 },
    topicData: [
      { name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records: [batch] as const }] },
    ],
  });
  return responses[0]?.partitionResponses[0]?.baseOffset ?? -1;
}

async function endOf(client: KafkaClient, topic: string): Promise<number> {
  const { topics } = await client.call(ListOffsets, 6, {
    ...{ replicaId: -1, isolationLevel: 0 },
    topics: [
      {
        name: topic,
        partitions: [{ partitionIndex: 0, currentLeaderEpoch: 0, timestamp: LATEST }],
      },
    ],
    timeoutMs: 10_000,
  });
  return topics[0]?.partitions[0]?.offset ?? -1;
}

async function fetch(client: KafkaClient, topic: string, fetchOffset: number): Promise<string[]> {
  const { responses } = await client.call(Fetch, 12, {
    ...{ clusterId: null, replicaId: -1, maxWaitMs: 5_000, minBytes: 1, maxBytes: 1_000_000 },
    ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: "" },
    topics: [
      {
        topic,
        topicId: ZERO_UUID,
        partitions: [
          {
            ...{ partition: 0, currentLeaderEpoch: 0, fetchOffset, lastFetchedEpoch: 0 },
            ...{ logStartOffset: -1, partitionMaxBytes: 1_000_000 },
          },
        ],
      },
    ],
  });
  const records = responses[0]?.partitions[0]?.records ?? null;
  return records === null ? [] : recordsIn(joined(records));
}
