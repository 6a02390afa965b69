// Plays scenarios of classic groups and compares every answer with that of Apache Kafka 4.4.0.
// Leaves to others: the scenarios (group-scenarios.ts).
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../../support/broker.js";
import { ManualClock } from "../../support/manual-clock.js";
import { until } from "../../support/until.js";
import { play } from "./group-scenarios.js";

test("members of a group are answered as by Kafka", async () => {
  const clock = new ManualClock();
  await using running = await startBroker({ groupInitialRebalanceDelayMs: 0 }, undefined, clock);
  const { broker } = running;
  const lines = await play(broker.port, {
    waiting: (requests) => until(() => broker.inflight.waits === requests),
    pass: async (ms) => clock.advance(ms),
  });
  const recorded = readFileSync(join(import.meta.dir, "group-scenarios.txt"), "utf8");
  expect(lines).toEqual(recorded.trimEnd().split("\n"));
});
