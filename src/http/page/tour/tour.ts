// The guided tour: chooses the partition that shows most, and asks for what the stops tell.
// Leaves to others: what they say (tour-steps.ts), and playing them (log/log-view.ts).
import { ask } from "../api.js";
import type { Model } from "../model.js";
import type { BatchRows, GroupOffset, SessionState, TopicState } from "../wire.js";
import type { SegmentSample } from "./tour-steps.js";

export interface TourPlace {
  readonly topic: TopicState;
  readonly partition: number;
  readonly group: GroupOffset | undefined;
}

/** Partitions that are compared, so that this takes no time with very many. */
const COMPARED_PARTITIONS_MAX = 5_000;

/** A partition with records: best one with a group and several segments. Undefined if there is none. */
export function choosePlace(model: Model): TourPlace | undefined {
  let best: TourPlace | undefined;
  let bestWorth = 0;
  let compared = 0;
  for (const topic of model.topics) {
    if (topic.internal) continue;
    for (let partition = 0; partition < topic.partitions; partition++) {
      if (compared++ >= COMPARED_PARTITIONS_MAX) return best;
      const state = model.shape(topic.name, partition)?.state;
      if (state === undefined || state.highWatermark === state.logStart) continue;
      const group = model
        .groups(topic.name, partition)
        .toSorted((a, b) => Number(b.offset >= 0) - Number(a.offset >= 0) || b.lag - a.lag)[0];
      const worth = 1 + Number(state.sealedCount > 0) + 2 * Number((group?.offset ?? -1) >= 0);
      if (worth <= bestWorth) continue;
      bestWorth = worth;
      best = { topic, partition, group };
    }
  }
  return best;
}

/** A batch of the oldest segment; undefined if this visitor may not see it, or if it is gone. */
export async function askSample(
  { topic, partition }: TourPlace,
  segment: number,
  { mayRead }: SessionState,
): Promise<SegmentSample | undefined> {
  if (!mayRead) return undefined;
  const query = { segment, at: 0 };
  const rows = await ask<BatchRows>(topic.name, partition, "batches", query).catch(() => undefined);
  const batch = rows?.batches[0];
  if (rows === undefined || batch === undefined) return undefined;
  return { base: segment, file: rows.file, indexEntries: rows.indexEntries, batch };
}
