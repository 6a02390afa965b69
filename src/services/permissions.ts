// Who may do what. Today there is one rule, for internal topics: clients may read them and nothing else.
// Leaves to others: the contents of internal topics (groups/).
import { RustLogError } from "../errors.js";
import { isInternalTopic } from "../topics/internal-topics.js";

/** Throws INVALID_TOPIC if `name` is an internal topic. `what` is the refused action ("produced to", …). */
export function refuseInternalTopic(name: string, what: string): void {
  if (!isInternalTopic(name)) return;
  throw new RustLogError(
    "INVALID_TOPIC",
    `topic '${name}' can't be ${what}: it belongs to the broker`,
  );
}
