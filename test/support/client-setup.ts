// Setup for tests of the client against the real broker: a broker in its own directory, and a client.
// Leaves to others: starting the broker (broker.ts), and expectations.
import { type BrokerOptions, type Client, connect, RustLogError } from "../../src/index.js";
import { startBroker } from "./broker.js";

/** A broker that does not wait for the disk, a client, and its admin. */
export async function setUp(options: Partial<BrokerOptions> = {}) {
  const { broker, ...rest } = await startBroker({ flush: { kind: "never" }, ...options });
  const client = await connect({ broker: broker.address, retryBackoffMs: 5 });
  const dispose = async (): Promise<void> => {
    await client.close();
    await rest[Symbol.asyncDispose]();
  };
  return { broker, client, admin: client.admin(), [Symbol.asyncDispose]: dispose };
}

/** The code of the RustLogError that ends a promise. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => "no error",
    (error: unknown) => error,
  );
  return error instanceof RustLogError ? error.code : String(error);
}

/** Writes values to partition 0. */
export async function produce(
  client: Client,
  topic: string,
  values: readonly string[],
): Promise<void> {
  const producer = client.producer();
  for (const value of values) await producer.enqueue(topic, { value, partition: 0 });
  await producer.close();
}

/** Distinct values. */
export const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `value ${i}`);
