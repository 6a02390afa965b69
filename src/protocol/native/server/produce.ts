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
  services.produce(context, request).then(
    (baseOffset) => exchange.answer(Produce.encodeResponse(exchange.correlationId, { baseOffset })),
    (error: unknown) => exchange.fail(error),
  );
}
