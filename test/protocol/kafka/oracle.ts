// What Apache Kafka 4.4.0 answered to 1,300 requests (oracle.jsonl), and a connection that asks them again.
// Leaves to others: what of an answer must be equal (answers.ts), and where it is not (oracle-differences.ts).
//
// Where the data is from: a Go program with franz-go's codec (kmsg 1.15) asked a fresh broker of Apache Kafka 4.4.0 (the jars
// of Maven's org.apache.kafka:kafka_2.13; KRaft, one node, num.partitions=4, otherwise the defaults of KRaft's server.properties,
// no delay of rebalances) one request after the other, and kept all bytes. Some answers depend on earlier ones.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readI32, readU32 } from "../../../src/record/bytes.js";
import { concat } from "../../support/bytes.js";

/** How the broker was set up, and when it was asked, in milliseconds. */
export interface Recording {
  readonly recordedAt: number;
  readonly port: number;
  readonly logDirectory: string;
  readonly clusterId: string;
}

export interface Question {
  /** Unique. Questions named `setup` are needed by later ones. */
  readonly name: string;
  /** Questions with the same number were asked on one connection; all others on one of their own. */
  readonly connection?: number;
  /** Who asked, where users were needed. */
  readonly user?: string;
  /** Frames, or bytes that are none. */
  readonly request: Uint8Array;
  /** Payloads. */
  readonly responses: readonly Uint8Array[];
  /** How it ended, if there was no answer: the broker closed the connection, or stayed silent. */
  readonly end?: "closed" | "silent";
}

interface Line {
  readonly name: string;
  readonly connection?: number;
  readonly user?: string;
  readonly request: string;
  readonly response?: string;
  readonly end?: "closed" | "silent";
}

export function readOracle(file = "oracle.jsonl"): {
  readonly recording: Recording;
  readonly questions: Question[];
} {
  const text = readFileSync(join(import.meta.dir, file), "utf8");
  const [head, ...lines] = text.trimEnd().split("\n");
  const questions = lines.map((line) => {
    const { request, response = "", ...rest } = JSON.parse(line) as Line;
    return { ...rest, request: fromHex(request), responses: splitFrames(fromHex(response)) };
  });
  return { recording: JSON.parse(head!) as Recording, questions };
}

function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** The payloads of whole frames. */
function splitFrames(bytes: Uint8Array): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let at = 0; bytes.length - at >= 4;) {
    const end = at + 4 + readU32(bytes, at);
    if (end > bytes.length) break;
    payloads.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return payloads;
}

/** What a broker answered: payloads, whether it closed the connection, and all bytes. */
export interface Answer {
  readonly payloads: readonly Uint8Array[];
  readonly isClosed: boolean;
  readonly bytes: Uint8Array;
}

/** An ApiVersions request of version 0, whose answer shows that everything before it has been answered. */
const MARK_ID = 0x7ead_beef;
const MARK = fromHex("0000000a0012000000000000ffff");
new DataView(MARK.buffer).setInt32(8, MARK_ID);

/** A connection that asks one question at a time. */
export class OracleConnection implements Disposable {
  #received = new Uint8Array(0);
  #isClosed = false;
  #changed = Promise.withResolvers<void>();
  readonly #socket: Bun.Socket<undefined>;

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<OracleConnection> {
    let connection!: OracleConnection;
    await Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        open(socket) {
          connection = new OracleConnection(socket);
        },
        data: (_, chunk) => connection.#take(chunk),
        end: () => connection.#close(),
        close: () => connection.#close(),
      },
    });
    return connection;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends bytes and waits until they are answered. After what is no request, nothing more is sent. */
  async ask(request: Uint8Array): Promise<Answer> {
    this.#received = new Uint8Array(0);
    if (isRequest(request)) this.#socket.write(Buffer.concat([request, MARK]));
    else {
      this.#socket.write(request);
      this.#socket.shutdown();
    }
    for (;;) {
      const payloads = splitFrames(this.#received);
      const isMarked = payloads.length > 0 && readI32(payloads.at(-1)!, 0) === MARK_ID;
      if (isMarked) payloads.pop();
      if (isMarked || this.#isClosed) {
        return { payloads, isClosed: this.#isClosed, bytes: this.#received };
      }
      await this.#changed.promise;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #take(chunk: Uint8Array): void {
    this.#received = concat([this.#received, chunk]);
    this.#wake();
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Whether bytes are one or more whole frames whose payload is Kafka's. */
export function isRequest(bytes: Uint8Array): boolean {
  const payloads = splitFrames(bytes);
  const length = payloads.reduce((sum, payload) => sum + 4 + payload.length, 0);
  return payloads.length > 0 && length === bytes.length && payloads[0]![0] === 0;
}

/** The payloads of the requests in a question. */
export function requestsOf({ request }: Question): readonly Uint8Array[] {
  return isRequest(request) ? splitFrames(request) : [];
}
