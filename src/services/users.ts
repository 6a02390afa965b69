// The users with passwords. Changing them needs ALTER on the cluster, seeing them DESCRIBE; everyone may change their own
// password. Passwords don't get here: a client salts them.
// Leaves to others: what is stored (security/), and logging in (login.ts).
import { RustLogError } from "../errors.js";
import { USER_NAME_BYTES_MAX, USERS_MAX } from "../limits.js";
import type { Acl } from "../security/acl.js";
import { CLUSTER_NAME, type ResourceType } from "../security/permission.js";
import {
  credentialOf,
  ITERATIONS_MAX,
  ITERATIONS_MIN,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
} from "../security/scram.js";
import type { Security, SecurityChange } from "../security/security.js";
import type { User } from "../security/users.js";
import type { ServiceContext } from "./context.js";
import { failureOf, type Outcome } from "./outcome.js";
import { requireOnCluster } from "./permissions.js";

/** A user as others may see it. */
export interface UserDescription {
  readonly name: string;
  readonly mechanisms: readonly {
    readonly mechanism: ScramMechanism;
    readonly iterations: number;
  }[];
}

/** The users of these names, in order; undefined for one that there is not. Without names all, by name. */
export function describeUsers(context: ServiceContext): UserDescription[];
export function describeUsers(
  context: ServiceContext,
  names: readonly string[],
): (UserDescription | undefined)[];
export function describeUsers(
  context: ServiceContext,
  names?: readonly string[],
): (UserDescription | undefined)[] {
  requireOnCluster(context, "DESCRIBE");
  const { users } = context.security;
  if (names === undefined) return users.list().map(descriptionOf);
  return names.map((name) => {
    const user = users.find(name);
    return user === undefined ? undefined : descriptionOf(user);
  });
}

function descriptionOf({ name, credentials }: User): UserDescription {
  const mechanisms = (Object.entries(credentials) as [ScramMechanism, ScramCredential][]).map(
    ([mechanism, { iterations }]) => ({ mechanism, iterations }),
  );
  return { name, mechanisms };
}

/** A new password for one mechanism, as a client has salted it; or the deletion of the one there is. */
export interface CredentialChange {
  readonly user: string;
  readonly mechanism: ScramMechanism;
  /** Undefined to delete. A user without any is deleted. */
  readonly salted?:
    | {
        readonly salt: Uint8Array;
        readonly saltedPassword: Uint8Array;
        readonly iterations: number;
      }
    | undefined;
  /** For a deletion: whether the user gets a password for another mechanism instead. */
  readonly isReplaced?: boolean;
}

/** How to change users. */
export interface UserChangeOptions {
  /** Whether new users may do everything. */
  readonly asAdministrators?: boolean;
}

/**
 * Changes passwords, as many as are valid, as one change. Resolves with the error of each, in order. The first user of a
 * broker has to be an administrator, because nobody else does anything from then on; the last user stays, because without
 * one everybody could do everything.
 */
export async function changeCredentials(
  context: ServiceContext,
  changes: readonly CredentialChange[],
  options: UserChangeOptions = {},
): Promise<Outcome<undefined>[]> {
  const { security } = context;
  const outcomes = changes.map((change) => {
    try {
      if (!isOwnPassword(context, change)) requireOnCluster(context, "ALTER");
      checkChange(change);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  });
  try {
    await security.change(() => {
      const next = new NextUsers(security);
      for (const [i, change] of changes.entries()) {
        if (outcomes[i] !== undefined) continue;
        outcomes[i] = next.apply(change);
      }
      return next.change(options.asAdministrators === true);
    });
  } catch (error) {
    const failure = failureOf(error);
    return outcomes.map((outcome) => outcome ?? failure);
  }
  return outcomes;
}

/**
 * Gives a user exactly these passwords, or deletes the user if there are none. Resolves with whether there was one. Rejects
 * with CLUSTER_AUTHORIZATION_FAILED, UNACCEPTABLE_CREDENTIAL, RESOURCE_NOT_FOUND and INVALID_REQUEST.
 */
export async function replaceUser(
  context: ServiceContext,
  user: string,
  passwords: readonly Omit<CredentialChange, "user">[],
  options: UserChangeOptions = {},
): Promise<boolean> {
  const mechanisms = passwords.map(({ mechanism }) => mechanism);
  if (new Set(mechanisms).size < mechanisms.length) {
    throw new RustLogError("INVALID_REQUEST", "a mechanism is named twice");
  }
  const { users } = context.security;
  const existing = users.find(user);
  const others = SCRAM_MECHANISMS.filter(
    (mechanism) =>
      existing?.credentials[mechanism] !== undefined && !mechanisms.includes(mechanism),
  );
  if (others.length === 0 && passwords.length === 0) {
    requireOnCluster(context, "ALTER");
    throw new RustLogError("RESOURCE_NOT_FOUND", `there is no user '${user}'`);
  }
  const changes = [
    ...passwords.map((password) => ({ user, ...password })),
    // Part of the same change of password, so that the old one does not live on.
    ...others.map((mechanism) => ({ user, mechanism, isReplaced: passwords.length > 0 })),
  ];
  const outcomes = await changeCredentials(context, changes, options);
  const failure = outcomes.find((outcome) => outcome !== undefined);
  if (failure !== undefined) throw failure;
  return existing !== undefined;
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
          "to have no security, remove security.json while the broker is stopped",
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

function isOwnPassword({ caller }: ServiceContext, change: CredentialChange): boolean {
  if (change.salted === undefined && change.isReplaced !== true) return false;
  return caller.login !== undefined && caller.principal === `User:${change.user}`;
}

function checkChange({ user, mechanism, salted }: CredentialChange): void {
  const bytes = Buffer.byteLength(user);
  if (bytes === 0 || bytes > USER_NAME_BYTES_MAX) {
    const message = `the name of a user has 1 to ${USER_NAME_BYTES_MAX} bytes of UTF-8`;
    throw new RustLogError("UNACCEPTABLE_CREDENTIAL", message);
  }
  if (salted === undefined) return;
  const { iterations, salt, saltedPassword } = salted;
  if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX) {
    const why = iterations < ITERATIONS_MIN ? "Too few iterations" : "Too many iterations";
    throw new RustLogError("UNACCEPTABLE_CREDENTIAL", why);
  }
  const keyBytes = mechanism === "SCRAM-SHA-256" ? 32 : 64;
  if (salt.length === 0 || salt.length > 1024 || saltedPassword.length !== keyBytes) {
    const message = `a salted password of ${mechanism} has ${keyBytes} bytes, and a salt has some`;
    throw new RustLogError("UNACCEPTABLE_CREDENTIAL", message);
  }
}
