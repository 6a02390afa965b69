// Holds one connection to the quotas of its client: counts what it uses, and says how long it must not be read after an
// answer, so that the average meets the quota. Nothing is refused but changes of the cluster, as in Kafka.
// Leaves to others: the quotas (security/quotas.ts), and not reading a connection (net/connection.ts).
import { RustLogError } from "../errors.js";
import type { QuotaKey } from "../security/quota.js";
import type { TokenBucket } from "../security/token-bucket.js";
import type { ServiceContext } from "./context.js";

/** Longest wait for the time that requests took, in milliseconds: Kafka's, so that members of groups stay alive. */
const REQUEST_WAIT_MS_MAX = 1_000;

/** One percent of a second: the broker has one event loop, all of which is 100 %. */
const MS_PER_PERCENT = 10;

/** Kafka's field has 32 bits. */
const WAIT_MS_MAX = 2 ** 31 - 1;

/** The connection of a throttle. */
export interface Throttled {
  readonly client: { readonly id: string | undefined };
  /** Reads no further request for so long. */
  mute(ms: number): void;
}

/** Only used while there are quotas, so that clients cost nothing without any. */
export class Throttle {
  readonly #context: ServiceContext;
  readonly #connection: Throttled;
  #version = 0;
  #principal = "";
  #clientId: string | undefined;
  #produced: TokenBucket | undefined;
  #fetched: TokenBucket | undefined;
  #time: TokenBucket | undefined;
  #mutations: TokenBucket | undefined;
  /** How long the client has to wait after the next answer. */
  #waitMs = 0;

  constructor(context: ServiceContext, connection: Throttled) {
    this.#context = context;
    this.#connection = connection;
  }

  /** Counts a Produce of this many bytes. `nowMs` may be when it came: reading the clock takes longer than counting. */
  produced(bytes: number, nowMs: number): void {
    this.#refresh();
    if (this.#produced !== undefined) this.#take(this.#produced, bytes, nowMs);
  }

  /** Counts this many bytes of the log that are being sent. */
  fetched(bytes: number): void {
    this.#refresh();
    if (this.#fetched !== undefined) this.#take(this.#fetched, bytes, this.#nowMs);
  }

  /** What a fetch may return at most, so that the client need not wait for long: what its quota allows in a second. */
  fetchBytesMax(): number {
    this.#refresh();
    return this.#fetched?.rate ?? Number.POSITIVE_INFINITY;
  }

  /** Counts time that the client's requests took. */
  spent(ms: number, nowMs: number): void {
    this.#refresh();
    this.#time?.take(ms / MS_PER_PERCENT, nowMs);
  }

  /**
   * Counts partitions that are created or deleted. Throws THROTTLING_QUOTA_EXCEEDED if earlier ones were too many, and the
   * client knows that error; another one only has to wait.
   */
  mutate(partitions: number, isErrorKnown: boolean): void {
    this.#refresh();
    const bucket = this.#mutations;
    if (bucket === undefined) return;
    const waitMs = bucket.waitMs(this.#nowMs);
    if (waitMs > 0 && isErrorKnown) {
      this.#waitMs = Math.max(this.#waitMs, waitMs);
      throw new RustLogError(
        "THROTTLING_QUOTA_EXCEEDED",
        "too many partitions were created or deleted: wait before the next change",
      );
    }
    this.#take(bucket, partitions, this.#nowMs);
  }

  /** Call with each answer: mutes the connection for as long as its client has to wait. Returns the milliseconds. */
  answered(): number {
    this.#refresh();
    let waitMs = this.#waitMs;
    this.#waitMs = 0;
    const time = this.#time;
    if (time?.isInDebt === true) {
      const requestMs = Math.min(time.waitMs(this.#nowMs), REQUEST_WAIT_MS_MAX);
      waitMs = Math.max(waitMs, requestMs);
    }
    if (waitMs === 0) return 0;
    const throttleMs = Math.min(Math.ceil(waitMs), WAIT_MS_MAX);
    this.#connection.mute(throttleMs);
    this.#context.throttles.throttled(this.#user, throttleMs);
    return throttleMs;
  }

  get #user(): string {
    return this.#principal.slice("User:".length);
  }

  get #nowMs(): number {
    return this.#context.quotas.nowMs();
  }

  #take(bucket: TokenBucket, amount: number, nowMs: number): void {
    bucket.take(amount, nowMs);
    if (bucket.isInDebt) this.#waitMs = Math.max(this.#waitMs, bucket.waitMs(nowMs));
  }

  /** Finds the quotas again if they, the user or the client id are other ones. */
  #refresh(): void {
    const { quotas, caller } = this.#context;
    const { id } = this.#connection.client;
    if (
      this.#version === quotas.version &&
      this.#principal === caller.principal &&
      this.#clientId === id
    ) {
      return;
    }
    this.#version = quotas.version;
    this.#principal = caller.principal;
    this.#clientId = id;
    this.#waitMs = 0;
    // Before a login there are other limits, and no user.
    const bucketOf = (key: QuotaKey): TokenBucket | undefined =>
      caller.status === "unknown" ? undefined : quotas.bucketOf(key, this.#user, id ?? "");
    this.#produced = bucketOf("producer_byte_rate");
    this.#fetched = bucketOf("consumer_byte_rate");
    this.#mutations = bucketOf("controller_mutation_rate");
    this.#time = bucketOf("request_percentage");
  }
}
