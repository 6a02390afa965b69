// One Kafka connection: when its requests run. Produces begin in order and run side by side, and so do commits of offsets;
// everything else runs alone, because a client may rely on what an earlier request did (a topic that Metadata created).
// Leaves to others: running a request (router.ts), keeping those that may not begin yet (net/input.ts), and sending
// responses in order (net/response-order.ts).
import { RustLogError } from "../../../errors.js";
import type { Dialect, DialectConnection, Session } from "../../../net/dialect.js";
import { FRAME_LENGTH_BYTES, type NextFrame } from "../../../net/frame.js";
import { describeBug, type InflightRequest } from "../../../net/inflight-request.js";
import type { RequestMetrics } from "../../../net/request-metrics.js";
import { bytesOf, joined, type Pieces, writeU32 } from "../../../record/bytes.js";
import type { ServiceContext } from "../../../services/context.js";
import { continueLogin, endOfLogin, isLoginDue, userOf } from "../../../services/login.js";
import { Throttle } from "../../../services/throttle.js";
import { KAFKA_HEADER_BYTES, keyOf, OFFSET_COMMIT_KEY, PRODUCE_KEY } from "../headers.js";
import { Call, type CallOwner } from "./call.js";
import { LastRequest } from "./last-request.js";
import type { Router } from "./router.js";

/** Instead of an API key: nothing runs beside this request. */
const ALONE = -1;

/** Longest commit that runs beside others: one of these is in the log of commits, at its place, before the next begins. */
export const SHORT_COMMIT_BYTES = 4096;

export class KafkaSession implements Session, CallOwner {
  readonly dialect: Dialect;
  readonly connection: DialectConnection;
  readonly context: ServiceContext;
  #throttle: Throttle | undefined;
  #lastRequest: LastRequest | undefined;
  #router: Router | undefined;
  /** The first request, while the code that serves it is being loaded. */
  #first: Call | undefined;
  #running = 0;
  #expectsMessages = false;
  /** API key of the running requests if others of the same may join them. */
  #runningKey = ALONE;

  /** `router` is a promise while the code that serves this protocol is being loaded. */
  constructor(
    dialect: Dialect,
    connection: DialectConnection,
    context: ServiceContext,
    router: Router | Promise<Router>,
  ) {
    this.dialect = dialect;
    this.connection = connection;
    this.context = context;
    if (!(router instanceof Promise)) {
      this.#router = router;
      return;
    }
    router.then(
      (loaded) => this.#loaded(loaded),
      (error: unknown) => {
        throw error;
      },
    );
  }

  get throttle(): Throttle {
    this.#throttle ??= new Throttle(this.context, this.connection);
    return this.#throttle;
  }

  get lastRequest(): LastRequest {
    this.#lastRequest ??= new LastRequest();
    return this.#lastRequest;
  }

  /** Undefined until a request can be served. */
  get metrics(): RequestMetrics | undefined {
    return this.#router?.metrics;
  }

  get isKnown(): boolean {
    return !isLoginDue(this.context);
  }

  get user(): string | undefined {
    return userOf(this.context);
  }

  mayTake(frame: NextFrame): boolean {
    if (this.#running === 0) return true;
    return (
      this.#runningKey !== ALONE && sharedKey(keyOf(frame), frame.nextBytes) === this.#runningKey
    );
  }

  take(request: InflightRequest, payload: Pieces): void {
    if (this.#expectsMessages) {
      this.#running++;
      this.#runningKey = ALONE;
      void this.#takeMessage(request, joined(payload));
      return;
    }
    if (payload[0].length < KAFKA_HEADER_BYTES) {
      throw new RustLogError("INVALID_REQUEST", "a Kafka request is shorter than its header");
    }
    const call = new Call(this, request, payload);
    this.#running++;
    if (this.#router === undefined) this.#first = call;
    else this.#run(this.#router, call);
  }

  /** Requests that can't be served end the connection, which is how Kafka refuses them. */
  refuse(request: InflightRequest, _head: Uint8Array, error: RustLogError): void {
    request.answerNothing();
    this.fail(error);
  }

  spent(ms: number, nowMs: number): void {
    if (this.context.quotas.areAny) this.throttle.spent(ms, nowMs);
  }

  endReason(): RustLogError | undefined {
    return endOfLogin(this.context);
  }

  expectMessages(): void {
    this.#expectsMessages = true;
  }

  runAlone(): void {
    this.#runningKey = ALONE;
  }

  settled(): void {
    this.#running--;
  }

  fail(reason: RustLogError): void {
    this.connection.close(reason);
  }

  /** A message of a login that began with version 0 of SaslHandshake; the answer has no header either. */
  async #takeMessage(request: InflightRequest, message: Uint8Array): Promise<void> {
    try {
      const step = await continueLogin(this.context, message);
      if (step.isComplete) this.#expectsMessages = false;
      const frame = new Uint8Array(FRAME_LENGTH_BYTES + step.message.length);
      writeU32(frame, 0, step.message.length);
      frame.set(step.message, FRAME_LENGTH_BYTES);
      request.answer(frame);
    } catch (error) {
      request.answerNothing();
      this.fail(
        error instanceof RustLogError
          ? error
          : new RustLogError("UNKNOWN_SERVER_ERROR", describeBug(error), { cause: error }),
      );
    } finally {
      this.settled();
    }
  }

  #loaded(router: Router): void {
    this.#router = router;
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) this.#run(router, first);
  }

  #run(router: Router, call: Call): void {
    this.#runningKey = sharedKey(call.header.apiKey, bytesOf(call.payload));
    if (this.connection.isGone) call.drop();
    else router.dispatch(call);
  }
}

/** The API key of a request that runs beside others of the same. */
function sharedKey(key: number, bytes: number): number {
  if (key === PRODUCE_KEY) return key;
  return key === OFFSET_COMMIT_KEY && bytes <= SHORT_COMMIT_BYTES ? key : ALONE;
}
