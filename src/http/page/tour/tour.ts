// The guided tour: chooses the partitions that show most, and asks for what the stops tell.
// Leaves to others: what they say (tour-steps.ts), and playing them (log/log-view.ts).
import type { LookupExplanation } from "../../../inspection/lookup-explanation.js";
import type { LogShape } from "../log/log-shape.js";
import type { Model } from "../model.js";
import type { BatchRows } from "../log/log-wire.js";
import type { GroupOffset, SessionState, TopicState } from "../wire.js";
import type { GroupFacts, SegmentSample, TourFacts, TourLog } from "./tour-steps.js";
import { askPartition } from "../log/log-api.js";

/** Partitions that are compared, so that this takes no time with very many. */
const COMPARED_PARTITIONS_MAX = 5_000;

/** A partition with records: best one with a group and several segments. Undefined if all are empty. */
export function choosePlace(model: Model): TourLog | undefined {
  return best(model, ({ topic, partition, shape }) => {
    const { highWatermark, logStart, sealedCount } = shape.state;
    if (highWatermark === logStart) return 0;
    const isRead = model.groups(topic.name, partition).some(({ offset }) => offset >= 0);
    return 1 + Number(sealedCount > 0) + 2 * Number(isRead);
  });
}

/** What the tour tells. The numbers of logs and groups are those of the moment in which it is called. */
export async function readTour(
  model: Model,
  session: SessionState,
  shapeOf: (topic: string, partition: number) => Promise<LogShape>,
): Promise<(() => TourFacts) | undefined> {
  const place = choosePlace(model);
  if (place === undefined) return undefined;
  const { topic, partition } = place;
  const shape = await shapeOf(topic.name, partition);
  const compacted = chooseCompacted(model);
  if (compacted !== undefined) await shapeOf(compacted.topic.name, compacted.partition);
  const [sample, lookup] = session.mayRead
    ? await Promise.all([askSample(place, shape.baseOf(0)), askLookup(place, shape)])
    : [];
  const flush = model.overview?.flush ?? "";
  return () => {
    const group = chooseGroup(model, topic.name);
    return { topic, partition, shape, flush, sample, lookup, group, compacted };
  };
}

/** The topics that the tour points to. */
export function topicsOf({ topic, group, compacted }: TourFacts): readonly string[] {
  return [topic.name, group?.shown.topic, compacted?.topic.name].filter(
    (name) => name !== undefined,
  );
}

/** The partition of a compacted topic of which most is compacted. */
function chooseCompacted(model: Model): TourLog | undefined {
  return best(model, ({ topic, shape }) => {
    const { compactedTo, highWatermark, logStart } = shape.state;
    if (!topic.cleanup.includes("compact") || highWatermark === logStart) return 0;
    return 1 + Math.max(0, (compactedTo ?? 0) - logStart);
  });
}

/** The first partition that is worth most; undefined if none is worth anything. */
function best(model: Model, worthOf: (log: TourLog) => number): TourLog | undefined {
  let found: TourLog | undefined;
  let foundWorth = 0;
  let compared = 0;
  for (const topic of model.topics) {
    if (topic.internal) continue;
    for (let partition = 0; partition < topic.partitions; partition++) {
      if (compared++ >= COMPARED_PARTITIONS_MAX) return found;
      const shape = model.shape(topic.name, partition);
      if (shape === undefined) continue;
      const log = { topic, partition, shape };
      const worth = worthOf(log);
      if (worth <= foundWorth) continue;
      foundWorth = worth;
      found = log;
    }
  }
  return found;
}

/** A group in one of its topics: best one whose members share the partitions, with lag, in the topic of the tour. */
function chooseGroup(model: Model, tourTopic: string): GroupFacts | undefined {
  const own = new Map<string, TopicState>(
    model.topics.filter(({ internal }) => !internal).map((topic) => [topic.name, topic]),
  );
  const all = (model.groupsState?.offsets ?? [])
    .slice(0, COMPARED_PARTITIONS_MAX)
    .filter(({ topic, partition }) => own.has(topic) && model.shape(topic, partition));
  let found: readonly GroupOffset[] = [];
  let foundWorth = 0;
  for (const offsets of Map.groupBy(all, ({ group, topic }) => `${group} ${topic}`).values()) {
    const members = new Set(offsets.map(({ member }) => member).filter((id) => id !== null)).size;
    const worth =
      (offsets.some(({ offset }) => offset >= 0) ? 8 : 0) +
      (members > 1 ? 4 : 0) +
      (offsets.some(isBehind) ? 2 : 0) +
      (offsets[0]?.topic === tourTopic ? 1 : 0);
    if (worth <= foundWorth) continue;
    foundWorth = worth;
    found = offsets.toSorted((a, b) => a.partition - b.partition);
  }
  const shown = found.toSorted(
    (a, b) => Number(b.offset >= 0) - Number(a.offset >= 0) || b.lag - a.lag,
  )[0];
  const shape = shown === undefined ? undefined : model.shape(shown.topic, shown.partition);
  if (shown === undefined || shape === undefined) return undefined;
  return { offsets: found, shown, shape, behind: shown.lag > 0 ? undefined : all.find(isBehind) };
}

function isBehind({ offset, lag }: GroupOffset): boolean {
  return offset >= 0 && lag > 0;
}

/** Batches of the oldest segment; undefined if it is gone. */
async function askSample(
  { topic, partition }: TourLog,
  segment: number,
): Promise<SegmentSample | undefined> {
  const query = { segment, at: 0 };
  const rows = await askPartition<BatchRows>(topic.name, partition, "batches", query).catch(
    () => undefined,
  );
  if (rows === undefined) return undefined;
  return { base: segment, file: rows.file, batches: rows.batches.slice(0, 2) };
}

/** How the broker finds a record in the middle of a log. */
async function askLookup(
  { topic, partition }: TourLog,
  { state }: LogShape,
): Promise<LookupExplanation | undefined> {
  const offset = Math.floor((state.logStart + state.highWatermark) / 2);
  return await askPartition<LookupExplanation>(topic.name, partition, "lookup", { offset }).catch(
    () => undefined,
  );
}
