// The questions about one partition: its segments, index entries, batches and their bytes, and a lookup step by step.
// Leaves to others: the answers (log.ts).
import type { Operation } from "../../security/permission.js";
import { partitionOf } from "../../services/named-partition.js";
import type { Partition } from "../../topics/partition.js";
import type { PageRoutes } from "./access.js";
import { answered, invalid } from "./answer.js";
import { batchDump, batchRows, indexTicks, lookUp, segmentRows } from "./log.js";
import { Query } from "./query.js";
import type { Queue } from "./queue.js";

interface Question {
  /** What the visitor must be permitted to do. */
  readonly needs: Operation;
  readonly ask: (partition: Partition, query: Query) => unknown;
}

export const QUESTIONS: Readonly<Record<string, Question>> = {
  segments: {
    needs: "DESCRIBE",
    ask: (partition, query) => segmentRows(partition, query.number("after") ?? -1),
  },
  index: {
    needs: "DESCRIBE",
    ask: (partition, query) =>
      indexTicks(partition, {
        bases: query.numbers("bases"),
        spacing: query.number("spacing") ?? 1,
        from: query.number("from"),
        to: query.number("to"),
      }),
  },
  lookup: {
    needs: "READ",
    ask: (partition, query) => {
      const [offset, timestamp] = [query.number("offset"), query.number("timestamp")];
      if (offset !== undefined) return lookUp(partition, { offset });
      if (timestamp !== undefined) return lookUp(partition, { timestamp });
      throw invalid("pass an offset or a timestamp");
    },
  },
  batches: {
    needs: "READ",
    ask: (partition, query) =>
      batchRows(partition, query.needed("segment"), {
        at: query.number("at"),
        near: query.number("near"),
        offset: query.number("offset"),
        before: query.number("before"),
      }),
  },
  batch: {
    needs: "READ",
    ask: (partition, query) =>
      batchDump(
        partition,
        query.needed("segment"),
        query.needed("position"),
        query.number("from") ?? 0,
      ),
  },
};

/** The route of all questions, answered in their turn. */
export function partitionRoutes(questions: Queue): PageRoutes {
  return {
    "/api/topics/:topic/:partition/:question": {
      GET: ({ params, url, signal }, visitor) =>
        answered(async () => {
          const { context } = visitor;
          const { topic = "", partition = "", question = "" } = params as Record<string, string>;
          const known = Object.hasOwn(QUESTIONS, question) ? QUESTIONS[question] : undefined;
          if (known === undefined) throw invalid(`unknown question '${question}'`);
          const index = /^\d{1,9}$/.test(partition) ? Number(partition) : -1;
          const query = new Query(url);
          const { needs, ask } = known;
          partitionOf(context, needs, { topic, partition: index });
          return await questions.answer(signal, visitor, () =>
            // Look it up again: the topic may have been deleted while the question waited.
            ask(partitionOf(context, needs, { topic, partition: index }), query),
          );
        }),
    },
  };
}
