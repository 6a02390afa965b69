// Portions of records that were fetched and wait for the reader of a consumer, and the one that it is reading.
// Leaves to others: fetching them (fetcher), and which of them the reader gets next (consumer, balanced-consumer).

import { RustLogError } from "../errors.js";
import type { FetchedRecords } from "./fetched-records.js";
import type { PartitionFetcher } from "./fetcher.js";

/** The records of one fetch, and the fetcher that they came from. */
export interface Portion {
  readonly fetcher: PartitionFetcher;
  readonly records: FetchedRecords;
}

export class PortionQueue {
  /** The portion that the reader has. */
  current: Portion | undefined;
  /** In the order of arrival, which is fair to all partitions. An error stays in its place. */
  #arrived: (Portion | RustLogError)[] = [];
  #arrival: PromiseWithResolvers<void> | undefined;

  /** Adds the records of a fetch. */
  push(fetcher: PartitionFetcher, records: FetchedRecords): void {
    this.#arrived.push({ fetcher, records });
    this.wake();
  }

  /** Adds an error, which is thrown after everything that arrived before. */
  fail(error: RustLogError): void {
    this.#arrived.push(error);
    this.wake();
  }

  /** Takes the first portion for which `isWanted`; throws if an error is before it. */
  take(isWanted: (fetcher: PartitionFetcher) => boolean = () => true): Portion | undefined {
    for (const [i, arrival] of this.#arrived.entries()) {
      if (arrival instanceof RustLogError) throw arrival;
      if (!isWanted(arrival.fetcher)) continue;
      this.#arrived.splice(i, 1);
      return arrival;
    }
    return undefined;
  }

  /** Drops the portions of these fetchers; without fetchers, everything. */
  drop(fetchers?: ReadonlySet<PartitionFetcher>): void {
    this.#arrived = this.#arrived.filter(
      (arrival) =>
        fetchers !== undefined &&
        (arrival instanceof RustLogError || !fetchers.has(arrival.fetcher)),
    );
  }

  /** Resolves at the next call of `push`, `fail` or `wake`. */
  arrival(): Promise<void> {
    this.#arrival ??= Promise.withResolvers();
    return this.#arrival.promise;
  }

  /** Lets a waiting reader look again. */
  wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }
}
