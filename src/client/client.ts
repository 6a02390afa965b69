// connect() and the Client: one connection to a broker, shared by producers, consumers and admin.
// Leaves to others: the socket and reconnecting (link, broker-connection), and everything sent over it.

import type { RustLogError } from "../errors.js";
import { abortable, checkSignal, type SignalOptions } from "./abort.js";
import { BROKER_ADDRESS_DEFAULT, parseBrokerAddress } from "./broker-address.js";
import { Admin } from "./admin.js";
import type { BrokerInfo } from "./admin-types.js";
import { BalancedConsumer } from "./balanced-consumer.js";
import type { BalancedConsumerOptions } from "./balanced-options.js";
import { checkCallback, checkObject, checkString } from "./argument-check.js";
import { Consumer } from "./consumer.js";
import type { ConsumerOptions } from "./consumer-options.js";
import { Events, type Listener } from "./events.js";
import { BrokerLink } from "./link.js";
import { checkSasl, type SaslOptions } from "./login.js";
import { inRange } from "./option-check.js";
import { Producer, type ProducerOptions } from "./producer.js";
import type { RecordData } from "./serialization.js";
import { checkTls, type TlsOptions } from "./tls.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";

/** How to reach a broker. */
export interface ConnectOptions {
  /** "host:port", "host" or "[ipv6]:port". Default: the variable RUSTLOG_BROKER, or else 127.0.0.1:9092. */
  readonly broker?: string;
  /** Whether and how to use TLS (false). */
  readonly tls?: boolean | TlsOptions;
  /** Who to log in as, for a broker that requires a login. */
  readonly sasl?: SaslOptions;
  /** Timeout of one attempt to connect, in milliseconds (10,000). */
  readonly connectTimeoutMs?: number;
  /** Time in which the broker must answer a request, in milliseconds (30,000). */
  readonly requestTimeoutMs?: number;
  /** How often a connection attempt or an admin request is retried after a retriable error (3). */
  readonly retries?: number;
  /** Wait before the first retry, in milliseconds (100). It doubles, with jitter, up to ten times this. */
  readonly retryBackoffMs?: number;
  /** Called whenever a connection was lost or could not be made. */
  readonly onConnectionLost?: (error: RustLogError) => void;
  /** Ends the attempts to connect: `connect` rejects with the signal's reason as soon as it is aborted. */
  readonly signal?: AbortSignal;
}

/** The events of a client by name, with what a listener is called with. */
export interface ClientEvents {
  /** A lost connection was reopened. */
  readonly connected: [broker: BrokerInfo];
  /** A connection was lost, or could not be made. */
  readonly disconnected: [error: RustLogError];
}

/**
 * Connects to a broker. Throws CONNECTION_LOST or TIMED_OUT when it can't be reached, UNSUPPORTED_VERSION when it does
 * not support our version of the protocol, SASL_AUTHENTICATION_FAILED when the login fails, and INVALID_CONFIG for a malformed address or a time outside 1 ms to a day.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  checkObject("INVALID_CONFIG", "the options of connect", options);
  const { RUSTLOG_BROKER } = process.env;
  const address = options.broker ?? (RUSTLOG_BROKER || BROKER_ADDRESS_DEFAULT);
  checkString("INVALID_CONFIG", "broker", address);
  checkCallback("onConnectionLost", options.onConnectionLost);
  checkSignal(options.signal);
  checkSasl(options.sasl);
  const events = new Events<ClientEvents>(["connected", "disconnected"]);
  const wait = (name: string, ms: number): number => inRange(name, ms, 1, CLIENT_WAIT_MS_MAX);
  const link = new BrokerLink(parseBrokerAddress(address), {
    sasl: options.sasl,
    tls: checkTls(options.tls),
    connectTimeoutMs: wait("connectTimeoutMs", options.connectTimeoutMs ?? 10_000),
    requestTimeoutMs: wait("requestTimeoutMs", options.requestTimeoutMs ?? 30_000),
    retries: inRange("retries", options.retries ?? 3, 0),
    retryBackoffMs: wait("retryBackoffMs", options.retryBackoffMs ?? 100),
    onConnected: () => events.emit("connected", new Admin(link).brokerInfo()),
    onConnectionLost: (error) => {
      options.onConnectionLost?.(error);
      events.emit("disconnected", error);
    },
  });
  try {
    await abortable(link.ping(), options.signal);
  } catch (error) {
    link.close();
    throw error;
  }
  return new Client(link, events);
}

/** A connection to a broker, created by `connect`. A lost connection is reopened by the next request. */
export class Client implements AsyncDisposable {
  readonly #link: BrokerLink;
  readonly #events: Events<ClientEvents>;
  readonly #producers = new Set<AsyncDisposable>();
  readonly #consumers = new Set<AsyncDisposable>();
  #closing: Promise<void> | undefined;

