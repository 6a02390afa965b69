// What a consumer group must remember, and has not stored yet.
// Leaves to others: the records (consumer-group-record.ts), and storing them (consumer-groups.ts).

/** What is to be stored about a member. */
export const NOTED = { METADATA: 1, TARGET: 2, CURRENT: 4, ALL: 7 } as const;

/** What is to be stored. */
export interface Notes {
  readonly groupEpoch: boolean;
  readonly assignmentEpoch: boolean;
  /** By member id. The records of a member that is gone are deleted. */
  readonly members: ReadonlyMap<string, number>;
  readonly patterns: ReadonlySet<string>;
}

export class GroupNotes {
  #groupEpoch = false;
  #assignmentEpoch = false;
  #members = new Map<string, number>();
  #patterns = new Set<string>();
  #isClosed = false;

  get isEmpty(): boolean {
    if (this.#groupEpoch || this.#assignmentEpoch) return false;
    return this.#members.size === 0 && this.#patterns.size === 0;
  }

  groupEpoch(): void {
    this.#groupEpoch = true;
  }

  assignmentEpoch(): void {
    this.#assignmentEpoch = true;
  }

  member(id: string, what: number): void {
    this.#members.set(id, (this.#members.get(id) ?? 0) | what);
  }

  pattern(pattern: string): void {
    this.#patterns.add(pattern);
  }

  /** Everything that is noted, which is no longer noted then. */
  take(): Notes {
    const notes = {
      groupEpoch: this.#groupEpoch,
      assignmentEpoch: this.#assignmentEpoch,
      members: this.#members,
      patterns: this.#patterns,
    };
    this.#groupEpoch = false;
    this.#assignmentEpoch = false;
    this.#members = new Map();
    this.#patterns = new Set();
    return notes;
  }

  /** Notes that could not be stored: they are to be stored next time. */
  giveBack(notes: Notes): void {
    if (this.#isClosed) return;
    this.#groupEpoch ||= notes.groupEpoch;
    this.#assignmentEpoch ||= notes.assignmentEpoch;
    for (const [id, what] of notes.members) this.member(id, what);
    for (const pattern of notes.patterns) this.#patterns.add(pattern);
  }

  /** Nothing is to be stored any more. */
  close(): void {
    this.#isClosed = true;
    this.take();
  }
}
