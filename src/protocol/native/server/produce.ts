// Produce: the base offset of a batch once it is acknowledged.
// Leaves to others: the append (services/produce.ts).
import type { Pieces } from "../../../record/bytes.js";
import { Produce, type ProduceRequest } from "../produce.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/produce.js";
import type { Exchange } from "./exchange.js";

export function produce(
  context: ServiceContext,
  exchange: Exchange,
  request: ProduceRequest,
): void {
  services.produceFor(new ExchangeWaiter(exchange, request.batch), context, request);
  exchange.connection.client.writes.note(request.topic, 0, exchange.beganMs);
}

class ExchangeWaiter implements services.ProduceWaiter {
  readonly #exchange: Exchange;
  readonly #batch: Pieces;

  constructor(exchange: Exchange, batch: Pieces) {
    this.#exchange = exchange;
    this.#batch = batch;
  }

  appended(baseOffset: number, logAppendTime: number): void {
    const { correlationId, apiVersion } = this.#exchange;
    const response = { baseOffset, logAppendTime };
    this.#exchange.produced();
    this.#exchange.answer(Produce.encodeResponse(correlationId, response, apiVersion));
    // The batch is in the file. A batch that was refused may be needed to undo a write.
    this.#exchange.freePayload(this.#batch);
  }

  creates(partitions: number): void {
    this.#exchange.mutateByUse(partitions);
  }

  refused(error: unknown): void {
    this.#exchange.produced();
    this.#exchange.fail(error);
  }
}
