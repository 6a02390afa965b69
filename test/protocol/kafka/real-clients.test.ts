// kafkajs and @platformatic/kafka, as users install them, against a broker in this process; and records that either of
// them or our own client wrote, read by all three. Other clients: `bun run test:kafka`.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "../../../src/index.js";
import { Absent, type TestedClient } from "../../kafka/client.js";
import { connectKafkajs } from "../../kafka/kafkajs.js";
import { libraryClient } from "../../kafka/library.js";
import { connectPlatformatic } from "../../kafka/platformatic.js";
import {
  compareSamples,
  type Quirks,
  SAMPLE_PARTITIONS,
  writeSamples,
} from "../../kafka/samples.js";
import { CHECKS } from "../../kafka/scenario.js";
import { startBroker, type TestBroker } from "../../support/broker.js";

type Name = "kafkajs" | "platformatic" | "rustlog";

const QUIRKS: Readonly<Record<Name, Quirks>> = {
  kafkajs: { noNullHeaders: true },
  platformatic: {},
  rustlog: {},
};

let running: TestBroker;
let broker: string;
let clients: Record<Name, TestedClient>;

beforeAll(async () => {
  running = await startBroker();
  broker = `127.0.0.1:${running.broker.port}`;
  const [kafkajs, platformatic, rustlog] = await Promise.all([
    connectKafkajs(broker),
    connectPlatformatic(broker),
    connect({ broker }),
  ]);
  clients = { kafkajs, platformatic, rustlog: libraryClient(rustlog) };
});

afterAll(async () => {
  await Promise.all(Object.values(clients).map((client) => client.close()));
  await running[Symbol.asyncDispose]();
});

// One after another: calls of one kafkajs client for several topics disturb each other.
describe.each(["kafkajs", "platformatic"] as const)("%s", (name) => {
  for (const [what, check] of Object.entries(CHECKS)) {
    const hasFunction = name !== "kafkajs" || what !== "finds the largest timestamp";
    test(hasFunction ? what : `${what}: it has no such function`, async () => {
      const topic = `${name}-${what.replaceAll(/\W+/g, "-")}`;
      const checking = check({ client: clients[name], other: clients.platformatic, broker, topic });
      if (hasFunction) await checking;
      else expect(checking).rejects.toBeInstanceOf(Absent);
    });
  }
});

describe.concurrent.each(["kafkajs", "platformatic", "rustlog"] as const)(
  "what %s writes",
  (writer) => {
    test("with each codec, everybody reads byte for byte", async () => {
      const topic = `samples-${writer}`;
      await clients.platformatic.create(topic, SAMPLE_PARTITIONS);
      const written = await writeSamples(clients[writer], topic, QUIRKS[writer]);
      for (const reader of ["kafkajs", "platformatic", "rustlog"] as const) {
        const quirks = { reader: QUIRKS[reader], writer: QUIRKS[writer] };
        const difference = await compareSamples(clients[reader], topic, written, quirks);
        expect(`${reader}: ${difference}`).toBe(`${reader}: undefined`);
      }
    });
  },
);
