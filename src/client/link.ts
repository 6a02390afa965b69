// The client's link to its broker, across lost connections: connects on demand, agrees on versions, and retries requests
// that are safe to repeat.
// Leaves to others: one connection (broker-connection), and the requests (producer, consumer, admin).

import { RustLogError } from "../errors.js";
import { BATCH_BYTES_MAX_DEFAULT, FRAME_BYTES_MAX_DEFAULT } from "../limits.js";
import { type ApiVersionsResponse, ApiVersions, Ping } from "../protocol/native/meta.js";
import {
  API_NAMES,
  APIS,
  commonVersion,
  FIRST_VERSION,
  type VersionRange,
} from "../protocol/native/api-versions.js";
import { API, type ApiName, versionOfFrame } from "../protocol/native/messages.js";
import type { Api, Fields, ValueOf } from "../protocol/native/schema.js";
import type { BrokerAddress } from "./broker-address.js";
import { backoffMs, pause } from "./backoff.js";
import { BrokerConnection } from "./broker-connection.js";
import { isAmbiguous } from "./failure.js";
import { logIn, LoginRenewal, type SaslOptions } from "./login.js";
import type { TlsOptions } from "./tls.js";

/** The options of a link; see ConnectOptions for their meaning. */
export interface LinkOptions {
  /** How to use TLS; undefined for a port without. */
  readonly tls?: TlsOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retries: number;
  readonly retryBackoffMs: number;
  /** Who to log in as; undefined for a broker that requires no login. */
  readonly sasl?: SaslOptions | undefined;
  /** Called when a connection is open. */
  readonly onConnected?: (() => void) | undefined;
  readonly onConnectionLost?: ((error: RustLogError) => void) | undefined;
}

/** A request, and how to decode its response. */
export interface Call<T> {
  readonly api: ApiName;
  /** Encodes the frame for a correlation id and the negotiated version. Called for each attempt. */
  readonly encode: (correlationId: number, version: number) => Uint8Array;
  /** Bytes that follow the frame's head: the batch of a Produce request. */
  readonly batch?: Uint8Array;
  /** Decodes the payload of the response, which has the version of the request. Throws the error of an error response. */
  readonly decode: (payload: Uint8Array, version: number) => T;
  /** Time that the broker may wait on purpose (in a fetch), added to the request timeout. */
  readonly waitMs?: number;
  /** Whether to send it again after it may have reached the broker (true); false for creating and deleting. */
  readonly repeatable?: boolean;
}

export interface RetryPolicy {
  /** How long to retry retriable errors, in milliseconds; replaces the link's number of retries. */
  readonly retryMs?: number;
  /** Stops waiting and retrying. */
  readonly signal?: AbortSignal;
}

/** Assumed for a broker that does not support ApiVersions: version 1 of all APIs, and the default limits. */
const UNKNOWN_BROKER: ApiVersionsResponse = {
  brokerVersion: "unknown",
  logDirectoryId: "",
  maxFrameBytes: FRAME_BYTES_MAX_DEFAULT,
  maxBatchBytes: BATCH_BYTES_MAX_DEFAULT,
  apis: [],
};

/** The call of an API with a request. */
export function callOf<Request extends Fields, Response extends Fields>(
  api: Api<Request, Response>,
  request: ValueOf<Request>,
): Call<ValueOf<Response>> {
  return {
    api: api.name,
    encode: (id, version) => api.encodeRequest(id, request, version),
    decode: api.decodeResponse,
  };
}

export class BrokerLink {
  readonly address: BrokerAddress;
  readonly options: LinkOptions;
  readonly #closing = new AbortController();
  #connection: BrokerConnection | undefined;
  #connecting: Promise<BrokerConnection> | undefined;
  #connectFailures = 0;
  #connectNotBefore = 0;
  #info: ApiVersionsResponse | undefined;
  readonly #renewal: LoginRenewal | undefined;
  #versions: ReadonlyMap<ApiName, number> = new Map();

  constructor(address: BrokerAddress, options: LinkOptions) {
    this.address = address;
    this.options = options;
    const { sasl, requestTimeoutMs } = options;
    if (sasl !== undefined) this.#renewal = new LoginRenewal(sasl, requestTimeoutMs);
  }

