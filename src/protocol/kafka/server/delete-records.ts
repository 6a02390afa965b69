// DeleteRecords: deletes the start of logs.
// Leaves to others: the work (services/delete-records.ts).
import { RustLogError } from "../../../errors.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/delete-records.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { DeleteRecords } from "../topics.js";
import type { Call } from "./call.js";
import { Portions } from "./portions.js";

type Response = ResponseOf<typeof DeleteRecords>;

export async function deleteRecords(
  context: ServiceContext,
  request: RequestOf<typeof DeleteRecords>,
  call: Call,
): Promise<Response> {
  const portions = new Portions(call.connection.turns);
  const topics: Response["topics"][number][] = [];
  for (const { name, partitions } of request.topics) {
    const outcomes = await services.deleteRecords(
      context,
      partitions.map(({ partitionIndex: partition, offset }) => ({
        topic: name,
        partition,
        offset,
      })),
      (items) => portions.next(items),
    );
    topics.push({
      name,
      partitions: outcomes.map((outcome, i) => {
        const { partitionIndex } = partitions[i]!;
        return outcome instanceof RustLogError
          ? { partitionIndex, lowWatermark: -1, errorCode: kafkaCode(outcome) }
          : { partitionIndex, lowWatermark: outcome, errorCode: CODE.NONE };
      }),
    });
    await portions.next();
  }
  return { topics };
}
