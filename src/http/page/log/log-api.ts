// Requests about the segments and batches of a partition. Leaves to others: sending them (api.ts), using the answers.
import { askFor } from "../api.js";

/** Asks about a partition; `question` is one of `QUESTIONS` in http/api/partition-questions.ts. */
export function askPartition<Answer>(
  topic: string,
  partition: number,
  question: string,
  query: Readonly<Record<string, string | number>> = {},
): Promise<Answer> {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  );
  return askFor(`/api/topics/${encodeURIComponent(topic)}/${partition}/${question}?${parameters}`);
}
