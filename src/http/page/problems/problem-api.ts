// Requests about what is wrong. Leaves to others: sending them (api.ts), using the answers.
import { askFor } from "../api.js";
import type { ProblemList } from "./problem-wire.js";

export function askProblems(signal: AbortSignal): Promise<ProblemList> {
  return askFor("/api/problems", signal);
}
