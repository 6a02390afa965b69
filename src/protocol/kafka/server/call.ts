// One request of a Kafka connection and its one response, or none.
// Leaves to others: its place among the connection's requests (session.ts), and the response (the handlers).
import { RustLogError } from "../../../errors.js";
import { CALL_BYTES_MAX } from "../../../limits.js";
import type { DialectConnection } from "../../../net/dialect.js";
import type { Pieces } from "../../../record/bytes.js";
import { describeBug, type InflightRequest } from "../../../net/inflight-request.js";
import type { RequestMetrics } from "../../../net/request-metrics.js";
import type { ServiceContext } from "../../../services/context.js";
import type { Throttle } from "../../../services/throttle.js";
import type { OutboxEntry } from "../../../net/outbox.js";
import {
  beginResponse,
  finishInPieces,
  finishResponse,
  openRequest,
  readHeader,
  type RequestHeader,
} from "../headers.js";
import type { Api, Fields, ReadOf, WriteOf } from "../schema.js";
import type { LastRequest } from "./last-request.js";

/** Memory for an item of a decoded request, approximately. Fewer items are covered by the request's own bytes. */
const ITEM_BYTES = 200;
const ITEMS_FREE = 100;

/** The session of a call. */
export interface CallOwner {
  readonly metrics: RequestMetrics | undefined;
  readonly connection: DialectConnection;
  /** The context of the connection's requests. */
  readonly context: ServiceContext;
  readonly lastRequest: LastRequest;
  /** The quotas of the connection's client. Only for use while there are quotas. */
  readonly throttle: Throttle;
  /** Counts time that a request took. */
  spent(ms: number, nowMs: number): void;
  /** Lets no other request begin before this one is settled. */
  runAlone(): void;
  /** The next frames are messages of a login without headers, until it is complete. */
  expectMessages(): void;
  /** Called once for each call, after it was answered or needs no answer. */
  settled(): void;
  /** Ends the connection. Requests that have not begun are dropped. */
  fail(reason: RustLogError): void;
}

export class Call {
  readonly #owner: CallOwner;
  readonly payload: Pieces;
  readonly header: RequestHeader;
  readonly #request: InflightRequest;
  /** For the metrics: the first error in the response, 0 for none. */
  errorCode = 0;
  #hasWaited = false;

  constructor(owner: CallOwner, request: InflightRequest, payload: Pieces) {
    this.#owner = owner;
    this.payload = payload;
    this.header = readHeader(payload[0]);
    this.#request = request;
  }

  get connection(): DialectConnection {
    return this.#owner.connection;
  }

  get context(): ServiceContext {
    return this.#owner.context;
  }

  get version(): number {
    return this.header.apiVersion;
  }

  /** Decodes the request. Throws INVALID_REQUEST. */
  read<Q extends Fields, R extends Fields>(api: Api<Q, R>): ReadOf<Q> {
    const { reader, clientId } = openRequest(this.payload, this.version >= api.flexibleSince);
    this.connection.client.id ??= clientId ?? undefined;
    reader.itemsMax = api.itemsMax;
    const request = api.request.read(reader, this.version);
    if (reader.items > ITEMS_FREE) this.charge(reader.items * ITEM_BYTES);
    return request;
  }

  /** Decodes a request of strings and numbers that is often the same as the last one. */
  readRepeated<Q extends Fields, R extends Fields>(api: Api<Q, R>): ReadOf<Q> {
    return this.#owner.lastRequest.get(this.payload, () => this.read(api));
  }

  /** When the request was complete, on the clock of `performance.now()`. */
  get beganMs(): number {
    return this.#request.beganMs;
  }

  /** For a Produce, behind which another may otherwise begin. */
  runAlone(): void {
    this.#owner.runAlone();
  }

  /** For a SaslHandshake of version 0. */
  expectMessages(): void {
    this.#owner.expectMessages();
  }

  /** Whether a fetch may wait for data. */
  get mayWait(): boolean {
    return this.connection.mayWait && this.#request.mayWait;
  }

  /** The quotas of the client; undefined if there are none at all. */
  get throttle(): Throttle | undefined {
    return this.context.quotas.areAny ? this.#owner.throttle : undefined;
  }

