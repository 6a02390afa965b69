// One Kafka connection: when its requests run. Produces begin in order and run side by side, and so do commits of offsets;
// everything else runs alone, because a client may rely on what an earlier request did (a topic that Metadata created).
// Leaves to others: running a request (router.ts), keeping those that may not begin yet (net/input.ts), and sending
// responses in order (net/response-order.ts).
import { RustLogError } from "../../../errors.js";
import type { Dialect, DialectConnection, Session } from "../../../net/dialect.js";
import type { NextFrame } from "../../../net/frame.js";
import type { InflightRequest } from "../../../net/inflight-request.js";
import type { RequestMetrics } from "../../../net/request-metrics.js";
import { bytesOf, type Pieces } from "../../../record/bytes.js";
import type { ServiceContext } from "../../../services/context.js";
import { KAFKA_HEADER_BYTES, keyOf, OFFSET_COMMIT_KEY, PRODUCE_KEY } from "../headers.js";
import { Call, type CallOwner } from "./call.js";
import type { Router } from "./router.js";

/** Instead of an API key: nothing runs beside this request. */
const ALONE = -1;

/** Longest commit that runs beside others: one of these is in the log of commits, at its place, before the next begins. */
export const SHORT_COMMIT_BYTES = 4096;

export class KafkaSession implements Session, CallOwner {
  readonly dialect: Dialect;
  readonly connection: DialectConnection;
  readonly context: ServiceContext;
  #router: Router | undefined;
  /** The first request, while the code that serves it is being loaded. */
  #first: Call | undefined;
  #running = 0;
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

  /** Undefined until a request can be served. */
  get metrics(): RequestMetrics | undefined {
    return this.#router?.metrics;
  }

  mayTake(frame: NextFrame): boolean {
    if (this.#running === 0) return true;
    return (
      this.#runningKey !== ALONE && sharedKey(keyOf(frame), frame.nextBytes) === this.#runningKey
    );
  }

  take(request: InflightRequest, payload: Pieces): void {
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

  runAlone(): void {
    this.#runningKey = ALONE;
  }

  settled(): void {
    this.#running--;
  }

  fail(reason: RustLogError): void {
    this.connection.close(reason);
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
