// Splits a file or stdin into records at each newline (or NUL), as bytes, with bounded memory.
// Leaves to others: the meaning of a record, and opening the file.
//
// All input passes through one buffer. A record is a view of it, valid until the next fill().
//   buffer: | walked ... | #position: not walked yet ... | #filled: room ... |
// A delimiter at the end of the input ends the last record and starts no other. Two delimiters in a row enclose an
// empty record. Bytes after the last delimiter are a record.
import { read as readFromDescriptor } from "node:fs";
import { CliError } from "./exit.js";

const BUFFER_BYTES = 512 * 1024;
const AGAIN_DELAY_MS = 5;

export const NEWLINE = 0x0a;
export const NUL = 0x00;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** Reads into part of a buffer and returns the number of bytes; 0 at the end of the input. */
export type ReadInto = (buffer: Uint8Array, start: number, length: number) => Promise<number>;

/** Reads records from a source: `while (await fill()) while (next()) use(record())`. */
export class LineReader {
  readonly #read: ReadInto;
  readonly #delimiter: number;
  readonly #recordBytesMax: number;
  #buffer: Buffer;
  #filled = 0;
  #position = 0;
  /** The buffer holds no delimiter before this position. */
  #searched = 0;
  #atEnd = false;
  #start = 0;
  #end = 0;
  #count = 0;
  #mayBeginWithMark: boolean;

  /** A record longer than `recordBytesMax` is an error; this bounds memory. */
  constructor(
    read: ReadInto,
    options: {
      readonly delimiter: number;
      readonly recordBytesMax: number;
      readonly bufferBytes?: number;
      /** Whether to skip a byte order mark (EF BB BF) at the start of the input. */
      readonly skipsMark?: boolean;
    },
  ) {
    this.#read = read;
    this.#delimiter = options.delimiter;
    this.#recordBytesMax = options.recordBytesMax;
    this.#mayBeginWithMark = options.skipsMark ?? false;
    this.#buffer = Buffer.allocUnsafe(Math.max(1, options.bufferBytes ?? BUFFER_BYTES));
  }

  /** Records returned so far, which is also the 1-based number of the current one. */
  get count(): number {
    return this.#count;
  }

  /** The current record for messages: `line 3 of the input`. */
  get place(): string {
    return `${this.#delimiter === NEWLINE ? "line" : "record"} ${this.#count} of the input`;
  }

  /** Reads more input; false at the end. Invalidates earlier records. Throws CliError. */
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

  /** Skips a byte order mark once enough bytes are there to recognize it. */
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

  /** Moves to the next record in the buffer; false if more must be read first. */
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

  /** The current record without its delimiter: a view, valid until the next fill(). */
  record(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  #findDelimiter(): number {
    const at = this.#buffer.indexOf(this.#delimiter, this.#searched);
    if (at !== -1 && at < this.#filled) return at;
    this.#searched = this.#filled;
    return -1;
  }

  /** Moves unread bytes to the front. Doubles the buffer when one long record fills it. */
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

/** Reads a file descriptor from its current position: a file, a pipe or a terminal. */
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
