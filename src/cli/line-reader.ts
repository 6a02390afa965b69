// Splits a file or stdin into records at each newline (or NUL), as bytes, with bounded memory.
// Leaves to others: what a record means, and opening the file.
//
// One buffer is read into and walked; a record is a view of it and is gone with the next fill().
//   buffer: | walked ... | #position: not walked yet ... | #filled: room ... |
// A delimiter at the very end of the input ends the last record and begins none; between two
// delimiters lies an empty record; what follows the last delimiter is a record.
import { read as readFromDescriptor } from "node:fs";
import { CliError } from "./exit.ts";

const BUFFER_BYTES = 512 * 1024;
const AGAIN_DELAY_MS = 5;

/** Newline, the delimiter of lines. */
export const NEWLINE = 0x0a;
/** NUL, the delimiter of `--null-delimited`. */
export const NUL = 0x00;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** Fills part of a buffer from a source; 0 is its end. */
export type ReadInto = (buffer: Uint8Array, start: number, length: number) => Promise<number>;

/** Reads records from a source: `while (await fill()) while (next()) use(record())`. */
export class LineReader {
  readonly #read: ReadInto;
  readonly #delimiter: number;
  readonly #recordBytesMax: number;
  #buffer: Buffer;
  #filled = 0;
  #position = 0;
  /** Up to here the buffer is known to hold no delimiter. */
  #searched = 0;
  #atEnd = false;
  #start = 0;
  #end = 0;
  #count = 0;
  #mayBeginWithMark: boolean;

  /** A record longer than `recordBytesMax` is an error, so that memory is bounded. */
  constructor(
    read: ReadInto,
    options: {
      readonly delimiter: number;
      readonly recordBytesMax: number;
      readonly bufferBytes?: number;
      /** Whether a byte order mark (EF BB BF) at the start of the input is passed over. */
      readonly skipsMark?: boolean;
    },
  ) {
    this.#read = read;
    this.#delimiter = options.delimiter;
    this.#recordBytesMax = options.recordBytesMax;
    this.#mayBeginWithMark = options.skipsMark ?? false;
    this.#buffer = Buffer.allocUnsafe(Math.max(1, options.bufferBytes ?? BUFFER_BYTES));
  }

  /** Records handed out so far; the number of the current one, counted from 1. */
  get count(): number {
    return this.#count;
  }

  /** Where the current record is, for messages: `line 3 of the input`. */
  get place(): string {
    return `${this.#delimiter === NEWLINE ? "line" : "record"} ${this.#count} of the input`;
  }

  /** Reads on; false when there is nothing more. Invalidates the records handed out. Throws CliError. */
  async fill(): Promise<boolean> {
    if (this.#atEnd) return false;
    this.#makeRoom();
    const room = this.#buffer.length - this.#filled;
    const count = await this.#read(this.#buffer, this.#filled, room);
    this.#filled += count;
    this.#atEnd = count === 0;
    if (this.#mayBeginWithMark) this.#passMark();
    return true;
  }

  /** Passes over a byte order mark, once there are bytes enough to tell. */
  #passMark(): void {
    const isMark = BYTE_ORDER_MARK.every(
      (byte, i) => i >= this.#filled || this.#buffer[i] === byte,
    );
    if (isMark && this.#filled < BYTE_ORDER_MARK.length && !this.#atEnd) return;
    this.#mayBeginWithMark = false;
    if (isMark && this.#filled >= BYTE_ORDER_MARK.length) {
      this.#position = BYTE_ORDER_MARK.length;
      this.#searched = this.#position;
    }
  }

  /** Moves to the next record in what was read; false when more must be read first. */
  next(): boolean {
    if (this.#mayBeginWithMark) return false;
    const delimiterAt = this.#findDelimiter();
    if (delimiterAt !== -1) {
      this.#start = this.#position;
      this.#end = delimiterAt;
      this.#position = delimiterAt + 1;
      this.#searched = this.#position;
    } else if (this.#atEnd && this.#position < this.#filled) {
      this.#start = this.#position;
      this.#end = this.#filled;
      this.#position = this.#filled;
      this.#searched = this.#filled;
    } else {
      return false;
    }
    this.#count++;
    if (this.#end - this.#start > this.#recordBytesMax) throw this.#tooLong();
    return true;
  }

  /** The current record, without its delimiter: a view, valid until the next fill(). */
  record(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  #findDelimiter(): number {
    const at = this.#buffer.indexOf(this.#delimiter, this.#searched);
    if (at !== -1 && at < this.#filled) return at;
    this.#searched = this.#filled;
    return -1;
  }

  /** Moves what is not walked yet to the front, and doubles the buffer when it holds one long record. */
  #makeRoom(): void {
    const left = this.#filled - this.#position;
    if (left > this.#recordBytesMax) {
      this.#count++;
      throw this.#tooLong();
    }
    let target = this.#buffer;
    if (left > this.#buffer.length / 2) target = Buffer.allocUnsafe(this.#buffer.length * 2);
    if (target !== this.#buffer || this.#position > 0) {
      this.#buffer.copy(target, 0, this.#position, this.#filled);
      this.#buffer = target;
      this.#searched -= this.#position;
      this.#filled = left;
      this.#position = 0;
    }
  }

  #tooLong(): CliError {
    return new CliError(`${this.place} is longer than ${this.#recordBytesMax} bytes`, {
      help: "Is the delimiter right (--null-delimited)? Or raise --max-batch-bytes of the broker.",
    });
  }
}

/** Reads a file descriptor from where it stands: a file, a pipe or a terminal. */
export function readDescriptor(descriptor: number): ReadInto {
  return async (buffer, start, length) => {
    for (;;) {
      const count = await new Promise<number | undefined>((resolve, reject) => {
        readFromDescriptor(descriptor, buffer, start, length, null, (error, bytesRead) => {
          if (error === null) resolve(bytesRead);
          else if (error.code === "EAGAIN") resolve(undefined);
          else if (error.code === "EOF") resolve(0);
          else reject(new CliError(`cannot read the input: ${error.message}`, { cause: error }));
        });
      });
      if (count !== undefined) return count;
      await Bun.sleep(AGAIN_DELAY_MS);
    }
  };
}
