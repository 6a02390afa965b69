// Fetch: the batches of one partition in one frame, at once or when there are enough of them.
// Leaves to others: reading and waiting (services/fetch.ts), and sending (net/outbox.ts).
import { RustLogError } from "../../../errors.ts";
import type { Wait } from "../../../net/inflight.ts";
import {
  damageMessage,
  encodeFetchResponseHead,
  fetchResponseHeadBytes,
  type FetchRequest,
} from "../fetch.ts";
import type { ServiceContext } from "../../../services/context.ts";
import * as services from "../../../services/fetch.ts";
import type { Exchange } from "./exchange.ts";

/** Answers a Fetch request. */
export function fetch(context: ServiceContext, exchange: Exchange, request: FetchRequest): void {
  const { connection, apiVersion } = exchange;
  const { group, topic, partition, topicId, offset, maxBytes, minBytes, maxWaitMs } = request;
  // A response is one frame. A batch that is larger than what was asked for still comes whole.
  const bytesMax = Math.min(
    maxBytes,
    connection.frameBytesMax - fetchResponseHeadBytes(apiVersion),
  );
  const outcome = services.fetch(context, {
    group: group === "" ? undefined : group,
    positions: [{ topic, partition, topicId, offset, bytesMax }],
    bytesMax,
    bytesMin: minBytes,
    waitMs: maxWaitMs > 0 && connection.mayWait ? maxWaitMs : 0,
  });
  if (outcome instanceof services.WaitingFetch) wait(exchange, outcome);
  else answer(exchange, outcome);
}

/** Lets a fetch wait for as long as its connection lasts. */
function wait(exchange: Exchange, fetch: services.WaitingFetch): void {
  const { turns, inflight } = exchange.connection;
  const wait: Wait = {
    finish: () => fetch.finish(),
    cancel() {
      fetch.cancel();
      exchange.answerNothing();
    },
  };
  exchange.hasWaited = true;
  inflight.addWait(wait);
  fetch.begin({
    whenTime: (call) =>
      turns.whenTime(() => {
        try {
          call();
        } catch (error) {
          fetch.cancel();
          inflight.removeWait(wait);
          exchange.fail(error);
        }
      }),
    done(results) {
      inflight.removeWait(wait);
      answer(exchange, results);
    },
  });
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
  exchange.answerWithLog(head, result.slices);
}

/** Where the log is damaged, the message tells the client at which offset it can go on. */
function errorOf({ error, offsetAfterDamage }: services.FetchFailure): RustLogError {
  if (offsetAfterDamage === undefined) return error;
  const message = damageMessage(error.message, offsetAfterDamage);
  return new RustLogError(error.code, message, { cause: error });
}
