// Produce: the base offset of a batch once it is acknowledged.
// Leaves to others: the append (services/produce.ts).
import { Produce, type ProduceRequest } from "../produce.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/produce.js";
import type { Exchange } from "./exchange.js";

export function produce(
  context: ServiceContext,
  exchange: Exchange,
  request: ProduceRequest,
): void {
  services.produceFor(new ExchangeWaiter(exchange), context, request);
}

class ExchangeWaiter implements services.ProduceWaiter {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  appended(baseOffset: number): void {
    const { correlationId } = this.#exchange;
    this.#exchange.answer(Produce.encodeResponse(correlationId, { baseOffset }));
  }

  refused(error: unknown): void {
    this.#exchange.fail(error);
  }
}
