// The users with passwords: what each needs to log in. Kept in memory; the file is written by security.ts.
// Leaves to others: checking a proof (scram.ts, sasl.ts), and what a user may do (authorizer.ts).
import { createHmac, randomBytes } from "node:crypto";
import { ITERATIONS_MIN, type ScramCredential, type ScramMechanism } from "./scram.js";

export type Credentials = Partial<Readonly<Record<ScramMechanism, ScramCredential>>>;

export interface User {
  readonly name: string;
  readonly credentials: Credentials;
}

interface KnownUser extends User {
  /** Changes with each change of the user, so that a connection can tell whether its login still holds. */
  readonly stamp: number;
}

export class Users {
  readonly #users = new Map<string, KnownUser>();
  /** Makes up the same salt for the same unknown name each time, as a name that exists would have. */
  readonly #secret = randomBytes(32);
  #lastStamp = 0;

  get size(): number {
    return this.#users.size;
  }

  /** By name. */
  list(): readonly User[] {
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): User | undefined {
    return this.#users.get(name);
  }

  /** 0 if there is no such user. */
  stampOf(name: string): number {
    return this.#users.get(name)?.stamp ?? 0;
  }

  /** Adds or replaces a user. */
  set({ name, credentials }: User): void {
    this.#users.set(name, { name, credentials, stamp: ++this.#lastStamp });
  }

  delete(name: string): void {
    this.#users.delete(name);
  }

  /** What to challenge a client with that says it is this user: if there is none, what nobody has a password for. */
  credential(name: string, mechanism: ScramMechanism): ScramCredential {
    return this.#users.get(name)?.credentials[mechanism] ?? this.#madeUp(name, mechanism);
  }

  #madeUp(name: string, mechanism: ScramMechanism): ScramCredential {
    const bytes = mechanism === "SCRAM-SHA-256" ? 32 : 64;
    const salt = createHmac("sha256", this.#secret).update(`${mechanism} ${name}`).digest();
    return {
      iterations: ITERATIONS_MIN,
      salt: salt.subarray(0, 20),
      storedKey: randomBytes(bytes),
      serverKey: randomBytes(bytes),
    };
  }
}