  /** What the broker reported when the last connection was opened. */
  get info(): ApiVersionsResponse {
    if (this.#info === undefined) throw new Error("the link was used before it connected");
    return this.#info;
  }

  /** Makes one round trip, and connects first if necessary. Throws what `request` throws. */
  async ping(policy: RetryPolicy = {}): Promise<void> {
    await this.request(callOf(Ping, {}), policy);
  }

  /**
   * Sends a request and returns its response. Retries after retriable errors and lost connections, with backoff, as
   * `policy` says; then throws the last error. Attempts never overlap.
   */
  async request<T>(call: Call<T>, policy: RetryPolicy = {}): Promise<T> {
    const { requestTimeoutMs, retries, retryBackoffMs } = this.options;
    const timeoutMs = requestTimeoutMs + (call.waitMs ?? 0);
    const until = performance.now() + (policy.retryMs ?? Number.POSITIVE_INFINITY);
    const signal = policy.signal ?? this.#closing.signal;
    let lastError: RustLogError | undefined;
    for (let failures = 1; ; failures++) {
      this.#throwIfClosed(signal);
      const progress = { sent: false };
      try {
        const attempt = this.#attempt(call, timeoutMs, signal, progress);
        const leftMs = until - performance.now();
        // Our timeout is not the fault of the connection, which others go on using.
        return leftMs >= timeoutMs ? await attempt : await withDeadline(attempt, leftMs, lastError);
      } catch (error) {
        if (!(error instanceof RustLogError) || !error.retriable || signal.aborted) throw error;
        if (progress.sent && call.repeatable === false && isAmbiguous(error)) throw error;
        lastError = error;
        const wait = backoffMs(failures, retryBackoffMs);
        const isLast =
          policy.retryMs === undefined ? failures > retries : performance.now() + wait >= until;
        if (isLast) throw error;
        await pause(wait, signal);
      }
    }
  }

  /**
   * Sends a request once, for callers with their own retries. Attempts reach the broker in the order of the calls as long as
   * the connection lasts. Rejects after `leftMs`, with `lastError` if there is one.
   */
  async attempt<T>(call: Call<T>, leftMs: number, lastError: RustLogError | undefined): Promise<T> {
    const { signal } = this.#closing;
    this.#throwIfClosed(signal);
    const { requestTimeoutMs } = this.options;
    const attempt = this.#attempt(call, requestTimeoutMs, signal, { sent: false });
    return leftMs >= requestTimeoutMs
      ? await attempt
      : await withDeadline(attempt, leftMs, lastError);
  }

  /** Waits for `ms`, or until the link is closed. */
  pause(ms: number): Promise<void> {
    return pause(ms, this.#closing.signal);
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Closes the connection; unanswered requests fail with CONNECTION_LOST. Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#renewal?.end();
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #attempt<T>(
    call: Call<T>,
    timeoutMs: number,
    signal: AbortSignal,
    progress: { sent: boolean },
  ): Promise<T> {
    const connection = this.#connection ?? (await this.#open());
    this.#throwIfClosed(signal);
    progress.sent = true;
    const negotiated = this.#versions.get(call.api) ?? FIRST_VERSION;
    let version = negotiated;
    const encode = (correlationId: number): Uint8Array => {
      const frame = call.encode(correlationId, negotiated);
      version = versionOfFrame(frame);
      return frame;
    };
    try {
      return call.decode(await connection.request(encode, timeoutMs, call.batch), version);
    } catch (error) {
      throw this.#loginIsGone(error) ? this.#reconnectToLogIn(connection, error) : error;
    }
  }

  /** Whether the broker does not accept the login of the connection any more: the user has another password, say. */
  #loginIsGone(error: unknown): error is RustLogError {
    const isIt = error instanceof RustLogError && error.code === "ILLEGAL_SASL_STATE";
    return isIt && this.options.sasl !== undefined;
  }

  #reconnectToLogIn(connection: BrokerConnection, error: RustLogError): RustLogError {
    if (this.#connection === connection) {
      this.#connection = undefined;
      connection.close();
    }
    return new RustLogError("CONNECTION_LOST", error.message, { cause: error });
  }

