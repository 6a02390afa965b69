// The order in which passwords and signatures are checked. A check keeps a thread of the runtime's pool busy, for a millisecond
// or more with a password, and the flushes of the log need the same threads; so few run at once, and clients of different
// addresses take turns.
// Leaves to others: the checks (scram.ts, oauth.ts).

import { RustLogError } from "../errors.js";

/** Leaves at least half of the threads to others, of which the runtime has one for each core. */
const CHECKS_AT_ONCE = Math.max(1, Math.floor(navigator.hardwareConcurrency / 2));

/** A client that logs in. */
export interface LoginClient {
  /** Its address; empty if it is not known. */
  readonly host: string;
  /** Whether its connection is closed. */
  readonly isGone: boolean;
}

interface Waiting {
  readonly client: LoginClient;
  begin(): void;
  giveUp(): void;
}

export class LoginChecks {
  readonly #atOnce: number;
  #running = 0;
  /** Those that wait, by address; the address whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(atOnce = CHECKS_AT_ONCE) {
    this.#atOnce = atOnce;
  }

  /** Runs `check` when it is the client's turn. Rejects with CONNECTION_LOST if the client has left by then. */
  async run<T>(client: LoginClient, check: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running++;
    else await this.#turn(client);
    try {
      return await check();
    } finally {
      this.#next();
    }
  }

  #turn(client: LoginClient): Promise<void> {
    return new Promise((begin, reject) => {
      const left = (): RustLogError => new RustLogError("CONNECTION_LOST", "the client has left");
      const giveUp = (): void => reject(left());
      const waiting = { client, begin, giveUp };
      const queue = this.#waiting.get(client.host);
      if (queue === undefined) this.#waiting.set(client.host, [waiting]);
      else queue.push(waiting);
    });
  }

  /** Passes the place of a check that is over to the next address. */
  #next(): void {
    for (const [host, queue] of this.#waiting) {
      const next = queue.findIndex(({ client }) => !client.isGone);
      const gone = queue.splice(0, next < 0 ? queue.length : next);
      for (const { giveUp } of gone) giveUp();
      const first = queue.shift();
      this.#waiting.delete(host);
      if (queue.length > 0) this.#waiting.set(host, queue);
      if (first === undefined) continue;
      first.begin();
      return;
    }
    this.#running--;
  }
}
