// Turns one record of input into a record for the producer: key, headers, tombstones, JSON.
// Leaves to others: reading the input (produce.ts, line-reader.ts).
import { printableJson } from "../printable.js";
import type { Producer } from "../client/producer.js";
import { RustLogError } from "../errors.js";
import type { ProducerHeader } from "../record/encoder.js";
import { CliError } from "./exit.js";
import { parseJsonRecord } from "./json-record.js";
import { ANY_PARTITION } from "../client/producer-topic.js";

export interface RecordInputOptions {
  readonly key: string | undefined;
  /** Separator between key and value; without it, records have no key of their own. */
  readonly keySeparator: Uint8Array | undefined;
  /** Accept a record without the separator as one without a key. */
  readonly allowsMissingKey: boolean;
  readonly headers: readonly (readonly [string, string])[];
  readonly partition: number | undefined;
  /** Write null for an empty value. */
  readonly isTombstone: boolean;
  readonly isJson: boolean;
}

const SPACE = 0x20;

export class RecordInput {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #options: RecordInputOptions;
  readonly #partition: number;
  readonly #key: Uint8Array | null;
  readonly #separator: Buffer | undefined;
  readonly #headers: readonly ProducerHeader[] | undefined;
  #bytes = 0;

  constructor(producer: Producer, topic: string, options: RecordInputOptions) {
    this.#producer = producer;
    this.#topic = topic;
    this.#options = options;
    this.#partition = options.partition ?? ANY_PARTITION;
    this.#key = options.key === undefined ? null : Buffer.from(options.key);
    this.#separator =
      options.keySeparator === undefined ? undefined : Buffer.from(options.keySeparator);
    this.#headers =
      options.headers.length === 0
        ? undefined
        : options.headers.map(([name, value]) => ({ name, value: Buffer.from(value) }));
  }

  /** Bytes of input taken so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Passes one record to the producer. The input may be reused once this returns, or once the returned promise
   * resolves; wait for that promise. Throws CliError for invalid JSON.
   */
  take(input: Uint8Array, timestampMs: number): void | Promise<void> {
    this.#bytes += input.length;
    if (this.#options.isJson) return this.#takeJson(input, timestampMs);
    let key = this.#key;
    let value: Uint8Array | null = input;
    if (this.#separator !== undefined) {
      const at = Buffer.prototype.indexOf.call(input, this.#separator);
      if (at !== -1) {
        key = input.subarray(0, at);
        value = input.subarray(at + this.#separator.length);
      } else if (!this.#options.allowsMissingKey) {
        throw new CliError(`key separator ${printableJson(`${this.#separator}`)} not found`, {
          help: "Check -K (escapes such as \\t are allowed), or accept records without a key with --allow-missing-key.",
        });
      }
    }
    if (this.#options.isTombstone && value.length === 0) value = null;
    return this.#producer.enqueueRaw(
      this.#topic,
      this.#partition,
      key,
      value,
      timestampMs,
      this.#headers,
    );
  }

  #takeJson(input: Uint8Array, timestampMs: number): void | Promise<void> {
    if (isBlank(input)) return;
    const record = parseJsonRecord(input);
    const isNull = this.#options.isTombstone && record.value?.length === 0;
    return this.#producer.enqueueRaw(
      this.#topic,
      this.#options.partition ?? record.partition ?? ANY_PARTITION,
      record.key,
      isNull ? null : record.value,
      record.timestamp ?? timestampMs,
      record.headers.length === 0 ? undefined : record.headers,
    );
  }
}

/** Adds the place of a record in the input to its error: `line 3 of the input`. */
export function atRecord(where: string, error: unknown): unknown {
  if (error instanceof RustLogError) {
    const { code, message, help } = error;
    // The error is about this record; one about an earlier batch has a cause.
    const isOfRecord = code === "MESSAGE_TOO_LARGE" && error.cause === undefined;
    return isOfRecord
      ? new RustLogError(code, `${where}: ${message}`, { cause: error, help })
      : error;
  }
  if (!(error instanceof CliError)) return error;
  return new CliError(`${where}: ${error.message}`, {
    cause: error,
    ...(error.help === undefined ? {} : { help: error.help }),
  });
}

function isBlank(input: Uint8Array): boolean {
  return input.every((byte) => byte <= SPACE);
}
