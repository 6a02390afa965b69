// `rustlog inspect`: what is in a file of a segment, as lines, as JSON, or as an annotated hex dump.
// Leaves to others: reading the file (inspection/segment-walk.ts and its neighbours). It takes no lock and writes
// nothing, so that it can look at a running broker's files.
import { basename, extname } from "node:path";
import {
  type BatchDescription,
  describeBatch,
  formatTime,
} from "../inspection/batch-description.ts";
import { batchFields } from "../inspection/batch-fields.ts";
import { BATCH_COLUMNS, batchLine, damageLine, recordLine } from "../inspection/batch-line.ts";
import { type DumpItem, heading, jsonFields } from "../inspection/fields.ts";
import { FileReader } from "../inspection/file-reader.ts";
import { hexLines, type Paint } from "../inspection/hex.ts";
import { type IndexListing, indexFields, listIndex } from "../inspection/index-entries.ts";
import { type DamagedRange, type WalkedBatch, walkSegment } from "../inspection/segment-walk.ts";
import { decodeSnapshotFile } from "../inspection/verify-snapshots.ts";
import { RecordCursor } from "../record/cursor.ts";
import { reasonOf } from "../storage/disk.ts";
import { RealDisk } from "../storage/real-disk.ts";
import { isCutFileName } from "../storage/segment-files.ts";
import { paintForStdout } from "./colour.ts";
import { newCommand, usageError } from "./command.ts";
import { bytesField } from "./json-record.ts";
import { wholeNumber } from "./numbers.ts";
import { ByteOutput, STDOUT, writeDescriptor } from "./output.ts";
import { formatTable } from "./table.ts";

const EXAMPLES = `
  rustlog inspect data/topics/events/0/00000000000000000000.log
  rustlog inspect data/topics/events/0/00000000000000000000.log --records --from 1000 --limit 10
  rustlog inspect data/topics/events/0/00000000000000000000.log --hex --limit 1
  rustlog inspect data/topics/events/0/00000000000000000000.index --json`;

/** Bytes shown of a damaged range that is no whole batch. */
const DAMAGE_BYTES_SHOWN = 1024;

interface InspectOptions {
  readonly isRecords: boolean;
  readonly isHex: boolean;
  readonly isJson: boolean;
  readonly from: number;
  readonly limit: number;
}

/** The command `inspect`. */
export function inspectCommand() {
  const command = newCommand(
    "inspect",
    "Show what is in a .log, .index, .timeindex or .snapshot file, also of a running broker",
    EXAMPLES,
  )
    .argument("<file>", "file to look into; it is only read")
    .option("-r, --records", "open the batches of a log and show their records")
    .option(
      "-x, --hex",
      "an annotated hex dump: every field with its bytes, its name and what it says",
    )
    .option("--json", "print a JSON object a line: a batch, an entry, a producer, or damage")
    .option(
      "--from <offset>",
      "begin with the batch, record or entry of this offset",
      wholeNumber(0),
    )
    .option(
      "-n, --limit <n>",
      "end after so many batches, entries or (with --records) records",
      wholeNumber(1),
    );
  return command.action(async (file, options) => {
    const printer = new Printer({
      isRecords: options.records === true,
      isHex: options.hex === true,
      isJson: options.json === true,
      from: options.from ?? 0,
      limit: options.limit ?? Number.POSITIVE_INFINITY,
    });
    const kind = extname(file).slice(1);
    if (kind === "log" || isCutFileName(basename(file))) await printer.log(file);
    else if (kind === "index" || kind === "timeindex") await printer.index(file, kind);
    else if (kind === "snapshot" && options.hex !== true) await printer.snapshot(file);
    else if (kind === "snapshot") usageError(command, "there is no --hex of a .snapshot file");
    else usageError(command, `'${file}' is none of .log, .index, .timeindex and .snapshot`);
  });
}

