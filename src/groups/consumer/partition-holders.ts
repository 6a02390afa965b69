// Who may read each partition of a consumer group's topics now: nobody else gets it before it is released.
// Leaves to others: who should read it (target-assignment.ts), and the way there (current-assignment.ts).
import type { Assignment } from "./assignment.js";

interface Topic<Member> {
  readonly holders: (Member | undefined)[];
  /** The epoch in which the holder got the partition. */
  readonly since: number[];
  held: number;
}

export class PartitionHolders<Member extends object> {
  readonly #topics = new Map<string, Topic<Member>>();

  of(topicId: string, partition: number): Member | undefined {
    return this.#topics.get(topicId)?.holders[partition];
  }

  /** The epoch in which the holder of a partition got it; undefined without a holder. */
  since(topicId: string, partition: number): number | undefined {
    const topic = this.#topics.get(topicId);
    return topic?.holders[partition] === undefined ? undefined : topic.since[partition];
  }

  take(member: Member, assignment: Assignment, epoch: number): void {
    for (const [topicId, partitions] of assignment) {
      const topic = this.#topics.get(topicId) ?? { holders: [], since: [], held: 0 };
      this.#topics.set(topicId, topic);
      for (const partition of partitions) {
        if (topic.holders[partition] === member) continue;
        if (topic.holders[partition] === undefined) topic.held++;
        topic.holders[partition] = member;
        topic.since[partition] = epoch;
      }
    }
  }

  /** Releases what the member holds of an assignment, and calls `onFree` for each partition. */
  release(
    member: Member,
    assignment: Assignment,
    onFree: (topicId: string, partition: number) => void,
  ): void {
    for (const [topicId, partitions] of assignment) {
      const topic = this.#topics.get(topicId);
      if (topic === undefined) continue;
      for (const partition of partitions) {
        if (topic.holders[partition] !== member) continue;
        topic.holders[partition] = undefined;
        topic.held--;
        onFree(topicId, partition);
      }
      if (topic.held === 0) this.#topics.delete(topicId);
    }
  }
}
