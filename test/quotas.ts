// Whether real clients are held to a quota, each in turn: bun run test:quotas
// Prints the rate of each after its burst, over some seconds, and fails if one differs from the quota by more than 10 %.
// `--seconds N` for longer.
// Leaves to others: the arithmetic of quotas (security/quotas.test.ts), and what a muted connection does
// (broker/quotas.test.ts).
import { parseArgs } from "node:util";
import { Kafka, logLevel } from "kafkajs";
import { connect, type Producer } from "../src/index.js";
import { WINDOW_SECONDS } from "../src/security/token-bucket.js";
import { startBroker, type TestBroker } from "./support/broker.js";
import { until } from "./support/until.js";

const RATE = 8 * 2 ** 20;
const VALUE = Buffer.alloc(10_000, "x");
const RECORDS_AT_ONCE = 200;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "8" } } });
const seconds = Number(values.seconds);

interface Greedy {
  readonly name: string;
  readonly kind: "producer" | "consumer";
  /** Uses as much as it can until it is told to stop. */
  run(address: string, isOver: () => boolean): Promise<void>;
}

function newKafka(address: string): Kafka {
  return new Kafka({ brokers: [address], clientId: "greedy", logLevel: logLevel.NOTHING });
}

const CLIENTS: readonly Greedy[] = [
  {
    name: "our producer",
    kind: "producer",
    async run(address, isOver) {
      await using client = await connect({ broker: address });
      const producer = client.producer();
      while (!isOver()) await sendSome(producer);
    },
  },
  {
    name: "kafkajs producer",
    kind: "producer",
    async run(address, isOver) {
      const producer = newKafka(address).producer();
      await producer.connect();
      const messages = Array.from({ length: 10 }, () => ({ value: VALUE }));
      while (!isOver()) await producer.send({ topic: "t", messages });
      await producer.disconnect();
    },
  },
  {
    name: "our consumer",
    kind: "consumer",
    async run(address, isOver) {
      await using client = await connect({ broker: address });
      while (!isOver()) {
        await using consumer = client.consumer({ topics: ["t"], offset: "earliest" });
        for await (const _ of consumer) if (isOver()) break;
      }
    },
  },
  {
    name: "kafkajs consumer",
    kind: "consumer",
    async run(address, isOver) {
      const consumer = newKafka(address).consumer({ groupId: crypto.randomUUID() });
      await consumer.connect();
      await consumer.subscribe({ topic: "t", fromBeginning: true });
      await consumer.run({ autoCommit: false, eachMessage: async () => {} });
      while (!isOver()) await Bun.sleep(20);
      await consumer.disconnect();
    },
  },
];

async function sendSome(producer: Producer): Promise<void> {
  const record = { value: VALUE };
  await Promise.all(Array.from({ length: RECORDS_AT_ONCE }, () => producer.send("t", record)));
}

async function measure({ name, kind, run }: Greedy): Promise<boolean> {
  await using running = await startBroker({ flush: { kind: "never" } });
  const { broker } = running;
  if (kind === "consumer") await fill(running);
  const key = kind === "producer" ? "producer_byte_rate" : "consumer_byte_rate";
  await broker.context.quotas.change(() => [{ entity: { user: null }, values: { [key]: RATE } }]);
  const bytes = (): number =>
    kind === "producer" ? broker.metrics.receivedBytes : broker.metrics.sentBytes;
  let isOver = false;
  const greedy = run(broker.address, () => isOver);
  await until(() => broker.metrics.throttles.size > 0);
  const [fromBytes, fromMs] = [bytes(), performance.now()];
  await Bun.sleep(seconds * 1000);
  const rate = (bytes() - fromBytes) / ((performance.now() - fromMs) / 1000);
  isOver = true;
  await broker.context.quotas.change(() => [{ entity: { user: null }, values: {} }]);
  await greedy;
  const ratio = rate / RATE;
  console.log(`${name}: ${(ratio * 100).toFixed(1)} % of its quota`);
  return Math.abs(ratio - 1) <= 0.1;
}

async function fill(running: TestBroker): Promise<void> {
  await using client = await connect({ broker: running.broker.address });
  const producer = client.producer();
  const count = (RATE * (WINDOW_SECONDS + seconds + 10)) / VALUE.length / RECORDS_AT_ONCE;
  for (let i = 0; i < count; i++) await sendSome(producer);
}

let isWithin = true;
for (const client of CLIENTS) isWithin = (await measure(client)) && isWithin;
process.exit(isWithin ? 0 : 1);
