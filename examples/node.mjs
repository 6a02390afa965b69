// For Node and Deno: writes three records to the topic 'demo' and reads what the group 'node-demo' has not read yet, with
// kafkajs, a client of Kafka. Our own library needs Bun; the broker and the records are the same.
// Run it: node examples/node.mjs     (the broker: RUSTLOG_BROKER, else 127.0.0.1:9092)
import { Kafka, logLevel, Partitioners } from "kafkajs";

const TOPIC = "demo";
const broker = process.env.RUSTLOG_BROKER || "127.0.0.1:9092";
const kafka = new Kafka({ clientId: "node-demo", brokers: [broker], logLevel: logLevel.ERROR });

const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
const messages = ["hello", "from", "node"].map((value) => ({ key: "demo", value }));
const [{ partition, baseOffset }] = await producer.send({ topic: TOPIC, messages });
console.log(`Written to partition ${partition}, offset ${baseOffset}`);
await producer.disconnect();

const consumer = kafka.consumer({ groupId: "node-demo" });
await consumer.connect();
await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
const last = `${Number(baseOffset) + messages.length - 1}`;
await new Promise((resolve) => {
  void consumer.run({
    eachMessage: async ({ message }) => {
      console.log(`Offset ${message.offset}: ${message.key} ${message.value}`);
      if (message.offset === last) resolve();
    },
  });
});
// Leaves the group, after committing what was read.
await consumer.disconnect();
