// Kafka's log cleaner on the same batches: fills a topic, has it compacted, and reads the figures from Kafka's own log.
// Leaves to others: the batches (changelog.ts).
//
// Kafka must log at level INFO, and its directory must be at hand. The settings of the topic hold the cleaner back until
// the segments are there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { IncrementalAlterConfigs } from "../../src/protocol/kafka/configs.js";
import { Produce } from "../../src/protocol/kafka/produce.js";
import { CreateTopics, DeleteTopics } from "../../src/protocol/kafka/topics.js";
import { stampBaseOffset } from "../../src/record/batch.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import { KafkaClient } from "../../test/support/kafka-client.js";
import { batchesOf, type ChangelogOptions, segmentBytesOf } from "./changelog.js";

/** Requests in flight: enough to fill the topic quickly. */
const IN_FLIGHT = 50;

const TIMEOUT_MS = 120_000;
const TOPIC_RESOURCE = 2;
const SET = 0;

/** A ratio that no log reaches, and one that each does. */
const NEVER = "1";
const AT_ONCE = "0";

export interface CleanerResult {
  readonly mbPerSecond: number;
  readonly seconds: number;
  /** Where the segments are. */
  readonly directory: string;
}

export class KafkaCleaner {
  readonly #port: number;
  readonly #host: string;
  readonly #directory: string;

  /** `target` is HOST:PORT,DIRECTORY; the directory contains Kafka's output as `broker.log` and its data as `data`. */
  constructor(target: string) {
    const match = /^(.+):(\d+),(.+)$/.exec(target);
    if (match === null) throw new Error(`--kafka is HOST:PORT,DIRECTORY, not ${target}`);
    this.#host = match[1]!;
    this.#port = Number(match[2]);
    this.#directory = match[3]!;
  }

  /** Compacts a changelog in a new topic. */
  async measure(topic: string, options: ChangelogOptions): Promise<CleanerResult> {
    using client = await KafkaClient.connect(this.#port, this.#host);
    const topics = [
      {
        ...{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [] },
        configs: [
          { name: "cleanup.policy", value: "compact" },
          { name: "segment.bytes", value: String(segmentBytesOf(options)) },
          { name: "min.cleanable.dirty.ratio", value: NEVER },
        ],
      },
    ];
    const created = await client.call(CreateTopics, 7, {
      ...{ topics, timeoutMs: TIMEOUT_MS, validateOnly: false },
    });
    const { errorMessage, errorCode } = created.topics[0]!;
    if (errorCode !== 0) throw new Error(`${topic} was not created: ${errorMessage}`);
    const inFlight: Promise<void>[] = [];
    let isCompacted = false;
    for (const { batch, segment } of batchesOf(options)) {
      if (segment === 1 && !isCompacted && inFlight.length > 0) {
        inFlight.push(this.#produce(client, topic, batch));
        await Promise.all(inFlight.splice(0));
        await this.#clean(client, topic);
        isCompacted = true;
        continue;
      }
      inFlight.push(this.#produce(client, topic, batch));
      if (inFlight.length === IN_FLIGHT) await inFlight.shift();
    }
    await Promise.all(inFlight);
    const figures = await this.#clean(client, topic);
    return { ...figures, directory: join(this.#directory, "data", `${topic}-0`) };
  }

  async remove(topic: string): Promise<void> {
    using client = await KafkaClient.connect(this.#port, this.#host);
    await client.call(DeleteTopics, 5, { topics: [], topicNames: [topic], timeoutMs: TIMEOUT_MS });
  }

  async #produce(client: KafkaClient, topic: string, batch: Uint8Array): Promise<void> {
    // Kafka assigns the same offset, and accepts no other from a producer.
    stampBaseOffset(batch, 0, 0);
    const partitionData = [{ index: 0, records: [batch] as [Uint8Array] }];
    const { responses } = await client.call(Produce, 9, {
      ...{ transactionalId: null, acks: 1, timeoutMs: TIMEOUT_MS },
      topicData: [{ name: topic, topicId: ZERO_UUID, partitionData }],
    });
    const code = responses[0]?.partitionResponses[0]?.errorCode;
    if (code !== 0) throw new Error(`a batch was refused: error ${code}`);
  }

  /** Lets the cleaner run once; returns the figures that it logs. */
  async #clean(
    client: KafkaClient,
    topic: string,
  ): Promise<{ mbPerSecond: number; seconds: number }> {
    const before = this.#figures(topic).length;
    await this.#setRatio(client, topic, AT_ONCE);
    const deadlineMs = performance.now() + TIMEOUT_MS;
    for (;;) {
      const figures = this.#figures(topic)[before];
      if (figures !== undefined) {
        await this.#setRatio(client, topic, NEVER);
        return figures;
      }
      if (performance.now() > deadlineMs) throw new Error("the cleaner has logged nothing");
      await Bun.sleep(100);
    }
  }

  async #setRatio(client: KafkaClient, topic: string, value: string): Promise<void> {
    const configs = [{ name: "min.cleanable.dirty.ratio", configOperation: SET, value }];
    const { responses } = await client.call(IncrementalAlterConfigs, 1, {
      resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs }],
      validateOnly: false,
    });
    if (responses[0]?.errorCode !== 0) throw new Error(`${topic}: ${responses[0]?.errorMessage}`);
  }

  /** The figures of all compactions of a topic. */
  #figures(topic: string): { mbPerSecond: number; seconds: number }[] {
    const log = readFileSync(join(this.#directory, "broker.log"), "utf8");
    const pattern = new RegExp(
      `cleaned log ${topic}-0 [^]*?processed in ([\\d.,]+) seconds \\(([\\d.,]+) MB/sec\\)`,
      "gi",
    );
    const number = (text = ""): number => Number(text.replaceAll(",", ""));
    return [...log.matchAll(pattern)].map(([, seconds, rate]) => ({
      mbPerSecond: number(rate),
      seconds: number(seconds),
    }));
  }
}
