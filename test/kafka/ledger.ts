// What the members of a group said of one topic, and whether it keeps the promises of a group: every record is read; a
// member begins where the last commit of its partition is, and reads on without gaps; commits never go backwards; and no
// partition has two members at once, except beside one that was cut off and can't know yet.
// Leaves to others: the members (group-member.ts), and what happens to them (members.ts).

/** A record of the log. */
export interface LoggedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** How far a client's own library keeps to the protocol. */
export interface LedgerQuirks {
  /** It may deliver records that it fetched before it gave up their partition. */
  readonly isLateToStop?: true;
}

/** One member of a run, from its start to its end. */
export interface LedgerMember {
  readonly name: string;
  readonly quirks: LedgerQuirks;
}

interface Entry {
  readonly at: number;
  readonly member: LedgerMember;
  readonly kind: string;
  readonly words: readonly string[];
}

/** A member's time with a partition. */
interface Tenure {
  readonly member: LedgerMember;
  readonly from: number;
  to: number;
  /** The next offset; unknown until the first record. */
  next: number | undefined;
}

interface Commit {
  readonly member: LedgerMember;
  readonly offset: number;
  readonly sentAt: number;
  /** Infinite if it was not answered, or refused. */
  ackedAt: number;
}

/** What was counted of a member. */
export interface MemberCounts {
  got: number;
  commits: number;
  refused: number;
  readonly errors: string[];
}

export interface LedgerResult {
  readonly problems: readonly string[];
  /** Records that were read more than once. */
  readonly duplicates: number;
  /** Overlaps that clients with `isLateToStop` had. */
  readonly lateReads: number;
}

/** At most so many problems are described. */
const PROBLEMS_MAX = 20;

export class Ledger {
  readonly #entries: Entry[] = [];
  readonly #counts = new Map<LedgerMember, MemberCounts>();
  readonly #got = new Map<string, string>();

  /** Takes a line that a member said: `TIME KIND WORDS…`. */
  say(member: LedgerMember, line: string): void {
    const [time = "", kind = "", ...words] = line.split("\t");
    this.#add(member, Number(time), kind, words);
  }

  /** From now on the member may be cut off without knowing. */
  disturb(member: LedgerMember, at: number): void {
    this.#add(member, at, "disturbed", []);
  }

  /** The member's process has ended. */
  end(member: LedgerMember, at: number): void {
    this.#add(member, at, "ended", []);
  }

  countsOf(member: LedgerMember): MemberCounts {
    let counts = this.#counts.get(member);
    if (counts === undefined) {
      counts = { got: 0, commits: 0, refused: 0, errors: [] };
      this.#counts.set(member, counts);
    }
    return counts;
  }

  /** How many different records were read. */
  get size(): number {
    return this.#got.size;
  }

  #add(member: LedgerMember, at: number, kind: string, words: readonly string[]): void {
    this.#entries.push({ at, member, kind, words });
    const counts = this.countsOf(member);
    if (kind === "got") {
      counts.got++;
      this.#got.set(`${words[0]}:${words[1]}`, words[2] ?? "");
    }
    if (kind === "committed") counts.commits++;
    if (kind === "refused") counts.refused++;
    if (kind === "error") counts.errors.push(words.join(" "));
  }

  /** Compares what was said with the log. */
  check(log: readonly LoggedRecord[]): LedgerResult {
    const problems: string[] = [];
    for (const { partition, offset, value } of log) {
      const got = this.#got.get(`${partition}:${offset}`);
      if (got === undefined)
        problems.push(`record ${offset} of partition ${partition} was not read`);
      else if (got !== value) {
        problems.push(
          `record ${offset} of partition ${partition} is ${value}, but ${got} was read`,
        );
      }
    }
    const replay = new Replay();
    // Sorting is stable: what one member said stays in order.
    for (const entry of this.#entries.toSorted((a, b) => a.at - b.at)) replay.take(entry);
    problems.push(...replay.finish());
    const more = problems.length - PROBLEMS_MAX;
    return {
      problems: more > 0 ? [...problems.slice(0, PROBLEMS_MAX), `and ${more} more`] : problems,
      duplicates: replay.duplicates,
      lateReads: replay.lateReads,
    };
  }
}

/** Goes through what was said, in the order of time. */
class Replay {
  readonly #problems: string[] = [];
  readonly #tenures = new Map<number, Tenure[]>();
  readonly #commits = new Map<number, Commit[]>();
  readonly #seen = new Set<string>();
  readonly #disturbed = new Set<LedgerMember>();
  duplicates = 0;
  lateReads = 0;

