// What the members of groups in JavaScript share (clients/README.md, "Members of groups"), and the programs of kafkajs,
// @platformatic/kafka and our own client, processes of their own: bun test/kafka/member.ts kafkajs BROKER GROUP TOPIC …
import { readFileSync, writeSync } from "node:fs";
import {
  Consumer,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Producer,
} from "@platformatic/kafka";
import { connect } from "../../src/index.js";
import { Kafka, logLevel, PartitionAssigners } from "kafkajs";
import { kafkajsSecurity } from "./kafkajs.js";
import { currentToken, type Login, librdkafkaSettings } from "./login.js";
import { platformaticSecurity } from "./platformatic.js";

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

const login: Login = JSON.parse(process.env.CLIENT_LOGIN ?? "{}");
/** Set if the member also sends records, with values that begin so. */
const produces = process.env.MEMBER_PRODUCES;

let pauseMs = 0;
let stops = false;
const stopped = Promise.withResolvers<void>();
void readCommands();

if (library === "kafkajs") await runKafkajs();
else if (library === "native") await runNative();
else if (library === "kcat") await runKcat();
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
  stops = true;
  stopped.resolve();
}

/** Sends a record every 50 ms, until the member stops. */
async function produce(send: (value: string) => Promise<unknown>): Promise<void> {
  const sending: Promise<void>[] = [];
  for (let i = 0; produces !== undefined && !stops; i++) {
    const value = `${produces}${i}`;
    sending.push(
      send(value).then(
        () => say("sent", value),
        (error: unknown) => say("unsent", value, error),
      ),
    );
    await Bun.sleep(50);
  }
  await Promise.all(sending);
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
    ...kafkajsSecurity(login),
    logLevel: logLevel.NOTHING,
    reauthenticationThreshold: 2_000,
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
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  if (produces !== undefined) await producer.connect();
  await produce((value) => producer.send({ topic, messages: [{ value }] }));
  await stopped.promise;
  await producer.disconnect();
  await consumer.disconnect();
}

async function runPlatformatic(): Promise<void> {
  const common = { clientId, bootstrapBrokers: [broker], ...platformaticSecurity(login) };
  const consumer = new Consumer({
    ...{ ...common, groupId: group },
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
  // So few that it says soon that its login has failed.
  const producer = new Producer({ ...common, retries: 5, retryDelay: 200 });
  const producing = produce((value) =>
    producer.send({ messages: [{ topic, value: Buffer.from(value) }] }),
  );
  void stopped.promise.then(async () => {
    await producing;
    await producer.close(true);
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
  const { mechanism, user: username = "", password = "", ca } = login;
  const client = await connect({
    ...{ broker, retries: 20 },
    ...(ca !== undefined && { tls: { ca: readFileSync(ca, "utf8") } }),
    ...(mechanism === "OAUTHBEARER"
      ? { sasl: { mechanism, token: () => currentToken(login) } }
      : mechanism !== undefined && { sasl: { mechanism, username, password } }),
  });
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
  const producer = client.producer();
  const producing = produce((value) => producer.send(topic, { value: Buffer.from(value) }));
  void stopped.promise.then(() => consumer.close());
  for (;;) {
    const batch = await nextBatch();
    if (batch === null) break;
    while (batch.next()) {
      const { offset } = batch.cursor;
      say("got", batch.partition, offset, Buffer.from(batch.cursor.value() ?? []));
      processed.set(batch.partition, offset + 1);
    }
    await pause();
    await commitAll();
  }
  await producing;
  await consumer.close();
  await client.close();

  async function nextBatch(): ReturnType<typeof consumer.nextBatch> {
    try {
      return await consumer.nextBatch();
    } catch (error) {
      say("error", error);
      return null;
    }
  }
}

/** kcat in two processes: one that sends what it reads from stdin, and a member of the group, which commits by itself. */
async function runKcat(): Promise<void> {
  const executable = process.env.MEMBER_KCAT ?? "";
  const settings = { ...librdkafkaSettings(login), "reconnect.backoff.max.ms": "200" };
  const more = Object.entries(settings).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
  const run = (args: readonly string[]) =>
    Bun.spawn([executable, "-b", broker, ...more, ...args], {
      ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe" },
    });
  const lines = async (stream: ReadableStream<Uint8Array>, take: (line: string) => void) => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const all = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = all.pop() ?? "";
      for (const line of all) take(line);
    }
  };
  const trouble = (line: string): void => {
    if (/Delivery failed/.test(line)) say("unsent", "?", line);
    else if (/ERROR: (?!Topic .* error: Broker: Unknown topic)/.test(line)) say("error", line);
    else say("trouble", line);
  };
  const sender = run(["-P", "-t", topic]);
  const member = run([
    "-G",
    group,
    "-u",
    "-f",
    "%p %o %s\\n",
    "-X",
    "auto.offset.reset=earliest",
    topic,
  ]);
  const reading = [
    lines(sender.stderr, trouble),
    lines(member.stderr, trouble),
    lines(member.stdout, (line) => say("got", ...line.split(" "))),
  ];
  await produce(async (value) => {
    sender.stdin.write(`${value}\n`);
    sender.stdin.flush();
  });
  await stopped.promise;
  sender.stdin.end();
  await sender.exited;
  await Bun.sleep(500); // for the member to read what was sent last
  member.kill("SIGTERM");
  await member.exited;
  await Promise.all(reading);
}
