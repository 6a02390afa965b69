// Unreadable records: the error that describes them, and what a consumer does about them.
// Leaves to others: finding them (record/cursor, the broker), skipping them (fetched-records, fetcher).

import { RustLogError } from "../errors.js";
import { withoutOffsetAfterDamage } from "../protocol/native/fetch.js";

/** What a consumer does about records that can't be read: throw, or skip them and report each skip. */
export type DamagedPolicy = "throw" | "skip";

/** The error for unreadable records: damaged, malformed, compressed with an unsupported codec, or refused by a deserializer. */
export class DamagedRecordsError extends RustLogError {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first record that can't be read. */
  readonly from: number;
  /** Offset after the last record that can't be read, where reading continues. */
  readonly to: number;

  /** @internal Made by a consumer. */
  constructor(
    where: { readonly topic: string; readonly partition: number },
    { batch, from, to }: { readonly batch: number; readonly from: number; readonly to: number },
    cause: RustLogError,
    what?: string,
  ) {
    const { topic, partition } = where;
    const start = from > batch ? ` from offset ${from} on` : "";
    // A cursor gives the position in the fetched bytes, which means nothing to a user.
    const reason = cause.cause instanceof RustLogError ? cause.cause.message : cause.message;
    const text =
      `the batch at offset ${batch} can't be read${start}; the records after it begin at offset ${to}: ` +
      withoutOffsetAfterDamage(reason);
    super(cause.code, `topic '${topic}', partition ${partition}: ${what ?? text}`, {
      cause,
      help:
        'Skip it with `rustlog consume --skip-damaged`, in a program with the consumer option onDamaged: "skip"; ' +
        `or read on with \`rustlog consume ${topic} -p ${partition} -o ${to}\`.`,
    });
    this.topic = topic;
    this.partition = partition;
    this.from = from;
    this.to = to;
  }
}

/** The error for a record whose key or value the deserializer refuses. */
export function notDeserialized(
  where: { readonly topic: string; readonly partition: number },
  offset: number,
  field: "key" | "value",
  error: unknown,
): DamagedRecordsError {
  const reason = error instanceof Error ? error.message : String(error);
  const text = `the ${field} of the record at offset ${offset} can't be deserialized: ${reason}`;
  const cause = new RustLogError("INVALID_RECORD", text, { cause: error });
  const range = { batch: offset, from: offset, to: offset + 1 };
  return new DamagedRecordsError(where, range, cause, text);
}

/** How a consumer treats damage. */
export interface DamageHandling {
  readonly policy: DamagedPolicy;
  /** Called for each skip. */
  readonly onSkip: (skipped: DamagedRecordsError) => void;
}

/** Reports a skip when there is no callback, so that records never go missing silently. */
export function warnOfSkip({ message }: DamagedRecordsError): void {
  process.emitWarning(`skipped: ${message}`, "RustLogWarning");
}
