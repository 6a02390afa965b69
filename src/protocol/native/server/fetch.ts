// Fetch: the batches of one partition in one frame, immediately or when there are enough.
// Leaves to others: reading and waiting (services/fetch.ts), and sending (net/outbox.ts).
import { RustLogError } from "../../../errors.js";
import type { Wait } from "../../../net/inflight.js";
import {
  damageMessage,
  encodeFetchResponseHead,
  fetchResponseHeadBytes,
  type FetchRequest,
} from "../fetch.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/fetch.js";
import type { Exchange } from "./exchange.js";

export function fetch(context: ServiceContext, exchange: Exchange, request: FetchRequest): void {
  const { connection, apiVersion } = exchange;
  const { group, topic, partition, topicId, offset, maxBytes, minBytes, maxWaitMs } = request;
  // A response is one frame. A batch larger than the request's `maxBytes` is still returned whole.
  const bytesMax = Math.min(
    maxBytes,
    exchange.throttle?.fetchBytesMax() ?? Number.POSITIVE_INFINITY,
    connection.frameBytesMax - fetchResponseHeadBytes(apiVersion),
  );
  const outcome = services.fetch(context, {
    group: group === "" ? undefined : group,
    positions: [{ topic, partition, topicId, offset, bytesMax }],
    bytesMax,
    bytesMin: minBytes,
    waitMs: maxWaitMs > 0 && connection.mayWait ? maxWaitMs : 0,
  });
  const isWaiting = outcome instanceof services.WaitingFetch;
  if (isWaiting || !("error" in outcome[0]!)) {
    connection.client.reads.note(topic, 0, exchange.beganMs);
  }
  if (isWaiting) new ConnectionWait(exchange, outcome).begin();
  else answer(exchange, outcome);
}

/** A waiting fetch of one connection. There may be a hundred thousand of them, so each is a single object. */
class ConnectionWait implements Wait, services.FetchCaller {
  readonly #exchange: Exchange;
  readonly #fetch: services.WaitingFetch;

  constructor(exchange: Exchange, fetch: services.WaitingFetch) {
    this.#exchange = exchange;
    this.#fetch = fetch;
  }

  begin(): void {
    this.#exchange.hasWaited = true;
    this.#exchange.connection.inflight.addWait(this);
    this.#fetch.begin(this);
  }

  finish(): void {
    this.#fetch.finish();
  }

  cancel(): void {
    this.#fetch.cancel();
    this.#exchange.answerNothing();
  }

  whenTime(call: () => void): void {
    this.#exchange.connection.turns.whenTime(call);
  }

  done(results: readonly services.FetchResult[]): void {
    this.#exchange.connection.inflight.removeWait(this);
    answer(this.#exchange, results);
  }

  failed(error: unknown): void {
    this.#exchange.connection.inflight.removeWait(this);
    this.#exchange.fail(error);
  }
}

function answer(exchange: Exchange, results: readonly services.FetchResult[]): void {
  const result = results[0];
  if (result === undefined) throw new Error("a fetch of one partition has no result");
  if ("error" in result) {
    exchange.fail(errorOf(result));
    return;
  }
  const { correlationId, apiVersion } = exchange;
  const head = encodeFetchResponseHead(correlationId, result, result.bytes, apiVersion);
  exchange.throttle?.fetched(result.bytes);
  exchange.answerWithLog(head, result.slices);
}

/** If the log is damaged, the message tells the client where it can continue. */
function errorOf({ error, offsetAfterDamage }: services.FetchFailure): RustLogError {
  if (offsetAfterDamage === undefined) return error;
  const message = damageMessage(error.message, offsetAfterDamage);
  return new RustLogError(error.code, message, { cause: error });
}
