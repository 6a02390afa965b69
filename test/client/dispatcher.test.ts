// Batches between record and sender: when they are complete, what bounds them, that each is settled. The sender is scripted.
import { describe, expect, test } from "bun:test";
import type { Delivery, SealedBatch } from "../../src/client/accumulator.js";
import { Dispatcher, type DispatcherOptions } from "../../src/client/dispatcher.js";
import { RustLogError } from "../../src/errors.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";

const NEVER_MS = 1e9;
const pool = { take: () => new BatchEncoder(), put: () => {} };

interface Sending {
  readonly batch: SealedBatch;
  readonly acknowledge: (baseOffset: number) => void;
  readonly fail: (error: Error) => void;
}

function harness(options: Partial<DispatcherOptions> = {}) {
  const sendings: Sending[] = [];
  const log: string[] = [];
  let arrival = Promise.withResolvers<void>();
  const dispatcher = new Dispatcher({
    lingerMs: NEVER_MS,
    batchBytes: 200,
    pool,
    recordBytesMax: 1000,
    bufferBytesMax: 1e6,
    sender: {
      send: (batch) => {
        const { promise, resolve, reject } = Promise.withResolvers<number>();
        sendings.push({ batch, acknowledge: resolve, fail: reject });
        arrival.resolve();
        arrival = Promise.withResolvers();
        return promise;
      },
      retryAfterMs: () => undefined,
      pause: () => Promise.resolve(),
    },
    onSealed: ({ partition }) => log.push(`sealed ${partition}`),
    onAcknowledged: ({ partition }, offset) => log.push(`acknowledged ${partition} ${offset}`),
    onFailed: ({ partition }, { code }) => log.push(`failed ${partition} ${code}`),
    onRefused: (batches, { code }) => log.push(`refused ${batches.length} ${code}`),
    ...options,
  });
  const partitions = [0, 1].map((partition) => dispatcher.partition("t", partition));
  const append = (partition: number, value: string, delivery?: Delivery): void =>
    dispatcher.add(partitions[partition]!, 1, null, value, undefined, delivery);
  const nextSending = (): Promise<void> => arrival.promise;
  return { dispatcher, sendings, log, append, nextSending };
}

function valuesOf(batch: SealedBatch): (string | null)[] {
  const cursor = new RecordCursor().reset(batch.bytes);
  const values: (string | null)[] = [];
  while (cursor.next()) values.push(cursor.valueText());
  return values;
}

describe("batches", () => {
  test("a full batch is sent without waiting, and the record that did not fit starts the next", () => {
    const { sendings, append } = harness();
    const value = "x".repeat(40);
    for (let i = 0; i < 5; i++) append(0, value);
    expect(sendings).toHaveLength(1);
    expect(sendings[0]!.batch.records).toBe(2);
    expect(sendings[0]!.batch.bytes.length).toBeLessThanOrEqual(200);
  });

  test("a record larger than a batch is sent alone; one larger than the limit is rejected alone", () => {
    const { dispatcher, sendings, append } = harness();
    append(0, "before");
    append(0, "y".repeat(500));
    expect(() => append(0, "z".repeat(5000))).toThrow("larger than the 1000 bytes");
    append(0, "after");
    expect(sendings.map(({ batch }) => valuesOf(batch))).toEqual([["before"]]);
    sendings[0]!.acknowledge(0);
    expect(dispatcher.bufferedBytes).toBeGreaterThan(500);
  });

  test("a record that can't be encoded is rejected alone, even as the first of a batch", async () => {
    const { dispatcher, sendings, append, log } = harness();
    const partition = dispatcher.partition("t", 5);
    expect(() => dispatcher.add(partition, Number.NaN, null, "x", undefined, undefined)).toThrow(
      RustLogError,
    );
    expect(partition.accumulator.isOpen).toBe(false);
    append(0, "fine");
    dispatcher.sealAll();
    sendings[0]!.acknowledge(7);
    await dispatcher.settled();
    expect(log).toEqual(["sealed 0", "acknowledged 0 7"]);
  });
});

describe("the memory of a batch", () => {
  /** A pool that counts its encoders. */
  function counting() {
    const idle: BatchEncoder[] = [];
    let made = 0;
    return {
      idle,
      made: () => made,
      take: () => {
        if (idle.length === 0) made++;
        return idle.pop() ?? new BatchEncoder({ initialBytes: 256 });
      },
      put: (encoder: BatchEncoder) => void idle.push(encoder),
    };
  }

  test("belongs to its encoder, and is reused only after the acknowledgement", async () => {
    const own = counting();
    const { dispatcher, sendings, append } = harness({ pool: own });
    append(0, "a".repeat(100));
    dispatcher.sealAll();
    append(1, "b".repeat(100));
    dispatcher.sealAll();
    expect([own.made(), own.idle.length]).toEqual([2, 0]);
    expect(sendings.map(({ batch }) => valuesOf(batch)[0]![0])).toEqual(["a", "b"]);
    sendings[0]!.acknowledge(0);
    // A batch that is given up may still be in an outbox.
    sendings[1]!.fail(new RustLogError("TIMED_OUT", "no answer"));
    await dispatcher.settled();
    expect(own.idle).toHaveLength(1);
  });

  test("is a copy if the batch is short, so that it does not keep a large buffer", () => {
    const own = counting();
    const { dispatcher, append, sendings } = harness({ pool: own });
    append(0, "a");
    dispatcher.sealAll();
    append(1, "b");
    dispatcher.sealAll();
    expect([own.made(), own.idle.length]).toEqual([1, 1]);
    expect(sendings.map(({ batch }) => valuesOf(batch))).toEqual([["a"], ["b"]]);
  });
});

