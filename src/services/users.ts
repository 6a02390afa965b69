// The users with passwords. Changing them needs ALTER on the cluster, seeing them DESCRIBE; everyone may change their own
// password. Passwords don't get here: a client salts them.
// Leaves to others: the rules of a change (security/user-changes.ts), and logging in (login.ts).
import type { RustLogError } from "../errors.js";
import type { SaltedPassword, ScramCredential, ScramMechanism } from "../security/scram.js";
import {
  changeUsers,
  type CredentialChange,
  replacementOf,
  type UserChangeOptions,
} from "../security/user-changes.js";
import type { User } from "../security/users.js";
import type { ServiceContext } from "./context.js";
import { loginFault } from "./login.js";
import { failureOf, type Outcome } from "./outcome.js";
import { mayOnCluster, requireOnCluster } from "./permissions.js";

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

/**
 * Changes passwords, as many as are valid, as one change. Resolves with the error of each, in order. Everyone may change their
 * own.
 */
export async function changeCredentials(
  context: ServiceContext,
  changes: readonly CredentialChange[],
  options?: UserChangeOptions,
): Promise<Outcome<undefined>[]> {
  const { users } = context.security;
  const outcomes = await changeUsers(context.security, changes, options, (change) => {
    const fault = loginFault(context);
    if (fault !== undefined || mayOnCluster(context, "ALTER")) return fault;
    // To be an administrator is more than a password.
    if (options?.asAdministrators !== true && isOwnPassword(context, change)) return undefined;
    return refusalOf(() => requireOnCluster(context, "ALTER"));
  });
  const deleted = new Set<string>();
  for (const [i, { user, mechanism, salted }] of changes.entries()) {
    if (outcomes[i] !== undefined) continue;
    if (users.find(user) === undefined) deleted.add(user);
    else {
      const password = salted === undefined ? "deleted" : "set";
      const role = options?.asAdministrators === true ? { role: "administrator if new" } : {};
      context.audit.changed(context.caller, "user-set", { user, mechanism, password, ...role });
    }
  }
  for (const user of deleted) context.audit.changed(context.caller, "user-deleted", { user });
  return outcomes;
}

function refusalOf(ask: () => void): RustLogError | undefined {
  try {
    ask();
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

/**
 * Gives a user exactly these passwords, or deletes the user if there are none. Resolves with whether there was one. Rejects
 * with CLUSTER_AUTHORIZATION_FAILED, UNACCEPTABLE_CREDENTIAL, RESOURCE_NOT_FOUND and INVALID_REQUEST.
 */
export async function replaceUser(
  context: ServiceContext,
  user: string,
  passwords: readonly SaltedPassword[],
  options?: UserChangeOptions,
): Promise<boolean> {
  const { users } = context.security;
  const existed = users.find(user) !== undefined;
  // Who may not see the users does not learn whether there is this one.
  if (passwords.length === 0) requireOnCluster(context, "ALTER");
  const changes = replacementOf(context.security, user, passwords);
  const outcomes = await changeCredentials(context, changes, options);
  const failure = outcomes.find((outcome) => outcome !== undefined);
  if (failure !== undefined) throw failure;
  return existed;
}

/** Who has logged in without a password, by a certificate or a token, does not give itself one. */
function isOwnPassword({ caller, security }: ServiceContext, change: CredentialChange): boolean {
  if (security.users.find(change.user) === undefined) return false;
  if (change.salted === undefined && change.isReplaced !== true) return false;
  return caller.login !== undefined && caller.principal === `User:${change.user}`;
}
