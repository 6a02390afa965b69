// A place of the log view, as its address says it: `#/log/TOPIC/PARTITION?offset=N&segment=N&near=N&batch=N&lookup=TEXT&filter=TEXT`.
// Pure. Leaves to others: showing it (log-view.ts), and addresses in general (../router.ts).
import { hrefOf, type Route } from "../router.js";

export interface LogPlace {
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  /** A record to show the place of. */
  readonly offset: number | undefined;
  /** The segment whose batches are listed: near a position, or around the batch that is open. */
  readonly segment: number | undefined;
  readonly near: number | undefined;
  readonly batch: number | undefined;
  /** An offset or a time to look up step by step, as a person enters it. */
  readonly lookup: string | undefined;
  /** Part of the names of the topics that are listed. */
  readonly filter: string | undefined;
}

/** The place that a route names. What it does not name, or not as a number, is undefined. */
export function placeOf({ path: [topic, partition], query }: Route): LogPlace {
  const number = (text: string | null | undefined): number | undefined =>
    text != null && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return {
    topic,
    partition: number(partition),
    offset: number(query.get("offset")),
    segment: number(query.get("segment")),
    near: number(query.get("near")),
    batch: number(query.get("batch")),
    lookup: query.get("lookup") ?? undefined,
    filter: query.get("filter") ?? undefined,
  };
}

/** The address of a place. */
export function hrefOfPlace({ topic, partition, ...query }: Partial<LogPlace>): string {
  const path = [topic, partition].filter((part) => part !== undefined);
  return hrefOf("log", topic === undefined ? [] : path, query);
}
