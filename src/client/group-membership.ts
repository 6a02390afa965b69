// A member of a group whose partitions the broker shares out: joins, sends heartbeats in the background, follows the
// assignment, commits as a member, and leaves.
// Leaves to others: reading the partitions, and what is done before one is given up (balanced-consumer), connections and
// retries (link).
//
// What the broker assigns is taken over in steps, one after another, while heartbeats go on: partitions to give up stay in
// `owned` until the consumer has stopped reading them, and only then does the broker give them to another member.

import { RustLogError } from "../errors.js";
import {
  EPOCH_TO_JOIN,
  EPOCH_TO_LEAVE,
  EPOCH_TO_RETURN,
  GroupHeartbeat,
  type GroupHeartbeatResponse,
} from "../protocol/native/membership.js";
import { OffsetCommit } from "../protocol/native/offsets.js";
import type { PartitionOffset } from "./admin-types.js";
import { backoffMs, pause } from "./backoff.js";
import { asRustLogError } from "./failure.js";
import { type BrokerLink, callOf, type RetryPolicy } from "./link.js";

/** How long leaving is tried, in milliseconds. After that, the broker notices the silence. */
const LEAVE_RETRY_MS = 1_000;

/** Time after the end of its session in which the broker should have removed a silent member, in milliseconds. */
const RELEASE_MARGIN_MS = 2_000;

/** A partition that a member may read. */
export interface AssignedPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

export interface MembershipOptions {
  readonly link: BrokerLink;
  readonly retryMs: number;
  readonly group: string;
  readonly clientId: string;
  /** Name of a static member; empty for none. */
  readonly instanceId: string;
  readonly topics: readonly string[];
  /** Regular expression for the whole names of further topics; empty for none. */
  readonly pattern: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** Reads the partitions. Its steps never overlap; `lost` is aborted when the session ends. */
export interface PartitionReader {
  /** Starts to read. */
  assign(partitions: readonly AssignedPartition[], lost: AbortSignal): Promise<void>;
  /** Stops to read. Once it resolves, others may read the partitions. */
  revoke(partitions: readonly AssignedPartition[], lost: AbortSignal): Promise<void>;
  /** Stops to read everything, immediately: others may be reading it. Returns the rest of this step. */
  lose(): () => Promise<void>;
  /** The membership has ended with an error. */
  fail(error: RustLogError): void;
}

/** What the broker knows a member by, from joining until the broker has removed it. */
class Session {
  epoch = EPOCH_TO_JOIN;
  /** What the broker may not give to others. */
  readonly owned = new Map<string, AssignedPartition>();
  /** Those of them that the reader is giving up. */
  readonly revoking = new Set<string>();
  readonly lost = new AbortController();
}

export class GroupMembership {
  readonly memberId: string = crypto.randomUUID();
  readonly #options: MembershipOptions;
  readonly #reader: PartitionReader;
  readonly #leaving = new AbortController();
  #session = new Session();
  #intervalMs = 0;
  #joined: Promise<void> | undefined;
  /** The steps of the reader, one after another. */
  #steps: Promise<void> = Promise.resolve();
  /** Resolves when a heartbeat is answered. */
  #heard = Promise.withResolvers<void>();
  /** Ends the wait for the next heartbeat. */
  #wake: () => void = () => {};

  constructor(options: MembershipOptions, reader: PartitionReader) {
    this.#options = options;
    this.#reader = reader;
  }

  /**
   * Joins, and then follows the assignment in the background. Throws what the first heartbeat throws. If the instance id is
   * in use, perhaps by a process that has just been killed, waits until the session of that one must be over.
   */
  join(): Promise<void> {
    this.#joined = this.#join();
    void this.#joined.then(
      () => this.#run(),
      () => {},
    );
    return this.#joined;
  }

  /** Resolves once the reader has done all steps so far. */
  settled(): Promise<void> {
    return this.#steps;
  }

