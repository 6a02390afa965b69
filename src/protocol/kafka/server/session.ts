// One Kafka connection: when its requests run. Produces begin in order and run side by side, and so do commits of offsets;
// everything else runs alone, because a client may rely on what an earlier request did (a topic that Metadata created).
// Leaves to others: running a request (router.ts), and sending responses in order (net/response-order.ts).
import { RustLogError } from "../../../errors.js";
import type { Dialect, DialectConnection, Session } from "../../../net/dialect.js";
import type { InflightRequest } from "../../../net/inflight-request.js";
import type { RequestMetrics } from "../../../net/request-metrics.js";
import { type Pieces, readI16 } from "../../../record/bytes.js";
import { KAFKA_HEADER_BYTES, OFFSET_COMMIT_KEY, PRODUCE_KEY } from "../headers.js";
import { Call, type CallOwner } from "./call.js";
import type { Router } from "./router.js";

/** Runs alone, as its number. Never a key. */
const ALONE = -1;

/** Longest commit that runs beside others: one of these is in the log of commits, at its place, before the next begins. */
const SHORT_COMMIT_BYTES = 4096;

export class KafkaSession implements Session, CallOwner {
  readonly dialect: Dialect;
  readonly connection: DialectConnection;
  #router: Router | undefined;
  /** Requests that have not begun, in the order received. */
  readonly #waiting: Call[] = [];
  #running = 0;
  /** API key of the running requests if others of the same may join them. */
  #runningKey = ALONE;
  #isAdvancing = false;
  readonly #next = (): void => this.#advance();

  /** `router` is a promise while the code that serves this protocol is being loaded. */
  constructor(dialect: Dialect, connection: DialectConnection, router: Router | Promise<Router>) {
    this.dialect = dialect;
    this.connection = connection;
    if (!(router instanceof Promise)) {
      this.#router = router;
      return;
    }
    router.then(
      (loaded) => {
        this.#router = loaded;
        this.#advance();
      },
      (error: unknown) => {
        throw error;
      },
    );
  }

  /** Undefined until a request can be served. */
  get metrics(): RequestMetrics | undefined {
    return this.#router?.metrics;
  }

  take(request: InflightRequest, payload: Pieces): void {
    if (payload[0].length < KAFKA_HEADER_BYTES) {
      throw new RustLogError("INVALID_REQUEST", "a Kafka request is shorter than its header");
    }
    this.#waiting.push(new Call(this, request, payload));
    this.#advance();
  }

  /** Requests that can't be served end the connection, which is how Kafka refuses them. */
  refuse(request: InflightRequest, _head: Uint8Array, error: RustLogError): void {
    request.answerNothing();
    this.fail(error);
  }

  settled(): void {
    this.#running--;
    if (this.#waiting.length > 0 && !this.#isAdvancing) this.connection.turns.whenTime(this.#next);
  }

  fail(reason: RustLogError): void {
    this.connection.close(reason);
    const dropped = this.#waiting.splice(0);
    this.#running += dropped.length;
    for (const call of dropped) call.drop();
  }

  #advance(): void {
    if (this.#router === undefined || this.#isAdvancing) return;
    this.#isAdvancing = true;
    for (;;) {
      const call = this.#waiting[0];
      if (call === undefined) break;
      const key = sharedKey(call);
      if (this.#running > 0 && (key === ALONE || key !== this.#runningKey)) break;
      this.#waiting.shift();
      this.#running++;
      this.#runningKey = key;
      if (this.connection.isGone) call.drop();
      else this.#router.dispatch(call);
    }
    this.#isAdvancing = false;
  }
}

/** The API key of a request that runs beside others of the same. */
function sharedKey({ payload }: Call): number {
  const key = readI16(payload[0], 0);
  if (key === PRODUCE_KEY) return key;
  if (key !== OFFSET_COMMIT_KEY) return ALONE;
  let bytes = 0;
  for (const piece of payload) bytes += piece.length;
  return bytes <= SHORT_COMMIT_BYTES ? key : ALONE;
}
