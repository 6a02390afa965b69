// What the members of groups in JavaScript share (clients/README.md, "Members of groups"), and the programs of kafkajs,
// @platformatic/kafka and our own client, processes of their own: bun test/kafka/member.ts kafkajs BROKER GROUP TOPIC …
import { writeSync } from "node:fs";
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from "@platformatic/kafka";
import { connect } from "../../src/index.js";
import { Kafka, logLevel, PartitionAssigners } from "kafkajs";

const [
  ,
  ,
  library,
  broker = "",
  group = "",
  topic = "",
  ,
  sessionMs,
  maxPollMs,
  heartbeatMs,
  clientId = "",
] = process.argv;
const sessionTimeout = Number(sessionMs);
const rebalanceTimeout = Number(maxPollMs);
const heartbeatInterval = Number(heartbeatMs);

let pauseMs = 0;
const stopped = Promise.withResolvers<void>();
void readCommands();

if (library === "kafkajs") await runKafkajs();
else if (library === "native") await runNative();
else await runPlatformatic();
say("closed");
process.exit(0);

function say(...words: readonly unknown[]): void {
  const line = [Date.now(), ...words].map((word) => `${word}`.replaceAll("\n", " ")).join("\t");
  // What is said must be outside before the process can be killed.
  writeSync(1, `${line}\n`);
}

async function readCommands(): Promise<void> {
  for await (const line of console) {
    if (!line.startsWith("pause ")) break;
    pauseMs = Number(line.slice("pause ".length));
  }
  stopped.resolve();
}

async function pause(): Promise<void> {
  const ms = pauseMs;
  pauseMs = 0;
  if (ms > 0) await Bun.sleep(ms);
}

/** Commits the offset after a processed record. */
async function commit(
  partition: number,
  offset: number,
  run: () => Promise<unknown>,
): Promise<void> {
  say("committing", `${partition}=${offset}`);
  try {
    await run();
    say("committed", `${partition}=${offset}`);
  } catch (error) {
    say("refused", error);
  }
}

async function runKafkajs(): Promise<void> {
  const kafka = new Kafka({
    clientId,
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 300 },
  });
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout,
    rebalanceTimeout,
    heartbeatInterval,
    maxWaitTimeInMs: 200,
    partitionAssigners: [
      (config) => {
        // Its own name for it is its own alone; all others say "roundrobin".
        const assigner = PartitionAssigners.roundRobin(config);
        const protocol: typeof assigner.protocol = (subscription) => ({
          ...assigner.protocol(subscription),
          name: "roundrobin",
        });
        return { ...assigner, name: "roundrobin", protocol };
      },
    ],
  });
  let assigned: readonly number[] = [];
  const revoke = (): void => {
    if (assigned.length > 0) say("revoked", ...assigned);
    assigned = [];
  };
  consumer.on(consumer.events.REBALANCING, revoke);
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    revoke();
    assigned = payload.memberAssignment[topic] ?? [];
    say("assigned", ...assigned);
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => say("error", payload.error));
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
      const { partition } = batch;
      for (let i = 0; i < batch.messages.length && isRunning() && !isStale(); i += 20) {
        const messages = batch.messages.slice(i, i + 20);
        for (const { offset, value } of messages) say("got", partition, offset, value);
        const last = messages.at(-1)!.offset;
        const next = Number(last) + 1;
        await pause();
        await commit(partition, next, () =>
          consumer.commitOffsets([{ topic, partition, offset: `${next}` }]),
        );
        resolveOffset(last);
        await heartbeat();
      }
    },
  });
  await stopped.promise;
  await consumer.disconnect();
}

async function runPlatformatic(): Promise<void> {
  const consumer = new Consumer({
    ...{ clientId, groupId: group, bootstrapBrokers: [broker] },
    ...{ sessionTimeout, rebalanceTimeout, heartbeatInterval },
    ...{ retries: 100, retryDelay: 200 },
  });
  let assigned: readonly number[] = [];
  let changes = 0;
  const revoke = (): void => {
    changes++;
    if (assigned.length > 0) say("revoked", ...assigned);
    assigned = [];
  };
  consumer.on("consumer:group:rebalance", revoke);
  consumer.on("consumer:group:join", ({ assignments = [] }) => {
    revoke();
    assigned = assignments.flatMap((one) => (one.topic === topic ? one.partitions : []));
    say("assigned", ...assigned);
  });
  consumer.on("error", (error) => say("error", error));
  let stops = false;
  void stopped.promise.then(async () => {
    stops = true;
    await consumer.close(true);
  });
  while (!stops) {
    // A stream ends with an error when its member has to join again.
    try {
      const stream = await consumer.consume({
        topics: [topic],
        autocommit: false,
        mode: MessagesStreamModes.COMMITTED,
        fallbackMode: MessagesStreamFallbackModes.EARLIEST,
        maxWaitTime: 200,
      });
      const before = changes;
      for await (const message of stream) {
        // A stream still holds what it fetched before a rebalance: a new one begins at the commits.
        if (changes !== before) break;
        const { partition, offset, value } = message;
        say("got", partition, offset, value);
        await pause();
        await commit(partition, Number(offset) + 1, async () => await message.commit());
      }
    } catch (error) {
      if (!stops) say("error", error);
    }
    if (!stops) await Bun.sleep(100);
  }
}

async function runNative(): Promise<void> {
  const client = await connect({ broker, retries: 20 });
  const processed = new Map<number, number>();
  const commitAll = async (): Promise<void> => {
    const offsets = [...processed].map(([partition, offset]) => ({ topic, partition, offset }));
    processed.clear();
    if (offsets.length === 0) return;
    const words = offsets.map(({ partition, offset }) => `${partition}=${offset}`);
    say("committing", ...words);
    try {
      await consumer.commit(offsets);
      // It leaves out what is lost.
      const mine = words.filter((_, i) => consumer.position(offsets[i]!) !== undefined);
      if (mine.length > 0) say("committed", ...mine);
      if (mine.length < words.length) say("refused", "lost");
    } catch (error) {
      say("refused", error);
    }
  };
  const numbersOf = (partitions: readonly { partition: number }[]): readonly number[] =>
    partitions.map(({ partition }) => partition);
  const consumer = client.consumer({
    ...{ balance: true, group, topics: [topic], clientId },
    ...{ sessionTimeoutMs: sessionTimeout, rebalanceTimeoutMs: rebalanceTimeout },
    commitOnHandover: false,
    onAssigned: (partitions) => say("assigned", ...numbersOf(partitions)),
    onRevoked: async (partitions, reason) => {
      if (reason === "handover") await commitAll();
      else processed.clear();
      say(reason === "lost" ? "lost" : "revoked", ...numbersOf(partitions));
    },
  });
  void stopped.promise.then(() => consumer.close());
  for (;;) {
    const batch = await consumer.nextBatch();
    if (batch === null) break;
    while (batch.next()) {
      const { offset } = batch.cursor;
      say("got", batch.partition, offset, Buffer.from(batch.cursor.value() ?? []));
      processed.set(batch.partition, offset + 1);
    }
    await pause();
    await commitAll();
  }
  await consumer.close();
  await client.close();
}
