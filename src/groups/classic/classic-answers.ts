// The answers of a classic group: which members wait for one to their JoinGroup or SyncGroup, and when it is given.
// Leaves to others: what is answered (classic-group.ts, classic-rebalance.ts), and the wire.
//
// Answers are given at the end of a change of the group, because their receiver may call again at once.
import type { RustLogError } from "../../errors.js";
import type { Abandon, Answer } from "../group.js";
import { type ClassicMember, type ClassicMembers, renewSession } from "./classic-members.js";
import {
  type JoinAnswer,
  type JoinFailure,
  type JoinResult,
  rebalanceInProgress,
  type SyncResult,
} from "./classic-requests.js";

export class ClassicAnswers {
  readonly #group: string;
  readonly #members: ClassicMembers;
  #ready: (() => void)[] = [];

  constructor(group: string, members: ClassicMembers) {
    this.#group = group;
    this.#members = members;
  }

  /** Gives an answer, at the end of the change. */
  say<T>(answer: (outcome: T) => void, outcome: T): void {
    this.#ready.push(() => answer(outcome));
  }

  /** The change is over. */
  flush(): void {
    if (this.#ready.length === 0) return;
    const answers = this.#ready;
    this.#ready = [];
    for (const answer of answers) answer();
  }

  /** Lets a member wait for the next generation. Its earlier JoinGroup, if it has one, ends. */
  waitForJoin(member: ClassicMember, answer: JoinAnswer): Abandon {
    if (member.join !== undefined) {
      this.say(member.join, { error: rebalanceInProgress(this.#group), memberId: member.id });
    }
    member.join = answer;
    this.#members.setJoined(member, true);
    return () => {
      if (member.join !== answer) return;
      member.join = undefined;
      renewSession(member);
    };
  }

  /** Lets a member wait for its assignment. Its earlier SyncGroup, if it has one, ends. */
  waitForSync(member: ClassicMember, answer: Answer<SyncResult>): Abandon {
    if (member.sync !== undefined) this.say(member.sync, rebalanceInProgress(this.#group));
    member.sync = answer;
    return () => {
      if (member.sync !== answer) return;
      member.sync = undefined;
      renewSession(member);
    };
  }

  /** Answers the JoinGroup of a member, if it waits. */
  endJoin(member: ClassicMember, outcome: JoinResult | JoinFailure): void {
    const answer = member.join;
    if (answer === undefined) return;
    member.join = undefined;
    this.say(answer, outcome);
  }

  /** Answers the SyncGroup of a member, if it waits; then its session begins. */
  endSync(member: ClassicMember, outcome: SyncResult | RustLogError): void {
    const answer = member.sync;
    if (answer === undefined) return;
    member.sync = undefined;
    renewSession(member);
    this.say(answer, outcome);
  }

  /** Ends whatever a member waits for. */
  endWaits(member: ClassicMember, error: RustLogError): void {
    this.endJoin(member, { error, memberId: member.id });
    this.endSync(member, error);
  }
}
