// Answers that are made as the browser reads them, portion by portion, each in its turn with the questions of others.
// Leaves to others: whose turn it is (queue.ts), and what is downloaded (records.ts).
import { RustLogError } from "../../errors.js";
import { nextTurn } from "../../log/event-loop.js";
import type { Visitor } from "./access.js";
import { answered, invalid } from "./answer.js";
import type { Queue } from "./queue.js";

/**
 * Downloads at a time, and of one visitor: each keeps a decompressed batch until the browser has read what was made of it.
 */
const DOWNLOADS_MAX = 4;
const VISITOR_DOWNLOADS_MAX = 2;

/** Bytes of a download that may wait for a browser. */
const DOWNLOAD_BACKLOG_BYTES = 512 * 1024;

/** Seconds after which a download that a browser does not read is ended; a search may take as long without finding anything. */
const DOWNLOAD_SECONDS_MAX = 60;

/** A portion of a download. */
export type Piece = Uint8Array<ArrayBuffer> | string;

interface Download {
  readonly queue: Queue;
  /** The name of the file, which needs no escapes. */
  readonly name: string;
  /** Its content type. */
  readonly type: string;
  readonly begin: () => AsyncGenerator<Piece, void>;
}

/** Makes a portion of a download in its turn. */
type InTurn = (
  make: () => Promise<IteratorResult<Piece, void>>,
) => Promise<IteratorResult<Piece, void>>;

export class Downloads {
  /** Number of downloads under way, by visitor. */
  readonly #taken = new Map<string, number>();
  #count = 0;

  /**
   * Answers with a stream, which ends when the visitor may no longer have it. Answers BROKER_OVERLOADED if too many downloads are
   * under way, and with what the first portion fails with.
   */
  async answer(
    request: Bun.BunRequest,
    visitor: Visitor,
    server: Bun.Server<undefined>,
    { queue, name, type, begin }: Download,
  ): Promise<Response> {
    const { share } = visitor;
    const refusal = this.#refusal(share);
    if (refusal !== undefined) return answered(() => Promise.reject(refusal));
    this.#take(share);
    const inTurn: InTurn = (make) => {
      server.timeout(request, DOWNLOAD_SECONDS_MAX);
      return queue.answer(request.signal, visitor, () => {
        if (!visitor.isWelcome()) throw invalid("the session has ended");
        return make();
      });
    };
    return streamAnswer(begin, inTurn, attachment(name, type), () => this.#giveBack(share));
  }

  #refusal(share: string): RustLogError | undefined {
    if ((this.#taken.get(share) ?? 0) >= VISITOR_DOWNLOADS_MAX) {
      const message = `${VISITOR_DOWNLOADS_MAX} downloads of yours are under way: end one, or wait`;
      return new RustLogError("BROKER_OVERLOADED", message);
    }
    if (this.#count < DOWNLOADS_MAX) return undefined;
    const message = `too many downloads are under way (${DOWNLOADS_MAX}): wait until one has ended`;
    return new RustLogError("BROKER_OVERLOADED", message);
  }

  #take(share: string): void {
    this.#count++;
    this.#taken.set(share, (this.#taken.get(share) ?? 0) + 1);
  }

  #giveBack(share: string): void {
    this.#count--;
    const left = (this.#taken.get(share) ?? 0) - 1;
    if (left > 0) this.#taken.set(share, left);
    else this.#taken.delete(share);
  }
}

/** The headers of a file to be saved. */
export function attachment(name: string, type: string): Record<string, string> {
  return { "content-type": type, "content-disposition": `attachment; filename="${name}"` };
}

/** An answer whose portions are made when the browser takes them. Calls `onEnd` once. */
async function streamAnswer(
  begin: () => AsyncGenerator<Piece, void>,
  inTurn: InTurn,
  headers: Record<string, string>,
  onEnd: () => void,
): Promise<Response> {
  let stream: ReadableStream<Uint8Array> | undefined;
  const refusal = await answered(async () => {
    const lines = begin();
    // What can't be read is refused before the download begins.
    const first = await inTurn(() => lines.next());
    stream = streamOf(first, lines, inTurn, onEnd);
    return null;
  }).finally(() => {
    if (stream === undefined) onEnd();
  });
  return stream === undefined ? refusal : new Response(stream, { headers });
}

function streamOf(
  first: IteratorResult<Piece, void>,
  lines: AsyncGenerator<Piece, void>,
  inTurn: InTurn,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let portion = first;
  let isOver = false;
  const end = (): void => {
    if (!isOver) onEnd();
    isOver = true;
    void lines.return();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          // Otherwise all that the browser takes would be made in one turn of the event loop.
          if (portion.value === "") await nextTurn();
          while (portion.value === "") portion = await inTurn(() => lines.next());
          if (portion.done === true) {
            end();
            controller.close();
            return;
          }
          const { value } = portion;
          controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
          portion = { done: false, value: "" };
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      cancel: end,
    },
    { highWaterMark: DOWNLOAD_BACKLOG_BYTES, size: (each) => each?.byteLength ?? 0 },
  );
}
