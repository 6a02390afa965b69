// Kafka's protocol as a dialect of the listener. All that serves requests is loaded with the first Kafka connection, so
// a broker without one does not pay for it. Leaves to others: requests (session.ts), and the formats (the parent folder).
import { RustLogError } from "../../../errors.js";
import { REQUEST_BYTES_MAX } from "../../../limits.js";
import type { Dialect, DialectConnection, Session } from "../../../net/dialect.js";
import type { NextFrame } from "../../../net/frame.js";
import type { RequestMetricsRegistry } from "../../../net/request-metrics.js";
import {
  API_VERSIONS_KEY,
  HEARTBEAT_KEY,
  keyOf,
  OFFSET_COMMIT_KEY,
  PRODUCE_KEY,
} from "../headers.js";
import { contextFor, type ServiceContext } from "../../../services/context.js";
import type { Router } from "./router.js";
import { KafkaSession, SHORT_COMMIT_BYTES } from "./session.js";

/** API keys are below 256, so the first byte of a request is always 0. */
const FIRST_BYTE = 0;

/** Up to this length a request takes only a few microseconds. */
const SMALL_REQUEST_BYTES = 64 * 1024;

/** Keys of APIs whose cost is bounded by the length of the request. */
const SMALL_KEYS: ReadonlySet<number> = new Set([PRODUCE_KEY, HEARTBEAT_KEY, API_VERSIONS_KEY]);

export class KafkaDialect implements Dialect {
  readonly name = "kafka";
  /** The key of the API: enough to know how long the request may be. */
  readonly headerBytes = 2;
  readonly inOrder = true;
  readonly #context: ServiceContext;
  readonly #metrics: RequestMetricsRegistry;
  #router: Router | undefined;
  #loading: Promise<Router> | undefined;

  constructor(context: ServiceContext, metrics: RequestMetricsRegistry) {
    this.#context = context;
    this.#metrics = metrics;
  }

  speaks(firstByte: number): boolean {
    return firstByte === FIRST_BYTE;
  }

  requestBytesMax(frame: NextFrame): number {
    return keyOf(frame) === PRODUCE_KEY ? Number.POSITIVE_INFINITY : REQUEST_BYTES_MAX;
  }

  tooLongError(bytes: number): RustLogError {
    return new RustLogError(
      "INVALID_REQUEST",
      `a Kafka request of ${bytes} bytes: only a Produce may have more than ${REQUEST_BYTES_MAX}`,
    );
  }

  isSmall(frame: NextFrame): boolean {
    const key = keyOf(frame);
    if (key === OFFSET_COMMIT_KEY) return frame.nextBytes <= SHORT_COMMIT_BYTES;
    return frame.nextBytes <= SMALL_REQUEST_BYTES && SMALL_KEYS.has(key);
  }

  /** Nothing: a client takes everything for the answer to one of its requests. */
  encodeConnectionError(): undefined {
    return undefined;
  }

  open(connection: DialectConnection): Session {
    return new KafkaSession(
      this,
      connection,
      contextFor(this.#context, connection.client),
      this.#router ?? this.#load(),
    );
  }

  async idle(): Promise<void> {
    await (await this.#loading)?.idle();
  }

  #load(): Promise<Router> {
    this.#loading ??= import("./router.js").then(({ Router: Loaded }) => {
      this.#router = new Loaded(this.#metrics);
      return this.#router;
    });
    return this.#loading;
  }
}
