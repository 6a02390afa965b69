// A small broker for tests of the client. It keeps batches in memory and deduplicates those of an idempotent producer
// like the real one. Tests script the fate of each request: the connection is closed before or after it, the answer is
// an error, or the answer is delayed.
// Leaves to others: everything else that a real broker does. It uses the same protocol/ as the real one.
import type { Socket, TCPSocketListener } from "bun";
import { RustLogError } from "../../src/errors.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import { FrameDecoder } from "../../src/net/frame.js";
import { API_NAMES, APIS } from "../../src/protocol/native/api-versions.js";
import {
  API,
  type ApiName,
  apiName,
  decodeRequestHeader,
  encodeErrorResponse,
} from "../../src/protocol/native/messages.js";
import { ApiVersions, Ping } from "../../src/protocol/native/meta.js";
import {
  GroupHeartbeat,
  type GroupHeartbeatRequest,
  type GroupHeartbeatResponse,
} from "../../src/protocol/native/membership.js";
import {
  ListOffsets,
  OffsetCommit,
  type OffsetCommitRequest,
  OffsetFetch,
} from "../../src/protocol/native/offsets.js";
import { Produce } from "../../src/protocol/native/produce.js";
import { DescribeTopic } from "../../src/protocol/native/topics.js";
import { nextOffset, recordCount, stampBaseOffset } from "../../src/record/batch.js";
import { ProducerStates } from "../../src/log/producer-states.js";
import { encodeFetchResponse } from "./whole-frames.js";

/**
 * The fate of a request: handled and answered; the connection closed before or after it is handled; answered with an
 * error; or handled, and answered once a promise resolves.
 */
export type Fate = "answer" | "cutBefore" | "cutAfter" | RustLogError | Promise<void>;

interface FakePartition {
  batches: Uint8Array[];
  logStartOffset: number;
  highWatermark: number;
  producers: ProducerStates;
  waiting: (() => void)[];
}

/** Options of a FakeBroker. */
export interface FakeBrokerOptions {
  readonly partitions?: number;
  readonly maxBatchBytes?: number;
  /** The only supported version of every API; by default all versions are supported. */
  readonly apiVersion?: number | undefined;
  /** Highest version of every API that it lists. */
  readonly maxVersion?: number | undefined;
  readonly port?: number;
  readonly logDirectoryId?: string;
}

/** The broker; every topic exists and has `partitions` partitions. */
export class FakeBroker implements Disposable {
  readonly #options: FakeBrokerOptions;
  readonly #server: TCPSocketListener<FrameDecoder>;
  readonly #sockets = new Set<Socket<FrameDecoder>>();
  readonly #fates = new Map<ApiName, Fate[]>();
  readonly #partitions = new Map<string, FakePartition>();
  readonly #topicIds = new Map<string, string>();
  /** All requests received, by name, in order. */
  readonly requests: ApiName[] = [];
  /** All commits that were carried out. */
  readonly commits: OffsetCommitRequest[] = [];
  /** Answers heartbeats. */
  heartbeat: (
    request: GroupHeartbeatRequest,
  ) => GroupHeartbeatResponse | Promise<GroupHeartbeatResponse> = () => {
    throw new RustLogError("INVALID_REQUEST", "no test has said what to answer");
  };
  /** Number of connections accepted so far. */
  connections = 0;

