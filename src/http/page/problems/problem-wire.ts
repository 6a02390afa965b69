// The JSON of what is wrong, as types used by the page and the broker. Leaves to others: filling them (http/api/problems.ts).
import type { Problems } from "../../../services/problems.js";

export type { Problem } from "../../../services/problem.js";

export interface ProblemList extends Problems {
  /** By the broker's clock, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** When the broker started; null if the visitor may not know. */
  readonly startedMs: number | null;
}
