// Five batches in flight: none is lost, duplicated or reordered, whatever happens to any of them.
// First by script, then against a simulated network and broker that fail at random, by seed.
import { describe, expect, test } from "bun:test";
import type { SealedBatch } from "../../src/client/accumulator.js";
import { Pipeline } from "../../src/client/pipeline.js";
import { RustLogError } from "../../src/errors.js";
import { baseSequence, producerEpoch, producerId } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { checkProducedBatch } from "../../src/record/produced-batch.js";
import { SimulatedLink, firstValueOf } from "../support/simulated-link.js";

const FULL = new RustLogError("DISK_FULL", "no space");
const BAD = new RustLogError("INVALID_RECORD", "bad");
const OUT_OF_ORDER = new RustLogError("OUT_OF_ORDER_SEQUENCE", "not the next one");
const LOST = new RustLogError("CONNECTION_LOST", "cut");

function batchOf(value: string): SealedBatch {
  const encoder = new BatchEncoder();
  encoder.append(1, null, value);
  return {
    topic: "t",
    partition: 0,
    bytes: encoder.finishUnstamped(),
    logAppendTime: -1,
    records: 1,
    bufferedBytes: 0,
    openedAt: 0,
    deliveries: new Map(),
    settled: Promise.withResolvers<void>(),
    encoder: undefined,
    pinned: { all: false, except: new Set() },
  };
}

interface Sending {
  readonly value: string;
  readonly bytes: Uint8Array;
  readonly answer: (outcome: number | RustLogError) => Promise<void>;
}

/** A pipeline whose sender waits for the test to settle each batch. */
function scripted() {
  const sendings: Sending[] = [];
  const log: string[] = [];
  const pipeline = new Pipeline(
    {
      send: ({ bytes }) => {
        const { promise, resolve, reject } = Promise.withResolvers<number>();
        const answer = async (outcome: number | RustLogError): Promise<void> => {
          if (typeof outcome === "number") resolve(outcome);
          else reject(outcome);
          await Bun.sleep(0);
        };
        sendings.push({ value: firstValueOf(bytes), bytes, answer });
        return promise;
      },
      retryAfterMs: (_batch, error) => (error.retriable ? 0 : undefined),
      pause: () => Promise.resolve(),
    },
    {
      acknowledged: ({ bytes }, offset) => log.push(`${firstValueOf(bytes)} at ${offset}`),
      failed: ({ bytes }, { code }) => log.push(`${firstValueOf(bytes)} ${code}`),
      refused: (batches) => log.push(`refused ${batches.map((b) => firstValueOf(b.bytes))}`),
      hasRoom: () => {},
    },
  );
  const push = (...values: string[]): void => {
    for (const value of values) pipeline.push(batchOf(value));
  };
  /** What was sent since the last call. */
  const sent = (): string[] => sendings.splice(0, sendings.length).map(({ value }) => value);
  /** Sends "a" and has it acknowledged, so that the pipeline is open; then b to f are in flight. */
  const open = async (): Promise<Sending[]> => {
    push("a", "b", "c", "d", "e", "f", "g");
    await sendings.shift()!.answer(0);
    return sendings.splice(0, 5);
  };
  return { pipeline, sendings, log, push, sent, open };
}

describe("in flight", () => {
  test("is limited to one batch at first, and to five once that is acknowledged", async () => {
    const { pipeline, sendings, sent, push, log } = scripted();
    push("a", "b", "c", "d", "e", "f", "g");
    const [first] = sendings;
    expect(sent()).toEqual(["a"]);
    await first!.answer(0);
    const second = sendings[1]!;
    expect(sent()).toEqual(["b", "c", "d", "e", "f"]);
    expect(pipeline.hasRoom).toBe(false);
    // The broker remembers five batches, so b may still be retried.
    await second.answer(2);
    expect(sent()).toEqual([]);
    expect(log).toEqual(["a at 0", "c at 2"]);
  });

  test("advances as the oldest batch is acknowledged", async () => {
    const { pipeline, sent, open } = scripted();
    const [b, c] = await open();
    await b!.answer(1);
    expect(sent()).toEqual(["g"]);
    expect(pipeline.hasRoom).toBe(false);
    await c!.answer(2);
    expect(pipeline.hasRoom).toBe(true);
  });
});

