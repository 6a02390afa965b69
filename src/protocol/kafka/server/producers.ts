// InitProducerId.
// Leaves to others: the ids (topics/producer-ids.ts).
import { RustLogError } from "../../../errors.js";
import type { ServiceContext } from "../../../services/context.js";
import { isPermitted, requireIdempotence } from "../../../services/permissions.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { InitProducerId } from "../producers.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import { codeOf } from "./group-answers.js";

type Request = RequestOf<typeof InitProducerId>;
type Response = ResponseOf<typeof InitProducerId>;

/** A producer that lost track of its sequence numbers, and sends its old id, gets another one too. */
export async function initProducerId(
  context: ServiceContext,
  { transactionalId, producerId, producerEpoch }: Request,
): Promise<Response> {
  if (transactionalId === "") return failure(CODE.INVALID_REQUEST);
  if (transactionalId === null) {
    const refusal = codeOf(() => requireIdempotence(context));
    if (refusal !== CODE.NONE) return failure(refusal);
  } else if (!isPermitted(context, "WRITE", "TRANSACTIONAL_ID", transactionalId)) {
    return failure(CODE.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  }
  if (producerId < 0 !== producerEpoch < 0) return failure(CODE.INVALID_REQUEST);
  // There are no transactions, and none of their other requests is advertised.
  if (transactionalId !== null) return failure(CODE.UNSUPPORTED_VERSION);
  try {
    return { errorCode: CODE.NONE, producerId: await context.producerIds.take(), producerEpoch: 0 };
  } catch (error) {
    if (error instanceof RustLogError) return failure(kafkaCode(error));
    throw error;
  }
}

function failure(errorCode: number): Response {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
