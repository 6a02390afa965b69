// What a consumer commits: the positions of the partitions that it reads, or the offsets that the application names.
// Leaves to others: the positions (fetcher), and sending them (consumer, balanced-consumer).

import type { PartitionOffset } from "./admin-types.js";
import type { PartitionFetcher } from "./fetcher.js";
import type { PartitionReader, Reading } from "./reader.js";

/** An offset to commit, and the fetcher of its partition. */
export interface Commit {
  readonly fetcher: PartitionFetcher;
  readonly offset: number;
}

/**
 * The offsets that the application names; without them, the positions. Partitions that are not read are left out, and in a
 * loop so are records whose handlers still run.
 */
export function commitsOf<K, V>(
  reader: PartitionReader<K, V>,
  offsets: readonly PartitionOffset[] | undefined,
): readonly Commit[] {
  const { hasLoop, readings } = reader;
  const named = offsets?.flatMap(({ offset, ...place }) => {
    const reading = reader.reading(place);
    return reading === undefined ? [] : [{ fetcher: reading.fetcher, offset }];
  });
  const positions = () =>
    readings.map(({ fetcher }) => ({
      fetcher,
      offset: hasLoop ? fetcher.processedPosition : fetcher.position,
    }));
  return named ?? positions();
}

/** The positions up to which records were processed since the last commit. */
export function processedCommits(readings: readonly Reading[]): readonly Commit[] {
  return readings
    .map(({ fetcher }) => ({ fetcher, offset: fetcher.processedPosition }))
    .filter(({ fetcher, offset }) => offset > fetcher.committedPosition);
}

/** Those that are not committed already. */
export function newCommits(commits: readonly Commit[]): readonly Commit[] {
  return commits.filter(({ fetcher, offset }) => offset !== fetcher.committedPosition);
}

/** Commits as requests name them. */
export function offsetsOf(commits: readonly Commit[]): readonly PartitionOffset[] {
  return commits.map(({ fetcher: { topic, partition, source }, offset }) => {
    return { topic, topicId: source.topicId, partition, offset };
  });
}
