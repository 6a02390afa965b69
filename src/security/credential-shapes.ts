// What tells a client something about a credential before it has logged in: the number of iterations and the length of the
// salt, and with PLAIN how long a check takes. A name that nobody has gets the shape of some user, always the same one and
// as often as users have it, so that shapes do not tell which users there are.
// Leaves to others: the credentials (users.ts).
import { ITERATIONS_MIN, SALT_BYTES, type ScramMechanism } from "./scram.js";

export interface CredentialShape {
  readonly mechanism: ScramMechanism;
  readonly iterations: number;
  readonly saltBytes: number;
}

export class CredentialShapes {
  readonly #users = new Map<string, { readonly shape: CredentialShape; count: number }>();

  add(shape: CredentialShape): void {
    const known = this.#users.get(keyOf(shape));
    if (known === undefined) this.#users.set(keyOf(shape), { shape, count: 1 });
    else known.count++;
  }

  remove(shape: CredentialShape): void {
    const known = this.#users.get(keyOf(shape));
    if (known !== undefined && --known.count === 0) this.#users.delete(keyOf(shape));
  }

  /**
   * The shape for a name with this random number. A change of one user changes the choice for few names (rendezvous
   * hashing); otherwise a client could tell made-up answers by their changes.
   */
  choose(random: number, mechanism: ScramMechanism): CredentialShape {
    let chosen: CredentialShape = { mechanism, iterations: ITERATIONS_MIN, saltBytes: SALT_BYTES };
    let best = Number.POSITIVE_INFINITY;
    for (const [key, { shape, count }] of this.#users) {
      const score = -Math.log(fraction(random, key)) / count;
      if (score >= best) continue;
      best = score;
      chosen = shape;
    }
    return chosen;
  }
}

function keyOf({ mechanism, iterations, saltBytes }: CredentialShape): string {
  return `${mechanism} ${iterations} ${saltBytes}`;
}

/** A number above 0 and below 1 that looks random for each key. */
function fraction(random: number, key: string): number {
  let hash = random | 0;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 + 2 ** -33;
}