/** Prints one file. */
class Printer {
  readonly #options: InspectOptions;
  readonly #output = new ByteOutput(writeDescriptor(STDOUT));
  readonly #paint: Paint = paintForStdout();
  #left: number;

  constructor(options: InspectOptions) {
    this.#options = options;
    this.#left = options.limit;
  }

  async log(path: string): Promise<void> {
    using file = new FileReader(path);
    const { isJson, isHex, from } = this.#options;
    if (!isJson && !isHex) this.#line(BATCH_COLUMNS);
    for (const part of walkSegment(file)) {
      if (part.kind === "damage") this.#damage(part, file);
      else {
        const batch = describeBatch(part.bytes, part.at, part.position);
        if ((batch.lastOffset ?? from) < from) continue;
        this.#batch(batch, part);
      }
      if (this.#output.isFull) await this.#output.flush();
      if (this.#left <= 0 || this.#output.isClosed) break;
    }
    await this.#output.drain();
  }

  async index(path: string, kind: "index" | "timeindex"): Promise<void> {
    const { isJson, isHex, from, limit } = this.#options;
    const listing = listIndex(new RealDisk(), path, kind);
    const entries = listing.entries.filter(({ offset }) => offset >= from).slice(0, limit);
    if (isJson) for (const entry of entries) this.#json({ kind: "entry", ...entry });
    else if (isHex) this.#dump(indexFields(listing, entries));
    else this.#output.text(indexTable({ ...listing, entries }));
    for (const fault of listing.faults) {
      if (isJson) this.#json({ kind: "damage", reason: fault });
      else this.#line(this.#paint("broken", `DAMAGED: ${fault}`));
    }
    await this.#output.drain();
  }

  async snapshot(path: string): Promise<void> {
    const { isJson, limit } = this.#options;
    const producers = [...decodeSnapshotFile(new RealDisk(), path).entries()].slice(0, limit);
    const rows = producers.map(([id, { epoch, batches }]) => {
      const last = batches.at(-1);
      return { producerId: id, producerEpoch: epoch, ...last };
    });
    if (isJson) for (const row of rows) this.#json({ kind: "producer", ...row });
    else {
      const header = ["PRODUCER", "EPOCH", "SEQUENCE", "RECORDS", "OFFSET", "TIMESTAMP"];
      const cells = rows.map((row) => [
        row.producerId,
        row.producerEpoch,
        row.baseSequence ?? "-",
        row.recordCount ?? "-",
        row.baseOffset ?? "-",
        formatTime(row.timestamp ?? null),
      ]);
      this.#output.text(formatTable(header, cells));
    }
    await this.#output.drain();
  }

  #batch(batch: BatchDescription, part: WalkedBatch): void {
    const { isRecords, isHex, isJson } = this.#options;
    const fields = (): Iterable<DumpItem> =>
      batchFields(part.bytes, part.at, part.at + part.size, part.position);
    if (isJson) {
      const records = isRecords ? { records: this.#jsonRecords(part) } : {};
      this.#json({
        kind: "batch",
        ...batch,
        crcOk: true,
        ...records,
        ...(isHex ? { fields: jsonFields(fields()) } : {}),
      });
    } else if (isHex) {
      const offsets = `offsets ${batch.baseOffset} to ${batch.lastOffset}`;
      this.#dump([
        heading(0, `batch at position ${part.position}: ${offsets}, ${part.size} bytes`),
      ]);
      this.#dump(fields());
    } else {
      this.#line(batchLine(batch, "ok"));
      if (isRecords) this.#records(part, (cursor) => this.#line(recordLine(cursor)));
    }
    if (!isRecords || isHex) this.#left--;
  }

  #damage(range: DamagedRange, file: FileReader): void {
    const { isHex, isJson } = this.#options;
    const { position, size, fault, header } = range;
    const stated = header === undefined ? undefined : describeBatch(header, 0, position);
    // A batch of which no more than some bytes have changed: it is shown as what it was.
    const isWhole = stated?.bytes === size;
    const shown = new Uint8Array(isWhole ? size : Math.min(size, DAMAGE_BYTES_SHOWN));
    if (isHex) file.read(shown, position);
    const fields = (): Iterable<DumpItem> => damageFields(shown, range);
    if (isJson) {
      const json = {
        kind: "damage",
        position,
        bytes: size,
        fault: fault.kind,
        reason: fault.message,
      };
      const more = isHex ? { fields: jsonFields(fields()) } : {};
      this.#json({ ...json, header: stated ?? null, ...more });
    } else if (isHex) this.#dump(fields());
    else {
      if (isWhole && stated !== undefined) this.#line(batchLine(stated, "BAD"));
      this.#line(this.#paint("broken", damageLine(range)));
    }
    if (isHex || !this.#options.isRecords) this.#left--;
  }

  /** Calls `show` for each record of a batch that is wanted, and says why when there is no going on. */
  #records(part: WalkedBatch, show: (cursor: RecordCursor) => void): string | undefined {
    const { from: fromOffset } = this.#options;
    const { bytes, at, size } = part;
    const cursor = new RecordCursor().reset(bytes, at, at + size, { fromOffset });
    try {
      while (this.#left > 0 && cursor.next()) {
        show(cursor);
        this.#left--;
      }
    } catch (error) {
      const reason = reasonOf(error);
      if (!this.#options.isJson)
        this.#line(this.#paint("broken", `${" ".repeat(12)}DAMAGED: ${reason}`));
      return reason;
    }
    return undefined;
  }

  #jsonRecords(part: WalkedBatch): readonly unknown[] {
    const records: unknown[] = [];
    const fault = this.#records(part, (cursor) => {
      const { offset, timestamp } = cursor;
      const headers = cursor
        .headers()
        .map(({ name, value }) => ({ name, ...bytesField("value", value) }));
      const data = { ...bytesField("key", cursor.key()), ...bytesField("value", cursor.value()) };
      records.push({ offset, timestamp, ...data, headers });
    });
    return fault === undefined ? records : [...records, { kind: "damage", reason: fault }];
  }

  #dump(items: Iterable<DumpItem>): void {
    for (const line of hexLines(items, this.#paint)) this.#line(line);
  }

  #json(value: unknown): void {
    this.#line(JSON.stringify(value));
  }

  #line(text: string): void {
    this.#output.text(`${text}\n`);
  }
}

