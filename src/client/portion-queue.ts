// Portions of records that were fetched and wait for the reader of a consumer.
// Leaves to others: fetching them (fetcher), and which of them the reader gets next (reader).

import type { RustLogError } from "../errors.js";
import type { FetchedRecords } from "./fetched-records.js";
import type { PartitionFetcher } from "./fetcher.js";

/** The records of one fetch, and the fetcher that they came from. */
export interface Portion {
  readonly fetcher: PartitionFetcher;
  readonly records: FetchedRecords<unknown, unknown>;
}

/** Fetching a partition has failed. */
interface Failure {
  readonly fetcher: PartitionFetcher;
  readonly error: RustLogError;
}

export class PortionQueue {
  /** In the order of arrival, which is fair to all partitions. An error stays in its place. */
  #arrived: (Portion | Failure)[] = [];
  #arrival: PromiseWithResolvers<void> | undefined;

  /** Adds the records of a fetch. */
  push(portion: Portion): void {
    this.#arrived.push(portion);
    this.wake();
  }

  /** Puts a portion before all others. */
  putBack(portion: Portion): void {
    this.#arrived.unshift(portion);
    this.wake();
  }

  /** Adds an error, which is thrown after everything that arrived before. */
  fail(fetcher: PartitionFetcher, error: RustLogError): void {
    this.#arrived.push({ fetcher, error });
    this.wake();
  }

  /** Takes the first portion for which `isWanted`; throws if an error is before it. */
  take(isWanted: (fetcher: PartitionFetcher) => boolean): Portion | undefined {
    for (const [i, arrival] of this.#arrived.entries()) {
      if ("error" in arrival) throw arrival.error;
      if (!isWanted(arrival.fetcher)) continue;
      this.#arrived.splice(i, 1);
      return arrival;
    }
    return undefined;
  }

  /** Drops what arrived from these fetchers; without fetchers, everything. */
  drop(fetchers?: ReadonlySet<PartitionFetcher>): void {
    this.#arrived = this.#arrived.filter(
      ({ fetcher }) => fetchers !== undefined && !fetchers.has(fetcher),
    );
  }

  /** Resolves at the next call of `push`, `putBack`, `fail` or `wake`. */
  arrival(): Promise<void> {
    this.#arrival ??= Promise.withResolvers();
    return this.#arrival.promise;
  }

  /** Lets waiting readers look again. */
  wake(): void {
    this.#arrival?.resolve();
    this.#arrival = undefined;
  }
}
