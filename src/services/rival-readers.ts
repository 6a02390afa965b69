// Notices when two clients read the same partition with the same group and know nothing of each other: each then reads all
// of it, and their commits overwrite one another. The broker sees it by their commits.
// Leaves to others: telling the client (protocol/), and members of a group, which share its partitions.

/** A client that commits. */
export interface CommittingClient {
  /** Whether it has disconnected. */
  readonly isGone: boolean;
}

interface LastCommit {
  client: WeakRef<CommittingClient>;
  atMs: number;
}

/** Partitions of groups whose last commit is remembered. */
const COMMITS_REMEMBERED_MAX = 10_000;

/** Two commits this far apart say nothing: one of the clients may have moved on to something else. */
const RIVAL_MS = 60_000;

export class RivalReaders {
  readonly #last = new Map<string, LastCommit>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Notes a commit. Returns whether another client, still connected, has lately committed for the same partition. */
  committed(client: CommittingClient, group: string, topic: string, partition: number): boolean {
    const key = `${topic}/${partition}/${group}`;
    const atMs = this.#now();
    const last = this.#last.get(key);
    if (last === undefined) {
      if (this.#last.size >= COMMITS_REMEMBERED_MAX) this.#forgetOldest();
      this.#last.set(key, { client: new WeakRef(client), atMs });
      return false;
    }
    const before = last.client.deref();
    const isRival =
      before !== undefined && before !== client && !before.isGone && atMs - last.atMs < RIVAL_MS;
    if (before !== client) last.client = new WeakRef(client);
    last.atMs = atMs;
    return isRival;
  }

  #forgetOldest(): void {
    for (const key of this.#last.keys()) {
      this.#last.delete(key);
      return;
    }
  }
}
