// Setup for tests of the consumer: a scripted broker with numbered records, and a client connected to it.
// Leaves to others: the broker itself (fake-broker.ts), and expectations.
import { connect } from "../../src/client/client.js";
import type { Consumer } from "../../src/client/consumer.js";
import type { ConsumerOptions } from "../../src/client/consumer-options.js";
import { RustLogError } from "../../src/errors.js";
import { batchOf } from "./broker.js";
import { FakeBroker, type FakeBrokerOptions } from "./fake-broker.js";

/** The topic of these tests. */
export const TOPIC = "t";

/** A broker, a client, and consumers that by default end at the high watermark. */
export async function setUp(options: FakeBrokerOptions = {}) {
  const broker = new FakeBroker(options);
  const client = await connect({ broker: broker.address, retryBackoffMs: 1 });
  const consumer = (more: Partial<ConsumerOptions> = {}): Consumer =>
    client.consumer({ topic: TOPIC, follow: false, maxWaitMs: 10_000, ...more });
  const dispose = async (): Promise<void> => {
    await client.close();
    broker[Symbol.dispose]();
  };
  return { broker, client, consumer, [Symbol.asyncDispose]: dispose };
}

/** Fills a partition with batches of the given numbers of records. Values are the offsets. */
export function fill(broker: FakeBroker, partition: number, ...sizes: number[]): void {
  let offset = 0;
  for (const size of sizes) {
    const values = Array.from({ length: size }, (_, i) => `${offset + i}`);
    broker.append(TOPIC, partition, batchOf(...values));
    offset += size;
  }
}

/** Reads to the end, and checks that each value matches its offset. */
export async function offsetsOf(consumer: Consumer): Promise<number[]> {
  const offsets: number[] = [];
  for await (const { offset, value } of consumer) {
    if (value !== null && Buffer.from(value).toString() !== `${offset}`) {
      throw new Error(`offset ${offset} has the value of another`);
    }
    offsets.push(offset);
  }
  return offsets;
}

/** The RustLogError that ends a promise; anything else fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<RustLogError> {
  const error = await promise.then(
    () => "no error",
    (error: unknown) => error,
  );
  if (!(error instanceof RustLogError)) throw new Error(`expected a RustLogError, got ${error}`);
  return error;
}

/** The whole numbers from `start` to one below `end`. */
export const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);
