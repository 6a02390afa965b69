import { expect, test } from "bun:test";
import { BrokerMetrics } from "../../src/broker/metrics.js";

test("connections closed with an error are counted, each error after its first occurrence", () => {
  const metrics = new BrokerMetrics();
  expect(metrics.connectionErrors()).toEqual([]);
  metrics.connectionFailed("FRAME_TOO_LARGE");
  metrics.connectionFailed("INVALID_REQUEST");
  metrics.connectionFailed("FRAME_TOO_LARGE");
  expect(metrics.connectionErrors()).toEqual([
    { error: "FRAME_TOO_LARGE", count: 2 },
    { error: "INVALID_REQUEST", count: 1 },
  ]);
});

test("answered requests of all protocols are counted together", () => {
  const metrics = new BrokerMetrics();
  const table = { apis: [[3, "Ask"]] as const, produceKey: 0, fetchKey: 1, errors: ["none"] };
  const first = metrics.register({ protocol: "first", ...table });
  const second = metrics.register({ protocol: "second", ...table });
  first.answered(3, 0, 0, false);
  second.answered(3, 0, 0, false);
  second.answered(4, 0, 0, false);
  expect(metrics.requestsAnswered).toBe(3);
  expect(metrics.protocols.map(({ protocol }) => protocol)).toEqual(["first", "second"]);
});