describe("a batch in the middle", () => {
  test("that fails for now is retried alone, then those after it, all with the same bytes", async () => {
    const { sendings, sent, open, log } = scripted();
    const [b, c, d, e, f] = await open();
    const before = [c, d].map(({ bytes } = f!) => Buffer.from(bytes).toString("hex"));
    await b!.answer(1);
    const g = sendings.shift()!;
    await c!.answer(FULL);
    await d!.answer(OUT_OF_ORDER);
    await e!.answer(OUT_OF_ORDER);
    await f!.answer(OUT_OF_ORDER);
    // g is still in flight: nothing is sent until it is answered.
    expect(sent()).toEqual([]);
    await g.answer(OUT_OF_ORDER);
    const [again] = sendings;
    expect(sent()).toEqual(["c"]);
    await again!.answer(2);
    const after = [again!, sendings[0]!].map(({ bytes }) => Buffer.from(bytes).toString("hex"));
    expect(after).toEqual(before);
    expect(sent()).toEqual(["d", "e", "f", "g"]);
    expect(log).toEqual(["a at 0", "b at 1", "c at 2"]);
  });

  test("that is given up makes those after it start a new epoch", async () => {
    const { sendings, sent, open, log } = scripted();
    const all = await open();
    const d = all[2]!;
    const copy = d.bytes.slice();
    const id = producerId(copy, 0);
    await all[0]!.answer(1);
    const g = sendings.shift()!;
    await all[1]!.answer(BAD);
    for (const later of [...all.slice(2), g]) await later.answer(OUT_OF_ORDER);
    // With its old number first: an earlier attempt may have succeeded meanwhile.
    const check = sendings.shift()!;
    expect([check.value, producerEpoch(check.bytes, 0)]).toEqual(["d", 0]);
    await check.answer(OUT_OF_ORDER);
    const [again] = sendings;
    expect(sent()).toEqual(["d"]);
    await again!.answer(2);
    expect(sendings.map(({ value }) => value)).toEqual(["e", "f", "g"]);
    expect(log).toEqual(["a at 0", "b at 1", "c INVALID_RECORD", "d at 2"]);
    for (const [i, { bytes }] of [again!, ...sendings].entries()) {
      checkProducedBatch([bytes], 1000);
      expect([producerId(bytes, 0), producerEpoch(bytes, 0)]).toEqual([id, 1]);
      expect(baseSequence(bytes, 0)).toBe(i);
    }
    // Bytes that may be in an outbox are unchanged.
    expect(d.bytes).toEqual(copy);
  });

  test("that is given up while a later one may be in the log: that one is settled first", async () => {
    const { sendings, sent, open, log } = scripted();
    const [b, c, ...others] = await open();
    const number = baseSequence(c!.bytes, 0);
    await b!.answer(BAD);
    await c!.answer(LOST);
    for (const other of others) await other.answer(LOST);
    const [again] = sendings;
    expect(sent()).toEqual(["c"]);
    expect(producerEpoch(again!.bytes, 0)).toBe(0);
    expect(baseSequence(again!.bytes, 0)).toBe(number);
    await again!.answer(5);
    expect(log).toEqual(["a at 0", "b INVALID_RECORD", "c at 5"]);
    expect(producerEpoch(sendings[0]!.bytes, 0)).toBe(0);
  });

  test("that is given up fails those that may still reach the broker, and no others", async () => {
    const { sendings, open, log } = scripted();
    const all = await open();
    await all[0]!.answer(LOST);
    for (const other of all.slice(1)) await other.answer(LOST);
    for (const answer of [BAD, OUT_OF_ORDER, OUT_OF_ORDER, OUT_OF_ORDER, OUT_OF_ORDER]) {
      await sendings.shift()!.answer(answer);
    }
    const given = ["c", "d", "e", "f"].map((value) => `${value} CONNECTION_LOST`);
    expect(log).toEqual(["a at 0", "b INVALID_RECORD", ...given]);
    const g = sendings.shift()!;
    expect([g.value, producerEpoch(g.bytes, 0)]).toEqual(["g", 0]);
    await g.answer(OUT_OF_ORDER);
    const again = sendings.shift()!;
    expect([again.value, producerEpoch(again.bytes, 0)]).toEqual(["g", 1]);
  });

  test("that is out of order for an unknown reason is given up", async () => {
    const { open, log } = scripted();
    const all = await open();
    for (const each of all) await each.answer(OUT_OF_ORDER);
    expect(log).toEqual(["a at 0", "b OUT_OF_ORDER_SEQUENCE"]);
  });

  test("that is acknowledged before a retried one stays acknowledged", async () => {
    const { sendings, sent, open, log } = scripted();
    const [b, c, ...others] = await open();
    await b!.answer(LOST);
    await c!.answer(2);
    for (const other of others) await other.answer(LOST);
    const [again] = sendings;
    expect(sent()).toEqual(["b"]);
    await again!.answer(1);
    expect(sent()).toEqual(["d", "e", "f", "g"]);
    expect(log).toEqual(["a at 0", "c at 2", "b at 1"]);
  });
});

describe("whatever the network does", () => {
  const BATCHES = 60;
  const SEEDS = Array.from({ length: 500 }, (_, seed) => seed);

  test("acknowledged batches are in the log once, in order, at the reported offset", async () => {
    let retries = 0;
    let failures = 0;
    for (const seed of SEEDS) {
      const link = new SimulatedLink(seed);
      const acknowledged = new Map<number, number>();
      const failed = new Set<number>();
      const pipeline = new Pipeline(link, {
        acknowledged: ({ bytes }, offset) => acknowledged.set(Number(firstValueOf(bytes)), offset),
        failed: ({ bytes }) => failed.add(Number(firstValueOf(bytes))),
        refused: () => {},
        hasRoom: () => {},
      });
      for (let i = 0; i < BATCHES; i++) {
        pipeline.push(batchOf(String(i)));
        await link.step();
      }
      while (acknowledged.size + failed.size < BATCHES) await link.step();

      const { log } = link;
      const said = [...acknowledged].filter(([value, offset]) => log[offset] !== value);
      expect({ seed, said }).toEqual({ seed, said: [] });
      const inOrder = [...new Set(log)].sort((a, b) => a - b);
      expect({ seed, log }).toEqual({ seed, log: inOrder });
      expect(link.maxInFlight).toBeLessThanOrEqual(5);
      retries += link.sent - BATCHES;
      failures += failed.size;
    }
    // The seeds cover what they are meant to.
    expect(retries).toBeGreaterThan(10 * SEEDS.length);
    expect(failures).toBeGreaterThan(SEEDS.length / 2);
  });
});
