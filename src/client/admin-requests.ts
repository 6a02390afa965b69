// Sends the requests of an administrator, under its policy for retries, until its signal is aborted.
// Leaves to others: retrying (link), and what is asked (admin-topics, admin-groups, admin-security).

import { abortable } from "./abort.js";
import type { TopicPartition } from "./admin-types.js";
import type { BrokerLink, Call, RetryPolicy } from "./link.js";
import { offsetForTimestamp } from "./time-lookup.js";

export class AdminRequests {
  readonly #link: BrokerLink;
  readonly #policy: RetryPolicy;
  readonly #signal: AbortSignal | undefined;

  constructor(link: BrokerLink, policy: RetryPolicy, signal: AbortSignal | undefined) {
    this.#link = link;
    this.#signal = signal;
    this.#policy = signal === undefined ? policy : { ...policy, signal };
  }

  send<T>(call: Call<T>): Promise<T> {
    return this.#untilAborted(this.#link.request(call, this.#policy));
  }

  /** The offset of the first record at or after a time, in milliseconds since 1970. */
  offsetAt(where: TopicPartition, ms: number): Promise<number> {
    return this.#untilAborted(offsetForTimestamp(this.#link, where, ms, this.#policy));
  }

  #untilAborted<T>(answer: Promise<T>): Promise<T> {
    return this.#signal === undefined ? answer : abortable(answer, this.#signal);
  }
}