  take({ at, member, kind, words }: Entry): void {
    switch (kind) {
      case "assigned":
        this.#disturbed.delete(member);
        for (const word of words.filter(Boolean)) this.#assign(member, Number(word), at);
        return;
      case "revoked":
      case "lost":
        this.#disturbed.delete(member);
        for (const word of words.filter(Boolean)) this.#release(member, Number(word), at);
        return;
      case "ended":
        for (const partition of this.#tenures.keys()) this.#release(member, partition, at);
        return;
      case "disturbed":
        this.#disturbed.add(member);
        return;
      case "got":
        this.#got(member, Number(words[0]), Number(words[1]), at);
        return;
      case "committing":
        for (const [partition, offset] of pairsOf(words)) {
          listOf(this.#commits, partition).push({ member, offset, sentAt: at, ackedAt: Infinity });
        }
        return;
      case "committed":
        for (const [partition, offset] of pairsOf(words)) {
          const sent = this.#commits
            .get(partition)
            ?.findLast((one) => one.member === member && one.offset === offset);
          if (sent !== undefined) sent.ackedAt = at;
        }
        return;
    }
  }

  finish(): readonly string[] {
    for (const [partition, commits] of this.#commits) {
      for (const late of commits) {
        if (late.ackedAt === Infinity) continue;
        const before = commits.find((one) => one.ackedAt < late.sentAt && one.offset > late.offset);
        if (before === undefined) continue;
        this.#problems.push(
          `partition ${partition}: ${late.member.name} committed ${late.offset} after ${before.member.name} had committed ${before.offset}`,
        );
      }
    }
    return this.#problems;
  }

  #assign(member: LedgerMember, partition: number, from: number): void {
    this.#release(member, partition, from);
    const tenures = listOf(this.#tenures, partition);
    for (const other of tenures) {
      if (other.to <= from || this.#disturbed.has(other.member)) continue;
      this.#overlap(other, `${member.name} was given partition ${partition} at ${from}`);
    }
    tenures.push({ member, from, to: Infinity, next: undefined });
  }

  #overlap(other: Tenure, what: string): void {
    if (other.member.quirks.isLateToStop) this.lateReads++;
    else this.#problems.push(`${what}, while ${other.member.name} has it since ${other.from}`);
  }

  #release(member: LedgerMember, partition: number, at: number): void {
    for (const tenure of this.#tenures.get(partition) ?? []) {
      if (tenure.member === member && tenure.to === Infinity) tenure.to = at;
    }
  }

  #got(member: LedgerMember, partition: number, offset: number, at: number): void {
    const key = `${partition}:${offset}`;
    if (this.#seen.has(key)) this.duplicates++;
    this.#seen.add(key);
    const tenures = this.#tenures.get(partition) ?? [];
    const tenure = tenures.findLast((one) => one.member === member);
    const what = `${member.name} read record ${offset} of partition ${partition} at ${at}`;
    if (tenure === undefined) {
      this.#problems.push(`${what}, which it was never given`);
      return;
    }
    if (tenure.to < at) {
      if (member.quirks.isLateToStop) this.lateReads++;
      else this.#problems.push(`${what}, which it gave up at ${tenure.to}`);
      return;
    }
    if (tenure.next === offset) {
      tenure.next++;
      return;
    }
    if (tenure.next !== undefined && offset > tenure.next) {
      this.#problems.push(`${what}, after record ${tenure.next - 1}`);
    }
    // It begins, or begins again: at a commit, which is the last one unless another was answered meanwhile.
    const since = tenure.next === undefined ? tenure.from : at;
    const commits = this.#commits.get(partition) ?? [];
    const committed = commits
      .filter(({ ackedAt }) => ackedAt < Math.min(since, tenure.from))
      .reduce((max, one) => Math.max(max, one.offset), 0);
    if (offset < committed) {
      this.#problems.push(`${what}, although ${committed} was committed before it began`);
    }
    if (offset !== 0 && !commits.some((one) => one.offset === offset)) {
      this.#problems.push(`${what} first, which nobody has committed`);
    }
    tenure.next = offset + 1;
  }
}

function pairsOf(words: readonly string[]): readonly (readonly [number, number])[] {
  return words.map((word) => {
    const [partition, offset] = word.split("=");
    return [Number(partition), Number(offset)];
  });
}

function listOf<V>(map: Map<number, V[]>, key: number): V[] {
  let list = map.get(key);
  if (list === undefined) {
    list = [];
    map.set(key, list);
  }
  return list;
}