  /** @internal Use `connect`. */
  constructor(link: BrokerLink, events: Events<ClientEvents>) {
    this.#link = link;
    this.#events = events;
  }

  /** "host:port" of the broker. */
  get broker(): string {
    return this.#link.address.text;
  }

  /** Creates a producer. Throws INVALID_CONFIG for invalid options. */
  producer<K = RecordData, V = RecordData>(options: ProducerOptions<K, V> = {}): Producer<K, V> {
    const producer = new Producer(this.#link, options, () => this.#producers.delete(producer));
    this.#producers.add(producer);
    return producer;
  }

  /**
   * Creates a consumer that shares the partitions of its topics with the other members of its group. It joins the group on
   * the first call. Throws INVALID_CONFIG for invalid options.
   */
  consumer<K = Uint8Array, V = Uint8Array>(
    options: BalancedConsumerOptions<K, V>,
  ): BalancedConsumer<K, V>;
  /** Creates a consumer, which starts to read on the first call. Throws INVALID_CONFIG for invalid options. */
  consumer<K = Uint8Array, V = Uint8Array>(options: ConsumerOptions<K, V>): Consumer<K, V>;
  /** Creates the one or the other, by `balance`. */
  consumer<K, V>(
    options: ConsumerOptions<K, V> | BalancedConsumerOptions<K, V>,
  ): Consumer<K, V> | BalancedConsumer<K, V> {
    const onClosed = (): unknown => this.#consumers.delete(consumer);
    const consumer: Consumer<K, V> | BalancedConsumer<K, V> =
      typeof options === "object" && options?.balance === true
        ? new BalancedConsumer(this.#link, options, onClosed)
        : new Consumer(this.#link, options, onClosed);
    this.#consumers.add(consumer);
    return consumer;
  }

  /**
   * Returns an admin for topics, groups and offsets. With a signal, such as `AbortSignal.timeout(5_000)`, its calls reject with
   * the signal's reason as soon as it is aborted; the broker may carry them out all the same.
   */
  admin(options?: SignalOptions): Admin {
    return new Admin(this.#link, {}, options);
  }

  /** Makes one round trip to the broker. Throws CONNECTION_LOST or TIMED_OUT. */
  async ping(options: SignalOptions = {}): Promise<void> {
    checkObject("INVALID_CONFIG", "the options of ping", options);
    checkSignal(options.signal);
    await abortable(this.#link.ping(), options.signal);
  }

  /** Adds a listener, and returns a function that removes it. What it throws is an uncaught exception of the program. */
  on<Name extends keyof ClientEvents>(
    event: Name,
    listener: Listener<ClientEvents[Name]>,
  ): () => void {
    return this.#events.on(event, listener);
  }

  /** Closes consumers, flushes and closes producers, and closes the connection. Throws what the flushes throw. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer[Symbol.asyncDispose]()));
    const closed = await Promise.allSettled(
      [...this.#producers].map((producer) => producer[Symbol.asyncDispose]()),
    );
    this.#link.close();
    const failed = closed.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
