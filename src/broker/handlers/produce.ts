// Produce: checks a batch, appends it, and answers once the flush policy is satisfied.
// Leaves to others: the check (record/), offsets, the append and its flush (topics/partition.ts).
import { RustLogError } from "../../errors.ts";
import { encodeProduceResponse, type ProduceRequest } from "../../protocol/native/produce.ts";
import { checkProducedBatch } from "../../record/produced-batch.ts";
import type { Partition } from "../../topics/partition.ts";
import type { Exchange } from "../exchange.ts";
import type { BrokerServices } from "../services.ts";
import { refuseInternalTopic } from "./internal-topic.ts";

export function produce(
  services: BrokerServices,
  exchange: Exchange,
  request: ProduceRequest,
): void | Promise<void> {
  const { topic: name, batch, tail } = request;
  // All that can be wrong with the request itself comes first: a bad one must not create a topic.
  refuseInternalTopic(name, "produced to");
  checkProducedBatch(batch, services.batchBytesMax, tail);
  return exchange.owner.topicOrder.run(name, () => {
    refuseMissingPartition(services, name, request.partition);
    const topic = services.registry.ensure(name);
    if (topic instanceof Promise) {
      return topic.then(() => append(exchange, partitionOf(services, request), request));
    }
    append(exchange, partitionOf(services, request), request);
  });
}

function partitionOf(services: BrokerServices, request: ProduceRequest): Partition {
  return services.registry.partition(request.topic, request.partition);
}

/** The append itself is begun at once; only its acknowledgement is waited for. */
function append(exchange: Exchange, partition: Partition, request: ProduceRequest): void {
  partition.append(request.batch, request.tail).then(
    (baseOffset) => exchange.answer(encodeProduceResponse(exchange.correlationId, { baseOffset })),
    (error: unknown) => exchange.fail(error),
  );
}

/** A produce to a partition that the new topic would not have must not leave a topic behind. */
export function refuseMissingPartition(
  services: BrokerServices,
  name: string,
  partition: number,
): void {
  const willCreate = services.autoCreateTopics && services.registry.find(name) === undefined;
  if (!willCreate || partition < services.defaultPartitions) return;
  throw new RustLogError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `there is no topic '${name}', and one created for this produce would have no partition ${partition}: ` +
      `it would have ${services.defaultPartitions}, numbered from 0`,
  );
}
