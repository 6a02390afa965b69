// InitProducerId: an id for an idempotent producer.
import { api, bool, int16, int32, int64, string, throttleTimeMs } from "./schema.js";

export const InitProducerId = api({
  key: 22,
  versions: [0, 5],
  flexibleSince: 2,
  request: {
    transactionalId: string({ nullable: 0 }),
    transactionTimeoutMs: int32(),
    producerId: int64({ since: 3, absent: -1 }),
    producerEpoch: int16({ since: 3, absent: -1 }),
    enable2Pc: bool({ since: 6 }),
    keepPreparedTxn: bool({ since: 6 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    producerId: int64(),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ since: 6, absent: -1 }),
    ongoingTxnProducerEpoch: int16({ since: 6, absent: -1 }),
  },
});