  /** Counts the request as a Produce, once it is answered. */
  produced(): void {
    this.throttle?.produced(this.#request.bytes, this.beganMs);
  }

  /**
   * Counts partitions that are about to be created or deleted. Throws THROTTLING_QUOTA_EXCEEDED, from the version on that
   * has it; clients of earlier ones only have to wait.
   */
  mutate(partitions: number, throttlesSince: number): void {
    this.throttle?.mutate(partitions, this.version >= throttlesSince);
  }

  /** Counts partitions of a topic that is created because it is used. The client only has to wait. */
  mutateByUse(partitions: number): void {
    this.throttle?.mutate(partitions, false);
  }

  /** Call when a fetch starts to wait. */
  waits(): void {
    this.#hasWaited = true;
    this.#request.waits();
  }

  /** Adds memory that the request needs beyond its own bytes until it is answered. Throws if that is too much. */
  charge(bytes: number): void {
    this.#request.charge(bytes);
    if (this.isTooLarge)
      throw new RustLogError("FRAME_TOO_LARGE", "the response would be too long");
  }

  /** Whether the request has taken too much memory to be answered. */
  get isTooLarge(): boolean {
    return this.#request.chargedBytes > CALL_BYTES_MAX;
  }

  /** Frees the memory of the request, of which nothing may be read again. */
  freePayload(): void {
    this.#request.freePayload(this.payload);
  }

  /** Answers with a complete frame, or its head, followed by the rest, in
   * which slices of the log are read as the socket drains. */
  answer(head: Uint8Array, rest?: readonly OutboxEntry[]): void {
    this.#count();
    this.#request.answer(head, rest);
    this.#owner.settled();
  }

  /** Answers with the response of an API. */
  respond<Q extends Fields, R extends Fields>(api: Api<Q, R>, response: WriteOf<R>): void {
    const writer = beginResponse(api, this.header);
    api.response.write(writer, this.#throttled(response), this.version);
    this.errorCode = writer.errorCode;
    this.answer(finishResponse(writer));
  }

  /** The same for a response that may be long: other requests get a turn between portions of it. */
  async respondInPortions<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    response: WriteOf<R>,
  ): Promise<void> {
    const { connection } = this;
    if (connection.isGone) return this.drop();
    const writer = beginResponse(api, this.header);
    const throttled = this.#throttled(response);
    let beganMs = performance.now();
    await api.response.writeInPortions(writer, throttled, this.version, async () => {
      this.charge(writer.pieceBytes);
      writer.cut();
      await connection.turns.nextPortion();
      beganMs = performance.now();
    });
    this.errorCode = writer.errorCode;
    const nowMs = performance.now();
    connection.turns.spend(nowMs - beganMs);
    this.#owner.spent(nowMs - beganMs, nowMs);
    const [head, ...rest] = finishInPieces(writer);
    this.answer(head, rest);
  }

  /** Settles a request that needs no answer. */
  answerNothing(): void {
    this.throttle?.answered();
    this.#count();
    this.drop();
  }

  /** Settles a request that is not carried out, because its connection ends. */
  drop(): void {
    this.#request.answerNothing();
    this.#owner.settled();
  }

  /**
   * Ends the connection, as Kafka does for a request that it can't understand. Anything but a RustLogError is a bug.
   */
  fail(error: unknown): void {
    const { apiKey, apiVersion, correlationId } = this.header;
    const known = error instanceof RustLogError;
    const code = known ? error.code : "UNKNOWN_SERVER_ERROR";
    const why = known ? error.message : `bug: ${describeBug(error)}`;
    const request = `request ${correlationId} (API key ${apiKey}, version ${apiVersion})`;
    this.#owner.fail(new RustLogError(code, `${request}: ${why}`, { cause: error }));
    this.drop();
  }

  /** The response with the time that the client has to wait. APIs without the field leave it out. */
  #throttled<T extends object>(response: T): T {
    const throttleTimeMs = this.throttle?.answered() ?? 0;
    return throttleTimeMs === 0 ? response : { ...response, throttleTimeMs };
  }

  #count(): void {
    const { apiKey } = this.header;
    this.#owner.metrics?.answered(apiKey, this.errorCode & 0xff, this.beganMs, this.#hasWaited);
  }
}