/** The bytes of a damaged range: as the fields they should be if a header says so, else as they are. */
function* damageFields(bytes: Uint8Array, range: DamagedRange): Iterable<DumpItem> {
  const { position, size, fault, header } = range;
  yield heading(0, `DAMAGED: ${size} bytes at position ${position}: ${fault.message}`, true);
  if (header !== undefined) yield* batchFields(bytes, 0, bytes.length, position);
  else {
    const name = "no batch";
    yield { kind: "field", position, bytes, name, text: undefined, role: "broken" };
  }
  if (size > bytes.length) yield heading(0, `and ${size - bytes.length} bytes more`, true);
}

function indexTable({ kind, entries, isChecked }: IndexListing): string {
  const check = (fault: string | undefined): string =>
    fault ?? (isChecked ? "ok" : "no log beside it");
  if (kind === "index") {
    const rows = entries.map(({ entry, offset, position, fault }) => [
      entry,
      offset,
      position ?? "?",
      check(fault),
    ]);
    return formatTable(["ENTRY", "OFFSET", "POSITION", "CHECK"], rows);
  }
  const rows = entries.map(({ entry, offset, timestamp, fault }) => [
    entry,
    offset,
    timestamp ?? "?",
    formatTime(timestamp ?? null),
    check(fault),
  ]);
  return formatTable(["ENTRY", "OFFSET", "TIMESTAMP", "TIME", "CHECK"], rows);
}
