// The users with passwords: what each needs to log in. Kept in memory; the file is written by security.ts.
// Leaves to others: checking a proof (scram.ts, sasl.ts), and what a user may do (authorizer.ts).
import { createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { type CredentialShape, CredentialShapes } from "./credential-shapes.js";
import { SCRAM_MECHANISMS, type ScramCredential, type ScramMechanism } from "./scram.js";

export type Credentials = Partial<Readonly<Record<ScramMechanism, ScramCredential>>>;

export interface User {
  readonly name: string;
  readonly credentials: Credentials;
}

/** What a password is checked against. */
interface PlainCredential {
  readonly mechanism: ScramMechanism;
  readonly credential: ScramCredential;
}

interface KnownUser extends User {
  /** Changes with each change of the user, so that a connection can tell whether its login still holds. */
  readonly stamp: number;
}

export class Users {
  readonly #users = new Map<string, KnownUser>();
  /** Makes up the same credential for the same unknown name each time, as a name that exists would have. */
  readonly #secret = randomBytes(32);
  #lastStamp = 0;
  readonly #shapes: Readonly<Record<ScramMechanism, CredentialShapes>> = {
    "SCRAM-SHA-256": new CredentialShapes(),
    "SCRAM-SHA-512": new CredentialShapes(),
  };
  /** Of the credentials that passwords are checked against. */
  readonly #plainShapes = new CredentialShapes();

  get size(): number {
    return this.#users.size;
  }

  /** In no particular order. */
  get all(): Iterable<User> {
    return this.#users.values();
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
    this.delete(name);
    this.#users.set(name, { name, credentials, stamp: ++this.#lastStamp });
    this.#eachShape(credentials, (shapes, shape) => shapes.add(shape));
  }

  delete(name: string): void {
    const user = this.#users.get(name);
    if (user === undefined) return;
    this.#users.delete(name);
    this.#eachShape(user.credentials, (shapes, shape) => shapes.remove(shape));
  }

  /**
   * What to challenge a client with that says it is this user. If there is none, it is something that nobody has a password
   * for, which looks the same and takes the same time.
   */
  credential(name: string, mechanism: ScramMechanism): ScramCredential {
    const { credential } = this.#madeUp(name, this.#shapes[mechanism], mechanism);
    return this.#users.get(name)?.credentials[mechanism] ?? credential;
  }

  /** The same for a password. */
  plainCredential(name: string): PlainCredential {
    const madeUp = this.#madeUp(name, this.#plainShapes, SCRAM_MECHANISMS[0]!);
    return plainCredentialOf(this.#users.get(name)?.credentials ?? {}) ?? madeUp;
  }

  #madeUp(name: string, shapes: CredentialShapes, likely: ScramMechanism): PlainCredential {
    const digest = createHmac("sha512", this.#secret).update(`${likely} ${name}`).digest();
    const shape = shapes.choose(digest.readInt32BE(), likely);
    const { mechanism, iterations, saltBytes } = shape;
    const keyBytes = mechanism === "SCRAM-SHA-256" ? 32 : 64;
    const credential = {
      iterations,
      salt: pbkdf2Sync(digest, this.#secret, 1, saltBytes, "sha256"),
      storedKey: randomBytes(keyBytes),
      serverKey: randomBytes(keyBytes),
    };
    return { mechanism, credential };
  }

  #eachShape(
    credentials: Credentials,
    each: (shapes: CredentialShapes, shape: CredentialShape) => void,
  ): void {
    for (const mechanism of SCRAM_MECHANISMS) {
      const credential = credentials[mechanism];
      if (credential !== undefined) each(this.#shapes[mechanism], shapeOf(mechanism, credential));
    }
    const plain = plainCredentialOf(credentials);
    if (plain !== undefined) each(this.#plainShapes, shapeOf(plain.mechanism, plain.credential));
  }
}

function plainCredentialOf(credentials: Credentials): PlainCredential | undefined {
  for (const mechanism of SCRAM_MECHANISMS) {
    const credential = credentials[mechanism];
    if (credential !== undefined) return { mechanism, credential };
  }
  return undefined;
}

function shapeOf(
  mechanism: ScramMechanism,
  { iterations, salt }: ScramCredential,
): CredentialShape {
  return { mechanism, iterations, saltBytes: salt.length };
}