  constructor(options: FakeBrokerOptions = {}) {
    this.#options = options;
    this.#server = Bun.listen<FrameDecoder>({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      socket: {
        open: (socket) => {
          socket.data = new FrameDecoder({ frameBytesMax: 64 * 1024 * 1024 });
          this.#sockets.add(socket);
          this.connections += 1;
        },
        close: (socket) => void this.#sockets.delete(socket),
        data: (socket, chunk) => {
          socket.data.feed(chunk);
          for (let frame = socket.data.next(); frame; frame = socket.data.next()) {
            void this.#receive(socket, frame);
          }
        },
      },
    });
  }

  get port(): number {
    return this.#server.port;
  }

  /** "host:port" to connect to. */
  get address(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  /** Scripts the next requests of an API, one fate each. Later requests are answered. */
  script(api: ApiName, ...fates: Fate[]): void {
    const queue = this.#fates.get(api) ?? [];
    queue.push(...fates);
    this.#fates.set(api, queue);
  }

  /** Closes all connections. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  /** Batches of a partition, base offsets stamped. */
  batches(topic: string, partition = 0): readonly Uint8Array[] {
    return this.#partition(topic, partition).batches;
  }

  /**
   * Appends a batch as if it had been produced, and wakes waiting fetches. Throws the broker's error for a batch out of
   * sequence.
   */
  append(topic: string, partition: number, batch: Uint8Array): number {
    const log = this.#partition(topic, partition);
    const known = log.producers.check(batch);
    if (known !== undefined) return known.baseOffset;
    const baseOffset = log.highWatermark;
    const stored = new Uint8Array(batch);
    stampBaseOffset(stored, 0, baseOffset);
    log.producers.note(stored, 0);
    log.batches.push(stored);
    log.highWatermark = baseOffset + recordCount(stored, 0);
    for (const wake of log.waiting.splice(0)) wake();
    return baseOffset;
  }

  /** Deletes the records below `offset`, like retention. */
  trim(topic: string, partition: number, offset: number): void {
    const log = this.#partition(topic, partition);
    log.logStartOffset = offset;
    log.batches = log.batches.filter((batch) => nextOffset(batch, 0) > offset);
  }

  /** Deletes all records of a partition and restarts at offset 0, like a broker on an empty disk. */
  truncate(topic: string, partition: number): void {
    const log = this.#partition(topic, partition);
    log.batches = [];
    log.logStartOffset = 0;
    log.highWatermark = 0;
  }

  /** The id of a topic. */
  topicId(topic: string): string {
    const id = this.#topicIds.get(topic) ?? crypto.randomUUID();
    this.#topicIds.set(topic, id);
    return id;
  }

  /** Deletes and recreates a topic, without records and with another id. Waiting fetches get an error. */
  recreate(topic: string): void {
    this.#topicIds.delete(topic);
    for (const [key, log] of this.#partitions) {
      if (!key.endsWith(` ${topic}`)) continue;
      this.#partitions.delete(key);
      for (const wake of log.waiting.splice(0)) wake();
    }
  }

  /** Stops listening and closes all connections. */
  [Symbol.dispose](): void {
    this.#server.stop(true);
  }

  #partition(topic: string, partition: number): FakePartition {
    const key = `${partition} ${topic}`;
    let log = this.#partitions.get(key);
    if (log === undefined) {
      const producers = new ProducerStates();
      log = { batches: [], logStartOffset: 0, highWatermark: 0, producers, waiting: [] };
      this.#partitions.set(key, log);
    }
    return log;
  }

  async #receive(socket: Socket<FrameDecoder>, payload: Uint8Array): Promise<void> {
    const { apiKey, apiVersion, correlationId } = decodeRequestHeader(payload);
    const name = apiName(apiKey);
    if (name === undefined) throw new Error(`a request with API key ${apiKey}`);
    this.requests.push(name);
    const fate = this.#fates.get(name)?.shift() ?? "answer";
    if (fate === "cutBefore") return void socket.terminate();
    if (fate instanceof RustLogError) {
      return void socket.write(encodeErrorResponse(correlationId, fate));
    }
    let answer: Uint8Array | Promise<Uint8Array>;
    try {
      answer = this.#carryOut(apiKey, apiVersion, correlationId, payload);
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      answer = encodeErrorResponse(correlationId, error);
    }
    if (fate === "cutAfter") return void socket.terminate();
    if (fate instanceof Promise) await fate;
    socket.write(await this.#orError(answer, correlationId));
  }

  async #orError(answer: Uint8Array | Promise<Uint8Array>, id: number): Promise<Uint8Array> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      return encodeErrorResponse(id, error);
    }
  }

  #carryOut(
    apiKey: number,
    version: number,
    id: number,
    payload: Uint8Array,
  ): Uint8Array | Promise<Uint8Array> {
    switch (apiKey) {
      case API.ApiVersions:
        return this.#apiVersions(id);
      case API.Ping:
        return Ping.encodeResponse(id, {});
      case API.DescribeTopic:
        return this.#describeTopic(id, version, payload);
      case API.Produce: {
        const { topic, partition, batch } = Produce.decodeRequest(payload);
        if (partition >= (this.#options.partitions ?? 1)) {
          const missing = new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", `no ${partition}`);
          return encodeErrorResponse(id, missing);
        }
        const baseOffset = this.append(topic, partition, batch);
        return Produce.encodeResponse(id, { baseOffset, logAppendTime: -1 }, version);
      }
      case API.Fetch:
        return this.#fetch(id, version, payload);
      case API.ListOffsets: {
        const { topic, partition, timestamp, topicId } = ListOffsets.decodeRequest(payload);
        this.#checkId(topic, topicId);
        const log = this.#partition(topic, partition);
        const offset = timestamp === -2 ? log.logStartOffset : log.highWatermark;
        const found = { offset, timestamp: -1, topicId: this.topicId(topic) };
        return ListOffsets.encodeResponse(id, found, version);
      }
      case API.GroupHeartbeat:
        return this.#heartbeat(id, payload);
      case API.OffsetFetch: {
        const { partitions } = OffsetFetch.decodeRequest(payload);
        const nothing = { offset: -1, commitTimestamp: -1 };
        return OffsetFetch.encodeResponse(id, { offsets: partitions.map(() => nothing) }, version);
      }
      case API.OffsetCommit: {
        const request = OffsetCommit.decodeRequest(payload);
        for (const { topic, topicId } of request.offsets) this.#checkId(topic, topicId);
        this.commits.push(request);
        return OffsetCommit.encodeResponse(id, { isShared: false }, version);
      }
      default:
        return encodeErrorResponse(id, new RustLogError("INVALID_REQUEST", `API ${apiKey}`));
    }
  }

  async #heartbeat(id: number, payload: Uint8Array): Promise<Uint8Array> {
    const response = await this.heartbeat(GroupHeartbeat.decodeRequest(payload));
    return GroupHeartbeat.encodeResponse(id, response);
  }

  #apiVersions(id: number): Uint8Array {
    const { apiVersion, maxVersion } = this.#options;
    const maxBatchBytes = this.#options.maxBatchBytes ?? 1024 * 1024;
    return ApiVersions.encodeResponse(id, {
      brokerVersion: "fake",
      logDirectoryId: this.#options.logDirectoryId ?? "fake",
      maxFrameBytes: maxBatchBytes + 1024,
      maxBatchBytes,
      apis: API_NAMES.map((name) => ({
        apiKey: API[name],
        minVersion: apiVersion ?? APIS[name].versions.min,
        maxVersion: apiVersion ?? maxVersion ?? APIS[name].versions.max,
      })),
    });
  }

  #describeTopic(id: number, version: number, payload: Uint8Array): Uint8Array {
    const { topic } = DescribeTopic.decodeRequest(payload);
    const partitions = Array.from({ length: this.#options.partitions ?? 1 }, (_, partition) => {
      const { logStartOffset, highWatermark } = this.#partition(topic, partition);
      const logEndOffset = highWatermark;
      const offsets = { logStartOffset, highWatermark, logEndOffset };
      return { partition, ...offsets, segments: 1, bytes: 0, offline: "" };
    });
    const topicId = this.topicId(topic);
    const described = { name: topic, internal: false, settings: [], partitions, topicId };
    return DescribeTopic.encodeResponse(id, described, version);
  }

  async #fetch(id: number, version: number, payload: Uint8Array): Promise<Uint8Array> {
    const request = Fetch.decodeRequest(payload);
    const { topic, partition, offset, maxBytes, maxWaitMs } = request;
    this.#checkId(topic, request.topicId);
    let log = this.#partition(topic, partition);
    if (offset >= log.highWatermark && maxWaitMs > 0) {
      const arrival = Promise.withResolvers<void>();
      log.waiting.push(arrival.resolve);
      const timer = setTimeout(arrival.resolve, maxWaitMs);
      await arrival.promise;
      clearTimeout(timer);
      this.#checkId(topic, request.topicId);
      log = this.#partition(topic, partition);
    }
    const { logStartOffset, highWatermark } = log;
    if (offset < logStartOffset) {
      const message = `offset ${offset} is not in ${logStartOffset} to ${highWatermark}`;
      return encodeErrorResponse(id, new RustLogError("OFFSET_OUT_OF_RANGE", message));
    }
    const wanted = log.batches.filter((batch) => nextOffset(batch, 0) > offset);
    let bytes = 0;
    const taken = wanted.filter((batch, i) => {
      bytes += batch.length;
      return i === 0 || bytes <= maxBytes;
    });
    const last = taken.at(-1);
    const response = {
      startOffset: offset,
      nextOffset: last === undefined ? highWatermark : nextOffset(last, 0),
      highWatermark,
      logStartOffset,
      topicId: this.topicId(topic),
      batches: Buffer.concat(taken),
    };
    return encodeFetchResponse(id, response, version);
  }

  #checkId(topic: string, topicId: string | undefined): void {
    if (topicId === undefined || topicId === this.topicId(topic)) return;
    throw new RustLogError("UNKNOWN_TOPIC_ID", `topic '${topic}' was deleted and recreated`);
  }
}
