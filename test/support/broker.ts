// A broker for a test, with a free port, its own directory, and its log lines; and a session that speaks the protocol
// over a raw connection. Leaves to others: expectations.
import { Broker } from "../../src/broker/broker.js";
import type { BrokerOptions } from "../../src/broker/options.js";
import { Fetch, type FetchRequest, type FetchResponse } from "../../src/protocol/native/fetch.js";
import {
  errorOf as errorOfResponse,
  API,
  decodeResponse,
  encodeRequest,
} from "../../src/protocol/native/messages.js";
import { Produce } from "../../src/protocol/native/produce.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { GroupClock } from "../../src/groups/group-clock.js";
import type { Disk } from "../../src/log/disk/disk.js";
import { RawClient } from "./raw-client.js";
import { tempDir } from "./tmp.js";
import { encodeProduceRequest } from "./whole-frames.js";

/** A running broker and its log lines. Disposing of it stops it and removes its directory. */
export interface TestBroker extends AsyncDisposable {
  readonly broker: Broker;
  readonly dataDir: string;
  readonly lines: string[];
  /** A session on a new connection. */
  session(): Promise<Session>;
}

/** Starts a broker on a free port. With `dataDir` it uses that directory and leaves it there. */
export async function startBroker(
  options: Partial<BrokerOptions> = {},
  disk?: Disk,
  clock?: GroupClock,
): Promise<TestBroker> {
  const lines: string[] = [];
  const directory = options.dataDir === undefined ? tempDir() : undefined;
  const dataDir = options.dataDir ?? directory?.path ?? "";
  const log = (line: string): void => {
    lines.push(line);
  };
  const broker = await Broker.start({ log, ...options, dataDir, port: 0 }, disk, clock);
  return {
    broker,
    dataDir,
    lines,
    session: () => Session.connect(broker.port),
    async [Symbol.asyncDispose]() {
      await broker.stop();
      directory?.[Symbol.dispose]();
    },
  };
}

/** A raw connection with the codecs of the protocol, and correlation ids counted from 1. */
export class Session implements Disposable {
  readonly client: RawClient;
  #lastId = 0;

  constructor(client: RawClient) {
    this.client = client;
  }

  static async connect(port: number): Promise<Session> {
    return new Session(await RawClient.connect(port));
  }

  /** The correlation id of the last call. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Sends a request and decodes the answer to it. */
  async call<T>(
    encode: (correlationId: number) => Uint8Array,
    decode: (payload: Uint8Array) => T,
  ): Promise<T> {
    const id = ++this.#lastId;
    this.client.send(encode(id));
    return decode(await this.client.response(id));
  }

  /** Pings, which waits until all earlier requests have been dispatched. */
  async ping(): Promise<void> {
    await this.call(pingFrame, (payload) => decodeResponse(payload, () => {}));
  }

  /** Produces a batch; resolves with its base offset. */
  async produce(topic: string, partition: number, batch: Uint8Array): Promise<number> {
    const response = await this.call(
      (id) => encodeProduceRequest(id, { topic, partition, batch }),
      Produce.decodeResponse,
    );
    return response.baseOffset;
  }

  /** Fetches, by default from partition 0, without a group and without waiting. */
  fetch(request: Partial<FetchRequest> & { topic: string }): Promise<FetchResponse> {
    const whole = {
      group: "",
      partition: 0,
      offset: 0,
      maxBytes: 1024 * 1024,
      minBytes: 1,
      maxWaitMs: 0,
      ...request,
    };
    return this.call((id) => Fetch.encodeRequest(id, whole), Fetch.decodeResponse);
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}

/** A Ping frame. */
export function pingFrame(correlationId: number): Uint8Array {
  return encodeRequest(API.Ping, correlationId, () => {});
}

/** The error code and message of a payload; undefined for success. */
export function errorOf(payload: Uint8Array): string | undefined {
  const error = errorOfResponse(payload);
  return error && `${error.code}: ${error.message}`;
}

/** A batch of records with these values. */
export function batchOf(...values: (string | Uint8Array)[]): Uint8Array {
  const encoder = new BatchEncoder({ initialBytes: 256 });
  for (const value of values) encoder.append(1_000, null, value);
  return encoder.finish();
}

/** Offsets and values of the records in fetched batches, as `offset:value`. */
export function recordsIn(batches: Uint8Array): string[] {
  const records: string[] = [];
  const cursor = new RecordCursor().reset(batches);
  while (cursor.next()) {
    const value = cursor.value();
    records.push(`${cursor.offset}:${value === null ? null : new TextDecoder().decode(value)}`);
  }
  return records;
}
