// The topics that belong to the broker, by name. Clients may only read them; they can create any other `__name`.
// Leaves to others: refusing clients (services/permissions.ts), and what the topics hold (groups/).

/** Committed offsets. */
export const OFFSETS_TOPIC = "__consumer_offsets";

/** Kafka's name for the state of transactions. Reserved, so that no client's records are there when it is needed. */
const TRANSACTIONS_TOPIC = "__transaction_state";

export function isInternalTopic(name: string): boolean {
  return name === OFFSETS_TOPIC || name === TRANSACTIONS_TOPIC;
}
