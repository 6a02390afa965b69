// Keeps somebody who may change users and rules: without anyone, only the directory of a stopped broker could be changed.
// Leaves to others: the last user, who stays in any case (user-changes.ts), and making the change (security.ts).
import { RustLogError } from "../errors.js";
import { Portions } from "../log/event-loop.js";
import { type Acl, WILDCARD } from "./acl.js";
import { Authorizer } from "./authorizer.js";
import type { Principal } from "./identity.js";
import { CLUSTER_NAME } from "./permission.js";

/** Rules looked at in one turn of the event loop. */
const RULES_PER_TURN = 2_000;

/** Users and rules as they are, or would be. */
export interface Administration {
  readonly rules: Iterable<Acl>;
  isUser(name: string): boolean;
  /** Whether principals that are no users can log in, with a certificate or a token. */
  readonly hasOtherLogins: boolean;
}

/** Throws INVALID_REQUEST if there is an administrator now and would be none afterwards. */
export async function requireAdministrator(
  before: Administration,
  after: Administration,
): Promise<void> {
  if ((await hasAdministrator(after)) || !(await hasAdministrator(before))) return;
  throw new RustLogError(
    "INVALID_REQUEST",
    "nobody could change users and rules any more: first give somebody else ALTER on the cluster",
  );
}

/** Whether a change of this rule may take the last administrator away. */
export function concernsAdministrators({ resourceType, operation }: Acl): boolean {
  return resourceType === "CLUSTER" && (operation === "ALTER" || operation === "ALL");
}

async function hasAdministrator(administration: Administration): Promise<boolean> {
  const portions = new Portions(RULES_PER_TURN);
  const rules: Acl[] = [];
  for (const acl of administration.rules) {
    if (concernsAdministrators(acl)) rules.push(acl);
    await portions.next();
  }
  const authorizer = new Authorizer(rules);
  for (const acl of rules) {
    if (acl.permissionType === "ALLOW" && isAdministrator(acl, authorizer, administration))
      return true;
    await portions.next();
  }
  return false;
}

/** Whether a rule that allows makes somebody an administrator who can log in: a rule that denies may be stronger. */
function isAdministrator(
  { principal, host }: Acl,
  authorizer: Authorizer,
  { isUser, hasOtherLogins }: Administration,
): boolean {
  const name = principal.slice("User:".length);
  if (!hasOtherLogins && name !== WILDCARD && !isUser(name)) return false;
  return authorizer.allows({
    ...{ principal: principal as Principal, operation: "ALTER" },
    ...{ resourceType: "CLUSTER", resourceName: CLUSTER_NAME },
    // From everywhere, or at least from somewhere that no rule names.
    host: host === WILDCARD ? "" : host,
  });
}
