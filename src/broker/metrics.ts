// The broker's counters: plain numbers in fixed places. Counting costs a few additions per request or flush, nothing
// per record, and allocates nothing. Leaves to others: requests (net/request-metrics.ts), state that can be read from
// topics and connections, and formatting everything for monitoring (http/metrics-text.ts).
import type { ErrorName } from "../errors.js";
import type { GroupObserver, GroupType } from "../groups/group.js";
import type { CompactionOutcome } from "../log/compaction/log-compaction.js";
import type { CompactionObserver } from "../topics/log-cleaner.js";
import type { ThrottleObserver } from "../security/quota.js";
import { Histogram } from "../net/histogram.js";
import {
  RequestMetrics,
  type RequestMetricsRegistry,
  type RequestTable,
} from "../net/request-metrics.js";

class GroupCounters {
  readonly rebalanceDuration = new Histogram();
  expiredMembers = 0;
}

class CompactionCounters {
  readonly duration = new Histogram();
  failures = 0;
  readBytes = 0;
  writtenBytes = 0;
  removedBytes = 0;
  removedRecords = 0;
}

/** Waits of the clients of a user because of quotas. */
export interface ThrottleCounters {
  requests: number;
  ms: number;
}

/** Users counted on their own. The others, of whom nobody can tell how many there are, are counted together. */
const THROTTLED_USERS_MAX = 1_000;

/** The counters of one broker since its start. */
export class BrokerMetrics
  implements RequestMetricsRegistry, GroupObserver, CompactionObserver, ThrottleObserver
{
  readonly #throttles = new Map<string, ThrottleCounters>();
  readonly #protocols: RequestMetrics[] = [];
  readonly #connectionErrors = new Map<ErrorName, number>();
  receivedBytes = 0;
  sentBytes = 0;
  connectionsAccepted = 0;
  connectionsRefused = 0;
  readonly flushDuration = new Histogram();
  readonly compaction = new CompactionCounters();
  /** By the type of the group. */
  readonly groups: Readonly<Record<GroupType, GroupCounters>> = {
    classic: new GroupCounters(),
    consumer: new GroupCounters(),
  };

  /** Requests by protocol; one that no client has used yet may be missing. */
  get protocols(): readonly RequestMetrics[] {
    return this.#protocols;
  }

  get requestsAnswered(): number {
    let answered = 0;
    for (const { answeredCount } of this.#protocols) answered += answeredCount;
    return answered;
  }

  register(table: RequestTable): RequestMetrics {
    const requests = new RequestMetrics(table);
    this.#protocols.push(requests);
    return requests;
  }

  /** By user; those that are counted together are the empty one. */
  get throttles(): ReadonlyMap<string, Readonly<ThrottleCounters>> {
    return this.#throttles;
  }

  throttled(user: string, ms: number): void {
    const isCounted = this.#throttles.has(user) || this.#throttles.size < THROTTLED_USERS_MAX;
    const counted = isCounted ? user : "";
    const counters = this.#throttles.get(counted);
    if (counters === undefined) this.#throttles.set(counted, { requests: 1, ms });
    else {
      counters.requests++;
      counters.ms += ms;
    }
  }

  rebalanced(type: GroupType, ms: number): void {
    this.groups[type].rebalanceDuration.observe(ms);
  }

  expired(type: GroupType): void {
    this.groups[type].expiredMembers++;
  }

  compacted({ stats, bytesBefore, bytesAfter }: CompactionOutcome, ms: number): void {
    this.compaction.duration.observe(ms);
    this.compaction.readBytes += stats.bytesRead;
    this.compaction.writtenBytes += stats.bytesWritten;
    this.compaction.removedBytes += Math.max(0, bytesBefore - bytesAfter);
    this.compaction.removedRecords += stats.recordsRead - stats.recordsKept;
  }

  compactionFailed(): void {
    this.compaction.failures++;
  }

  /** Counts an error that ends a connection and answers none of its requests. */
  connectionFailed(error: ErrorName): void {
    this.#connectionErrors.set(error, (this.#connectionErrors.get(error) ?? 0) + 1);
  }

  connectionErrors(): { readonly error: ErrorName; readonly count: number }[] {
    return [...this.#connectionErrors].map(([error, count]) => ({ error, count }));
  }
}