  /**
   * Commits what `offsets` returns, all or none, as this member. Commits nothing if the member has lost its session: the
   * partitions may have other readers. Throws what OffsetCommit throws.
   */
  async commit(offsets: () => readonly PartitionOffset[], policy: RetryPolicy): Promise<boolean> {
    const { link, group } = this.#options;
    const session = this.#session;
    for (;;) {
      const { epoch } = session;
      const heard = this.#heard.promise;
      const items = offsets();
      if (session.lost.signal.aborted || items.length === 0) return false;
      const request = { group, offsets: items, memberId: this.memberId, memberEpoch: epoch };
      try {
        await link.request(callOf(OffsetCommit, request), policy);
        return true;
      } catch (error) {
        if (isSessionLost(error)) this.#lose(session);
        else if (!isStale(error) || this.#leaving.signal.aborted) throw error;
        // The response with the new epoch is on its way.
        else if (session.epoch === epoch) await heard;
      }
    }
  }

  /**
   * Leaves the group, which gives the partitions to others at once; those of a static member wait for it until its session
   * is over. Does not throw.
   */
  async leave(): Promise<void> {
    if (this.#leaving.signal.aborted) return;
    this.#leaving.abort();
    this.#heard.resolve();
    this.#wake();
    if (this.#joined === undefined) return;
    // A request to join that arrives after this one would join again.
    if (this.#session.epoch === EPOCH_TO_JOIN) {
      await Promise.race([this.#joined.catch(() => {}), pause(LEAVE_RETRY_MS)]);
    }
    const { link, retryMs, instanceId } = this.#options;
    const policy = { retryMs: Math.min(retryMs, LEAVE_RETRY_MS) };
    const epoch = instanceId === "" ? EPOCH_TO_LEAVE : EPOCH_TO_RETURN;
    try {
      await link.request(callOf(GroupHeartbeat, this.#request(epoch, [], 0)), policy);
    } catch (error) {
      // The session ends by itself.
      if (!(error instanceof RustLogError)) throw error;
    }
  }

  async #join(): Promise<void> {
    const { link, sessionTimeoutMs } = this.#options;
    const until = performance.now() + sessionTimeoutMs + RELEASE_MARGIN_MS;
    for (let failures = 1; ; failures++) {
      try {
        await this.#beat();
        return;
      } catch (error) {
        const isInUse = error instanceof RustLogError && error.code === "UNRELEASED_INSTANCE_ID";
        const wait = backoffMs(failures, link.options.retryBackoffMs);
        if (!isInUse || performance.now() + wait >= until) throw error;
        await pause(wait, this.#leaving.signal);
        if (this.#leaving.signal.aborted) throw error;
      }
    }
  }

  async #run(): Promise<void> {
    try {
      while (!this.#leaving.signal.aborted) await this.#beat();
    } catch (error) {
      if (!this.#leaving.signal.aborted) this.#reader.fail(asRustLogError(error));
    }
  }

  /** One heartbeat, and the time until the next one is due. */
  async #beat(): Promise<void> {
    const { link, retryMs } = this.#options;
    const session = this.#session;
    // The broker answers at once while it waits for partitions of this member.
    const waitMs = session.revoking.size > 0 ? 0 : this.#intervalMs;
    const request = this.#request(session.epoch, [...session.owned.values()], waitMs);
    const began = performance.now();
    let response: GroupHeartbeatResponse;
    try {
      const policy = { retryMs, signal: this.#leaving.signal };
      response = await link.request({ ...callOf(GroupHeartbeat, request), waitMs }, policy);
    } catch (error) {
      if (session.epoch === EPOCH_TO_JOIN || !isSessionLost(error)) throw error;
      this.#lose(session);
      return;
    }
    if (this.#leaving.signal.aborted || session !== this.#session) return;
    this.#intervalMs = response.heartbeatIntervalMs;
    const isNews = this.#take(session, response);
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
    const leftMs = this.#intervalMs - (performance.now() - began);
    const mayWait = session.revoking.size > 0 || (!isNews && leftMs > this.#intervalMs / 2);
    if (!mayWait) return;
    const wake = new AbortController();
    this.#wake = () => wake.abort();
    await pause(leftMs, wake.signal);
  }

  #request(memberEpoch: number, owned: readonly AssignedPartition[], maxWaitMs: number) {
    const { group, clientId, instanceId, topics, pattern } = this.#options;
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const byTopic = Map.groupBy(owned, ({ topicId }) => topicId);
    return {
      ...{ group, memberId: this.memberId, memberEpoch, instanceId, clientId },
      ...{ sessionTimeoutMs, rebalanceTimeoutMs, pattern, maxWaitMs },
      topics: topics.map((topic) => ({ topic })),
      owned: [...byTopic].map(([topicId, rows]) => ({
        topicId,
        partitions: rows.map(({ partition }) => ({ partition })),
      })),
    };
  }

  /** Starts the steps to a new assignment; returns whether there is anything new. */
  #take(session: Session, { memberEpoch, assignment }: GroupHeartbeatResponse): boolean {
    const { owned, revoking, lost } = session;
    const assigned = new Map<string, AssignedPartition>();
    for (const { topic, topicId, partitions } of assignment) {
      if (topicId === undefined) continue;
      for (const { partition } of partitions) {
        assigned.set(`${topicId} ${partition}`, { topic, topicId, partition });
      }
    }
    const revoked = [...owned].filter(([key]) => !assigned.has(key) && !revoking.has(key));
    const added = [...assigned].filter(([key]) => !owned.has(key));
    const isNews = session.epoch !== memberEpoch || revoked.length > 0 || added.length > 0;
    session.epoch = memberEpoch;
    if (revoked.length > 0) {
      for (const [key] of revoked) revoking.add(key);
      this.#step(async () => {
        if (lost.signal.aborted) return;
        await this.#reader.revoke(partitionsOf(revoked), lost.signal);
        for (const [key] of revoked) {
          owned.delete(key);
          revoking.delete(key);
        }
        this.#wake();
      });
    }
    if (added.length > 0) {
      for (const [key, partition] of added) owned.set(key, partition);
      this.#step(async () => {
        if (!lost.signal.aborted) await this.#reader.assign(partitionsOf(added), lost.signal);
      });
    }
    return isNews;
  }

  /** The broker has removed the member, which joins again with the next heartbeat. */
  #lose(session: Session): void {
    if (session !== this.#session || this.#leaving.signal.aborted) return;
    this.#session = new Session();
    this.#intervalMs = 0;
    session.lost.abort();
    this.#step(this.#reader.lose());
    this.#wake();
  }

  #step(step: () => Promise<void>): void {
    this.#steps = this.#steps.then(step).catch((error: unknown) => {
      if (!this.#leaving.signal.aborted) this.#reader.fail(asRustLogError(error));
    });
  }
}

function partitionsOf(
  entries: readonly (readonly [string, AssignedPartition])[],
): readonly AssignedPartition[] {
  return entries.map(([, partition]) => partition);
}

/** Whether the broker does not know the member (any more), for example after a long silence. */
function isSessionLost(error: unknown): boolean {
  const codes: readonly string[] = ["UNKNOWN_MEMBER_ID", "FENCED_MEMBER_EPOCH", "GROUP_NOT_FOUND"];
  return error instanceof RustLogError && codes.includes(error.code);
}

function isStale(error: unknown): boolean {
  return error instanceof RustLogError && error.code === "STALE_MEMBER_EPOCH";
}
