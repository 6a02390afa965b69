// Changes of the users, and what must not be changed: the first user has to be an administrator, because nobody else does
// anything from then on; the last user stays, because without one everybody could do everything.
// Leaves to others: who may change users (services/users.ts), and storing them (security.ts).
import { RustLogError } from "../errors.js";
import { USER_NAME_BYTES_MAX, USERS_MAX } from "../limits.js";
import { type Acl, WILDCARD } from "./acl.js";
import { CLUSTER_NAME, type ResourceType } from "./permission.js";
import {
  credentialOf,
  ITERATIONS_MAX,
  ITERATIONS_MIN,
  type SaltedPassword,
  SCRAM_MECHANISMS,
  type ScramMechanism,
} from "./scram.js";
import type { Security, SecurityChange } from "./security.js";
import type { User } from "./users.js";

/** A new password for one mechanism, as a client has salted it; or the deletion of the one there is. */
export interface CredentialChange {
  readonly user: string;
  readonly mechanism: ScramMechanism;
  /** Undefined to delete. A user without any is deleted. */
  readonly salted?: Omit<SaltedPassword, "mechanism"> | undefined;
  /** For a deletion: whether the user gets a password for another mechanism instead. */
  readonly isReplaced?: boolean;
}

/** How to change users. */
export interface UserChangeOptions {
  /** Whether new users may do everything. */
  readonly asAdministrators?: boolean;
}

/**
 * Changes passwords, as many as are valid and as `faultOf` lets through, as one change. `faultOf` is asked when all earlier
 * changes are made: one of them may have taken a permission away. Resolves with the error of each, in order.
 */
export async function changeUsers(
  security: Security,
  changes: readonly CredentialChange[],
  { asAdministrators = false }: UserChangeOptions = {},
  faultOf: (change: CredentialChange) => RustLogError | undefined = () => undefined,
): Promise<(RustLogError | undefined)[]> {
  let outcomes = changes.map((): RustLogError | undefined => undefined);
  try {
    await security.change(() => {
      const next = new NextUsers(security);
      outcomes = changes.map((change) => faultOf(change) ?? changeFault(change));
      for (const [i, change] of changes.entries()) {
        if (outcomes[i] === undefined) outcomes[i] = next.apply(change);
      }
      return next.change(asAdministrators);
    });
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    return outcomes.map((outcome) => outcome ?? error);
  }
  return outcomes;
}

/** The changes that give a user exactly these passwords; without any the user is deleted. Throws RESOURCE_NOT_FOUND. */
export function replacementOf(
  { users }: Security,
  user: string,
  passwords: readonly SaltedPassword[],
): CredentialChange[] {
  const mechanisms = passwords.map(({ mechanism }) => mechanism);
  if (new Set(mechanisms).size < mechanisms.length) {
    throw new RustLogError("INVALID_REQUEST", "a mechanism is named twice");
  }
  const credentials = users.find(user)?.credentials ?? {};
  const others = SCRAM_MECHANISMS.filter(
    (mechanism) => credentials[mechanism] !== undefined && !mechanisms.includes(mechanism),
  );
  if (others.length === 0 && passwords.length === 0) {
    throw new RustLogError("RESOURCE_NOT_FOUND", `there is no user '${user}'`);
  }
  return [
    ...passwords.map(({ mechanism, ...salted }) => ({ user, mechanism, salted })),
    // Part of the same change of password, so that the old one does not live on.
    ...others.map((mechanism) => ({ user, mechanism, isReplaced: passwords.length > 0 })),
  ];
}

/** The users as they will be. */
class NextUsers {
  readonly #security: Security;
  readonly #changed = new Map<string, User | undefined>();

  constructor(security: Security) {
    this.#security = security;
  }

