// `rustlog inspect` of a log: its batches, with their records or bytes, and the damage between them.
// Leaves to others: the walk (inspection/segment-walk.ts), indexes and snapshots (inspect-entries.ts).
import { RustLogError } from "../errors.js";
import { type BatchDescription, describeBatch } from "../inspection/batch-description.js";
import { batchFields } from "../inspection/batch-fields.js";
import { BATCH_COLUMNS, batchLine, damageLine, recordLine } from "../inspection/batch-line.js";
import { type DumpItem, heading, jsonFields } from "../inspection/fields.js";
import { FileReader } from "../inspection/file-reader.js";
import { type DamagedRange, type WalkedBatch, walkSegment } from "../inspection/segment-walk.js";
import { printable } from "../printable.js";
import { RecordCursor } from "../record/cursor.js";
import { reasonOf } from "../log/disk/disk.js";
import type { InspectOptions, InspectOutput } from "./inspect-output.js";
import { bytesField, headerFields } from "../record/json-record.js";

/** Bytes shown of a damaged range that is not a complete batch. */
const DAMAGE_BYTES_SHOWN = 1024;

const INDENT = " ".repeat(12);

/** Why the records of a batch end early. */
interface RecordsEnd {
  /** `unopened`: the records may be intact, but can't be decompressed here. */
  readonly kind: "damage" | "unopened";
  readonly reason: string;
}

export class LogPrinter {
  readonly #options: InspectOptions;
  readonly #output: InspectOutput;
  /** Whether --limit counts records rather than batches. */
  readonly #isOfRecords: boolean;
  #left: number;

  constructor(options: InspectOptions, output: InspectOutput) {
    this.#options = options;
    this.#output = output;
    this.#isOfRecords = options.isRecords && (options.isJson || !options.isHex);
    this.#left = options.limit;
  }

  /** Prints the log at `path`. Throws the system's error when the file can't be read. */
  async print(path: string): Promise<void> {
    using file = new FileReader(path);
    const { isJson, isHex, from } = this.#options;
    if (!isJson && !isHex) this.#output.line(BATCH_COLUMNS);
    for (const part of walkSegment(file)) {
      if (part.kind === "damage") await this.#damage(part, file);
      else {
        const batch = describeBatch(part.bytes, part.at, part.position);
        if ((batch.lastOffset ?? from) < from) continue;
        await this.#batch(batch, part);
      }
      if (!this.#isOfRecords) this.#left--;
      if (this.#left <= 0 || (await this.#output.isOver())) return;
    }
  }

  async #batch(batch: BatchDescription, part: WalkedBatch): Promise<void> {
    const { isRecords, isHex, isJson } = this.#options;
    const fields = batchFields(part.bytes, part.at, part.at + part.size, part.position);
    if (isJson) {
      await this.#output.jsonWithLists(
        { kind: "batch", ...batch, crcOk: true },
        {
          ...(isRecords ? { records: this.#records(part, jsonRecord, (end) => end) } : {}),
          ...(isHex ? { fields: jsonFields(fields) } : {}),
        },
      );
    } else if (isHex) {
      const offsets = `offsets ${batch.baseOffset} to ${batch.lastOffset}`;
      const title = `batch at position ${part.position}: ${offsets}, ${part.size} bytes`;
      await this.#output.dump([heading(0, title)]);
      await this.#output.dump(fields);
    } else {
      this.#output.line(batchLine(batch, "ok"));
      const endLine = (end: RecordsEnd): string => this.#endLine(end);
      if (isRecords) await this.#output.lines(this.#records(part, recordLine, endLine));
    }
  }

  async #damage(range: DamagedRange, file: FileReader): Promise<void> {
    const { isHex, isJson } = this.#options;
    const { position, size, fault, header } = range;
    const stated = header === undefined ? undefined : describeBatch(header, 0, position);
    // A batch with a valid frame and damaged content is shown as a batch.
    const isWhole = stated?.bytes === size;
    const shown = new Uint8Array(isWhole ? size : Math.min(size, DAMAGE_BYTES_SHOWN));
    if (isHex) file.read(shown, position);
    const fields = damageFields(shown, range);
    if (isJson) {
      const place = { kind: "damage", position, bytes: size };
      const what = { fault: fault.kind, reason: fault.message, header: stated ?? null };
      const more = isHex ? { fields: jsonFields(fields) } : {};
      await this.#output.jsonWithLists({ ...place, ...what }, more);
    } else if (isHex) await this.#output.dump(fields);
    else {
      if (isWhole && stated !== undefined) this.#output.line(batchLine(stated, "BAD"));
      this.#output.damage(damageLine(range));
    }
  }

  /** Yields `show` of each wanted record, and finally why the records end early, if they do. */
  *#records<T>(
    { bytes, at, size }: WalkedBatch,
    show: (cursor: RecordCursor) => T,
    showEnd: (end: RecordsEnd) => T,
  ): Generator<T, void> {
    const { from: fromOffset } = this.#options;
    const cursor = new RecordCursor().reset(bytes, at, at + size, { fromOffset });
    while (this.#left > 0) {
      try {
        if (!cursor.next()) return;
      } catch (error) {
        yield showEnd(recordsEnd(error));
        return;
      }
      yield show(cursor);
      this.#left--;
    }
  }

  #endLine({ kind, reason }: RecordsEnd): string {
    if (kind === "unopened") return printable(`${INDENT}not decompressed: ${reason}`);
    return this.#output.paint("broken", printable(`${INDENT}DAMAGED: ${reason}`));
  }
}

/** Drops the position in memory from the message: the line already has the position in the file. */
function recordsEnd(error: unknown): RecordsEnd {
  const isDamage = !(error instanceof RustLogError) || error.code === "CORRUPT_MESSAGE";
  const reason = reasonOf(error).replace(/^batch at byte \d+: /, "");
  return { kind: isDamage ? "damage" : "unopened", reason };
}

function jsonRecord(cursor: RecordCursor): object {
  const { offset, timestamp } = cursor;
  const data = { ...bytesField("key", cursor.key()), ...bytesField("value", cursor.value()) };
  const headers = cursor.headers().map(headerFields);
  return { offset, timestamp, ...data, headers };
}

/** The bytes of a damaged range: as batch fields if a header gives its length, else raw. */
function* damageFields(bytes: Uint8Array, range: DamagedRange): Generator<DumpItem, void> {
  const { position, size, fault, header } = range;
  yield heading(0, `DAMAGED: ${size} bytes at position ${position}: ${fault.message}`, true);
  if (header !== undefined) yield* batchFields(bytes, 0, bytes.length, position);
  else {
    const name = "not a batch";
    yield { kind: "field", position, bytes, name, text: undefined, role: "broken" };
  }
  if (size > bytes.length) yield heading(0, `and ${size - bytes.length} more bytes`, true);
}