describe("linger", () => {
  test("0 sends what one turn of the event loop collected", async () => {
    const { sendings, append, nextSending } = harness({ lingerMs: 0 });
    append(0, "a");
    append(0, "b");
    expect(sendings).toHaveLength(0);
    await nextSending();
    expect(valuesOf(sendings[0]!.batch)).toEqual(["a", "b"]);
  });

  test("a batch continues to fill while it can't be sent, and is sent as soon as it can", async () => {
    const { sendings, append, nextSending } = harness({ lingerMs: 1 });
    append(0, "a");
    await nextSending();
    append(0, "b");
    append(1, "c");
    await nextSending();
    // Both partitions have lingered, but the first batch of partition 0 is unanswered.
    expect(sendings.map(({ batch }) => valuesOf(batch))).toEqual([["a"], ["c"]]);
    append(0, "d");
    const next = nextSending();
    sendings[0]!.acknowledge(0);
    await next;
    expect(valuesOf(sendings[2]!.batch)).toEqual(["b", "d"]);
  });
});

describe("settling", () => {
  test("waits for every complete batch, acknowledged or failed", async () => {
    const { dispatcher, sendings, append, log } = harness();
    append(0, "a");
    append(1, "b");
    dispatcher.sealAll();
    let isSettled = false;
    const settled = dispatcher.settled().then(() => {
      isSettled = true;
    });
    sendings[0]!.acknowledge(5);
    await Promise.resolve();
    expect(isSettled).toBe(false);
    sendings[1]!.fail(new RustLogError("DISK_FULL", "full"));
    await settled;
    expect(log).toEqual(["sealed 0", "sealed 1", "acknowledged 0 5", "failed 1 DISK_FULL"]);
    expect(dispatcher.bufferedBytes).toBe(0);
  });

  test("a batch that is given up does not block the next one", async () => {
    const { dispatcher, sendings, append, nextSending } = harness();
    append(0, "a");
    dispatcher.sealAll();
    append(0, "b");
    dispatcher.sealAll();
    const next = nextSending();
    sendings[0]!.fail(new Error("a bug"));
    await next;
    expect(valuesOf(sendings[1]!.batch)).toEqual(["b"]);
  });

  test("each delivery has its place in the batch", () => {
    const { dispatcher, sendings, append } = harness();
    const delivery = { resolve: () => {}, reject: () => {} };
    append(0, "a");
    append(0, "b", delivery);
    append(0, "c");
    append(0, "d", delivery);
    dispatcher.sealAll();
    expect([...sendings[0]!.batch.deliveries.keys()]).toEqual([1, 3]);
  });
});

describe("back-pressure", () => {
  test("is full at the limit, and has room once a batch is settled", async () => {
    const { dispatcher, sendings, append } = harness({ bufferBytesMax: 300 });
    for (const value of ["a", "b", "c", "d"]) {
      append(0, value.repeat(60));
      dispatcher.sealAll();
    }
    expect(dispatcher.isFull).toBe(false);
    append(0, "e".repeat(60));
    expect(dispatcher.isFull).toBe(true);
    let hasRoom = false;
    const room = dispatcher.room().then(() => {
      hasRoom = true;
    });
    expect(dispatcher.room()).toBe(dispatcher.room());
    await Bun.sleep(0);
    expect(hasRoom).toBe(false);
    sendings[0]!.acknowledge(0);
    await room;
    expect(dispatcher.isFull).toBe(false);
  });

  test("waiting for room does not send lingering records while a batch is in flight", async () => {
    const { dispatcher, sendings, append, nextSending } = harness({ bufferBytesMax: 100 });
    append(0, "a".repeat(60));
    dispatcher.sealAll();
    append(0, "b".repeat(60));
    const room = dispatcher.room();
    const next = nextSending();
    sendings[0]!.acknowledge(0);
    await room;
    append(0, "c".repeat(10));
    dispatcher.sealAll();
    await next;
    expect(valuesOf(sendings[1]!.batch)).toEqual(["b".repeat(60), "c".repeat(10)]);
  });

  test("waiting for room sends lingering records if nothing is in flight", async () => {
    const { dispatcher, sendings, append } = harness({ bufferBytesMax: 10 });
    append(0, "more than ten bytes");
    expect(dispatcher.isFull).toBe(true);
    const room = dispatcher.room();
    expect(sendings).toHaveLength(1);
    sendings[0]!.acknowledge(0);
    await room;
  });
});