  /** Returns why not. */
  apply({ user: name, mechanism, salted }: CredentialChange): RustLogError | undefined {
    const user = this.#changed.has(name)
      ? this.#changed.get(name)
      : this.#security.users.find(name);
    if (salted === undefined) {
      if (user?.credentials[mechanism] === undefined) {
        const message = `Attempt to delete a user credential that does not exist`;
        return new RustLogError("RESOURCE_NOT_FOUND", message);
      }
      const { [mechanism]: _deleted, ...credentials } = user.credentials;
      const isLast = Object.keys(credentials).length === 0;
      this.#changed.set(name, isLast ? undefined : { name, credentials });
      return undefined;
    }
    const { saltedPassword, salt, iterations } = salted;
    const credential = credentialOf(mechanism, saltedPassword, salt, iterations);
    const credentials = { ...user?.credentials, [mechanism]: credential };
    this.#changed.set(name, { name, credentials });
    return undefined;
  }

  /** Throws if the users as a whole would not do. */
  change(asAdministrators: boolean): SecurityChange {
    const { users } = this.#security;
    const usersSet = [...this.#changed.values()].filter((user) => user !== undefined);
    const usersDeleted = [...this.#changed.keys()].filter(
      (name) => this.#changed.get(name) === undefined,
    );
    const added = usersSet.filter(({ name }) => users.find(name) === undefined);
    const left = users.size + added.length - usersDeleted.length;
    if (users.size === 0 && added.length > 0 && !asAdministrators) {
      throw new RustLogError(
        "INVALID_REQUEST",
        "the first user has to be an administrator, because nobody else may do anything from then on: " +
          "`rustlog users add NAME --admin`",
      );
    }
    if (users.size > 0 && left === 0) {
      throw new RustLogError(
        "INVALID_REQUEST",
        "the last user can't be deleted, because then everybody could do everything; " +
          "to have no security, remove security.json and security.required while the broker is stopped",
      );
    }
    if (left > USERS_MAX) {
      throw new RustLogError("INVALID_REQUEST", `there would be more than ${USERS_MAX} users`);
    }
    const aclsAdded = asAdministrators ? added.flatMap(({ name }) => administratorAcls(name)) : [];
    return { usersSet, usersDeleted, aclsAdded };
  }
}

/** The rules that let a user do everything. */
export function administratorAcls(user: string): Acl[] {
  const all = (resourceType: ResourceType, resourceName = "*"): Acl => ({
    ...{ resourceType, resourceName, patternType: "LITERAL", principal: `User:${user}` },
    ...{ host: "*", operation: "ALL", permissionType: "ALLOW" },
  });
  return [all("TOPIC"), all("GROUP"), all("CLUSTER", CLUSTER_NAME), all("TRANSACTIONAL_ID")];
}

/** What is wrong with a change by itself, or undefined. */
function changeFault({ user, mechanism, salted }: CredentialChange): RustLogError | undefined {
  const bytes = Buffer.byteLength(user);
  if (bytes === 0 || bytes > USER_NAME_BYTES_MAX) {
    const message = `the name of a user has 1 to ${USER_NAME_BYTES_MAX} bytes of UTF-8`;
    return new RustLogError("UNACCEPTABLE_CREDENTIAL", message);
  }
  if (salted === undefined) return undefined;
  // Rules for a user of this name, such as those of an administrator, would be for everybody.
  if (user === WILDCARD) {
    return new RustLogError("UNACCEPTABLE_CREDENTIAL", `a user can't be named '${WILDCARD}'`);
  }
  const { iterations, salt, saltedPassword } = salted;
  if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX) {
    const why = iterations < ITERATIONS_MIN ? "Too few iterations" : "Too many iterations";
    return new RustLogError("UNACCEPTABLE_CREDENTIAL", why);
  }
  const keyBytes = mechanism === "SCRAM-SHA-256" ? 32 : 64;
  if (salt.length === 0 || salt.length > 1024 || saltedPassword.length !== keyBytes) {
    const message = `a salted password of ${mechanism} has ${keyBytes} bytes, and a salt has some`;
    return new RustLogError("UNACCEPTABLE_CREDENTIAL", message);
  }
  return undefined;
}
