// What arrives in topics per second, from the states of partitions.
import { expect, test } from "bun:test";
import { InRates } from "../../../../src/http/page/topics/rates.js";
import type { PartitionState } from "../../../../src/http/page/wire.js";

const STATE: PartitionState = {
  ...{ topic: "t", partition: 0, firstBase: 0, logStart: 0, highWatermark: 100, logEnd: 100 },
  ...{ endSegment: 60, endPosition: 400, activeBase: 60, activeBytes: 400 },
  ...{ sealedCount: 2, sealedBytes: 600, revision: 0, newestMs: null, compactedTo: null },
};

/** The rate of a topic after one change and one second. */
function rateOf(change: Partial<PartitionState>) {
  const rates = new InRates();
  rates.heard(5000);
  rates.count(STATE, { ...STATE, ...change });
  rates.heard(6000);
  return rates.of("t");
}

test.each([
  ["an append", { logEnd: 120, activeBytes: 600 }, { records: 20, bytes: 200 }],
  [
    "a roll",
    { logEnd: 120, activeBase: 110, activeBytes: 90, sealedBytes: 1100 },
    { records: 20, bytes: 190 },
  ],
  ["a trim alone", { firstBase: 60, sealedBytes: 0 }, { records: 0, bytes: 0 }],
  [
    "a trim and an append",
    { firstBase: 60, sealedBytes: 0, logEnd: 110, activeBytes: 450 },
    { records: 10, bytes: 50 },
  ],
  [
    "a roll and the deletion of all before it, by the size of earlier records",
    { firstBase: 110, activeBase: 110, activeBytes: 5, sealedBytes: 0, logEnd: 120 },
    { records: 20, bytes: 200 },
  ],
  ["a compaction", { revision: 1, sealedBytes: 100 }, { records: 0, bytes: 0 }],
  ["another topic of the same name", { logEnd: 3, activeBytes: 9 }, { records: 0, bytes: 0 }],
])("%s", (_, change, rate) => {
  expect(rateOf(change)).toEqual(rate);
});

test("the rate is that of the last five seconds, and not known before the first", () => {
  const rates = new InRates();
  let state = STATE;
  const append = (records: number): void => {
    const next = {
      ...state,
      logEnd: state.logEnd + records,
      activeBytes: state.activeBytes + 10 * records,
    };
    rates.count(state, next);
    state = next;
  };
  rates.heard(0);
  expect(rates.of("t")).toBeUndefined();
  append(100);
  rates.heard(500);
  expect(rates.of("t")).toBeUndefined();
  rates.heard(1000);
  expect(rates.of("t")).toEqual({ records: 100, bytes: 1000 });
  expect(rates.of("u")).toEqual({ records: 0, bytes: 0 });
  append(100);
  rates.heard(3000);
  expect(rates.of("t")?.records).toBeCloseTo(200 / 3);
  for (let second = 4; second <= 8; second++) rates.heard(1000 * second);
  expect(rates.of("t")).toEqual({ records: 0, bytes: 0 });
});

test("nothing is known while the broker does not respond, and after its restart", () => {
  const rates = new InRates();
  rates.heard(0);
  rates.heard(1000);
  expect(rates.of("t")).toEqual({ records: 0, bytes: 0 });
  rates.lost();
  expect(rates.of("t")).toBeUndefined();
  rates.heard(9000);
  rates.heard(10_000);
  expect(rates.of("t")).toEqual({ records: 0, bytes: 0 });
  rates.heard(30);
  expect(rates.of("t")).toBeUndefined();
  rates.heard(1030);
  expect(rates.of("t")).toEqual({ records: 0, bytes: 0 });
});
