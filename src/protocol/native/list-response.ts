// A successful response whose body starts with an array that is written item by item, so that other work can run in
// between, until the frame is full.
// Leaves to others: the items (groups.ts, topics.ts), and where they come from (server/list.ts).
import { FRAME_LENGTH_BYTES } from "../../net/frame.js";
import { RESPONSE_HEADER_BYTES } from "./messages.js";
import { type Body, type Fields, type ItemOf, type Step, writeSteps } from "./schema.js";
import { ByteWriter } from "./writer.js";

/** Position of the number of items. */
const COUNT_AT = FRAME_LENGTH_BYTES + RESPONSE_HEADER_BYTES;

export class ListResponse<F extends Fields> {
  readonly #writer: ByteWriter;
  readonly #itemSteps: readonly Step[];
  readonly #restSteps: readonly Step[];
  readonly #frameBytesMax: number;
  #items = 0;

  /** `payloadBytesMax` is the maximum payload of a frame. Keeps space for the fields after the array, as long as `rest`. */
  constructor(
    body: Body<F>,
    version: number,
    correlationId: number,
    payloadBytesMax: number,
    rest: object,
  ) {
    const [list, ...restSteps] = body.plan(version).steps;
    if (typeof list?.type !== "object") throw new Error("the body begins with no array");
    this.#itemSteps = list.type.steps;
    this.#restSteps = restSteps;
    const measured = new ByteWriter();
    writeSteps(measured, restSteps, rest);
    this.#frameBytesMax = FRAME_LENGTH_BYTES + payloadBytesMax - measured.length;
    this.#writer = new ByteWriter().u32(0).u32(correlationId).u16(0).u32(0);
  }

  get items(): number {
    return this.#items;
  }

  /** Adds an item. If the frame is full, returns false and adds nothing. */
  add(item: ItemOf<F>): boolean {
    const { length } = this.#writer;
    writeSteps(this.#writer, this.#itemSteps, item);
    if (this.#writer.length > this.#frameBytesMax) {
      this.#writer.truncate(length);
      return false;
    }
    this.#items++;
    return true;
  }

  /** The whole frame, with the fields after the array. Don't use the response afterwards. */
  finish(rest: object): Uint8Array {
    writeSteps(this.#writer, this.#restSteps, rest);
    this.#writer.patchU32(COUNT_AT, this.#items);
    this.#writer.patchU32(0, this.#writer.length - FRAME_LENGTH_BYTES);
    return this.#writer.finish();
  }
}