  /** The current connection, or one attempt to connect, shared by all requests that need it. */
  #open(): Promise<BrokerConnection> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<BrokerConnection> {
    // Many requests may be retrying, each at its own pace. Together they must not flood the broker.
    await pause(this.#connectNotBefore - performance.now(), this.#closing.signal);
    this.#throwIfClosed(this.#closing.signal);
    try {
      const { connectTimeoutMs, tls } = this.options;
      const connection = await BrokerConnection.open(this.address, connectTimeoutMs, tls);
      try {
        await this.#shakeHands(connection);
        await this.#logIn(connection);
        if (!connection.isOpen) throw new RustLogError("CONNECTION_LOST", "lost at once");
      } catch (error) {
        connection.close();
        throw error;
      }
      this.#connectFailures = 0;
      this.#connection = connection;
      connection.onFailure = (error) => {
        this.#connection = undefined;
        this.options.onConnectionLost?.(error);
      };
      this.options.onConnected?.();
      return connection;
    } catch (error) {
      this.#connectFailures += 1;
      const wait = backoffMs(this.#connectFailures, this.options.retryBackoffMs);
      this.#connectNotBefore = performance.now() + wait;
      if (error instanceof RustLogError) this.options.onConnectionLost?.(error);
      throw error;
    }
  }

  /** Requests the versions of the broker, and rejects a broker that shares no version of an API with us. */
  async #shakeHands(connection: BrokerConnection): Promise<void> {
    const { requestTimeoutMs } = this.options;
    const payload = await connection
      .request((id) => ApiVersions.encodeRequest(id, {}), requestTimeoutMs)
      .catch((error: unknown) => {
        throw this.#unanswered(error);
      });
    const info = infoFrom(payload);
    this.#versions = this.#negotiate(info);
    this.#info = info;
  }

  async #logIn(connection: BrokerConnection): Promise<void> {
    const { sasl, requestTimeoutMs } = this.options;
    if (sasl === undefined) return;
    const lifetimeMs = await logIn(connection, sasl, requestTimeoutMs);
    this.#renewal?.begin(connection, lifetimeMs);
  }

  /** A server that closes the connection at the first frame may not be a RustLog broker. */
  #unanswered(error: unknown): unknown {
    const isClosed = error instanceof RustLogError && error.code === "CONNECTION_LOST";
    if (!isClosed || this.isClosed) return error;
    return new RustLogError(error.code, `${error.message} (the first one of this connection)`, {
      cause: error,
      help:
        this.options.tls === undefined
          ? "Is it a RustLog broker, and running? A Kafka broker or a TLS server ends a connection like this."
          : "The log of the broker says why; it may not accept the certificate of this client, or ask for one.",
    });
  }

  /** The version of each API for this broker; an API that the broker does not list has none. */
  #negotiate({ apis, brokerVersion }: ApiVersionsResponse): ReadonlyMap<ApiName, number> {
    const versions = new Map<ApiName, number>();
    for (const name of API_NAMES) {
      const listed = apis.find(({ apiKey }) => apiKey === API[name]);
      if (listed === undefined) continue;
      const theirs = { min: listed.minVersion, max: listed.maxVersion };
      const version = commonVersion(APIS[name].versions, theirs);
      if (version === undefined) {
        throw new RustLogError(
          "UNSUPPORTED_VERSION",
          `broker ${brokerVersion} at ${this.address.text} supports ${rangeText(theirs)} of ${name}, ` +
            `this client supports ${rangeText(APIS[name].versions)}`,
        );
      }
      versions.set(name, version);
    }
    return versions;
  }

  #throwIfClosed(signal: AbortSignal): void {
    if (signal.aborted || this.#closing.signal.aborted) {
      throw new RustLogError("CONNECTION_LOST", "the client was closed");
    }
  }
}

function infoFrom(payload: Uint8Array): ApiVersionsResponse {
  try {
    return ApiVersions.decodeResponse(payload);
  } catch (error) {
    if (error instanceof RustLogError && error.code === "UNSUPPORTED_VERSION")
      return UNKNOWN_BROKER;
    throw error;
  }
}

function rangeText({ min, max }: VersionRange): string {
  return min === max ? `version ${min}` : `versions ${min} to ${max}`;
}

/** The outcome of `attempt`; after `ms` milliseconds, rejects with the error of the attempt before it, if any. */
async function withDeadline<T>(
  attempt: Promise<T>,
  ms: number,
  lastError: RustLogError | undefined,
): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    deadline.reject(
      lastError ?? new RustLogError("TIMED_OUT", "the broker did not answer in time"),
    );
  }, ms);
  try {
    return await Promise.race([attempt, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}
