// The security of a broker: its users, the rules, and who calls. There is none until a user exists, or the broker is
// configured to require a login; from then on nobody does anything without a login and a permission.
// Leaves to others: the file (security-file.ts), decisions (authorizer.ts), and logins (sasl.ts).
import type { Disk } from "../log/disk/disk.js";
import { OneAtATime } from "../topics/one-at-a-time.js";
import type { Acl } from "./acl.js";
import { Authorizer } from "./authorizer.js";
import { concernsAdministrators, requireAdministrator } from "./administrators.js";
import { type Caller, EVERYONE, type Peer } from "./caller.js";
import { certificateIdentity } from "./certificate.js";
import { type CallerContext, ConnectionCaller } from "./connection-caller.js";
import { FailedLogins } from "./failed-logins.js";
import { LoginChecks } from "./login-checks.js";
import { type BeginLogin, passwordMechanisms } from "./sasl.js";
import { storeOrRestore } from "./private-file.js";
import { readSecurityFile, type SecurityContent, writeSecurityFile } from "./security-file.js";
import { type User, Users } from "./users.js";

/** A change of users and rules, made as one. */
export interface SecurityChange {
  readonly usersSet?: readonly User[];
  readonly usersDeleted?: readonly string[];
  readonly aclsAdded?: readonly Acl[];
  readonly aclsRemoved?: readonly Acl[];
}

export class Security {
  readonly users = new Users();
  readonly failedLogins = new FailedLogins();
  readonly loginChecks = new LoginChecks();
  readonly authorizer: Authorizer;
  readonly #context: CallerContext;
  readonly #store: ((content: SecurityContent) => Promise<void>) | undefined;
  readonly #changing = new OneAtATime();
  readonly #mechanisms: Map<string, BeginLogin>;
  #isRequired = false;
  /** Called after each change of users: some logins may have ended. */
  onUsersChanged: () => void = () => {};
  /** While there is no security. */
  readonly #anyone: Caller;

  constructor(
    { users, acls }: SecurityContent = { users: [], acls: [] },
    store?: (content: SecurityContent) => Promise<void>,
    now: () => number = Date.now,
  ) {
    this.#store = store;
    for (const user of users) this.users.set(user);
    this.authorizer = new Authorizer(acls);
    this.#mechanisms = passwordMechanisms(this.users, this.loginChecks);
    this.#context = {
      authorizer: this.authorizer,
      mechanisms: this.#mechanisms,
      now,
      loginMsMax: -1,
    };
    const isEnabled = (): boolean => this.isEnabled;
    this.#anyone = {
      ...EVERYONE,
      get status() {
        return isEnabled() ? "gone" : "known";
      },
      may: () => !isEnabled(),
      mayOnAny: () => !isEnabled(),
    };
  }

  /** Reads security.json. Throws DATA_DIRECTORY_UNUSABLE. */
  static open(disk: Disk, directory: string): Security {
    const content = readSecurityFile(disk, directory);
    return new Security(content, (changed) => writeSecurityFile(disk, directory, changed));
  }

  /** Whether callers have to log in. */
  get isEnabled(): boolean {
    return this.#isRequired || this.users.size > 0;
  }

  /** Names of the mechanisms of a login. */
  get mechanisms(): Iterable<string> {
    return this.#mechanisms.keys();
  }

  /** Requires a login even without a user: there is another way to say who one is. Call it before the first connection. */
  require(): void {
    this.#isRequired = true;
  }

  /** Lets clients log in with another mechanism, and requires a login. */
  addMechanism(name: string, begin: BeginLogin): void {
    this.#mechanisms.set(name, begin);
    this.require();
  }

  /** Longest time that a login holds before its client has to log in again, in milliseconds; by default for ever, as with 0 or -1. */
  set loginMsMax(ms: number) {
    this.#context.loginMsMax = ms;
  }

  /** Who calls on a new connection. */
  callerOf(peer: Peer): Caller {
    if (!this.isEnabled) return this.#anyone;
    const { certificate } = peer;
    const identity = certificate === undefined ? undefined : certificateIdentity(certificate);
    return new ConnectionCaller(peer, this.#context, identity);
  }

  /** A caller that has logged in, on another connection: rules may name addresses. */
  callerAt(caller: Caller, peer: Peer): Caller {
    return caller instanceof ConnectionCaller ? caller.at(peer) : caller;
  }

  /**
   * Makes a change that `decide` chooses, knowing all earlier ones. It holds, and is durable, when this resolves. Rejects
   * with what `decide` throws, INVALID_REQUEST if nobody could make a change afterwards, DISK_FULL and STORAGE_ERROR; then
   * nothing has changed.
   */
  change(decide: () => SecurityChange | Promise<SecurityChange>): Promise<void> {
    return this.#changing.run(async () => {
      const change = await decide();
      const { usersSet = [], usersDeleted = [], aclsAdded = [], aclsRemoved = [] } = change;
      const changes = [usersSet, usersDeleted, aclsAdded, aclsRemoved];
      // What is refused must not cost a write.
      if (changes.every(({ length }) => length === 0)) return;
      const acls = (): Iterable<Acl> => this.authorizer.after(aclsAdded, aclsRemoved);
      if (usersDeleted.length > 0 || [...aclsAdded, ...aclsRemoved].some(concernsAdministrators)) {
        await this.#requireAdministrator(usersSet, new Set(usersDeleted), acls());
      }
      await storeOrRestore(
        this.#store,
        { users: this.#usersAfter(usersSet, usersDeleted), acls: acls() },
        () => ({ users: this.users.all, acls: this.authorizer.rules }),
      );
      for (const name of usersDeleted) this.users.delete(name);
      for (const user of usersSet) this.users.set(user);
      this.authorizer.change(aclsAdded, aclsRemoved);
      if (usersSet.length > 0 || usersDeleted.length > 0) this.onUsersChanged();
    });
  }

  async #requireAdministrator(
    usersSet: readonly User[],
    usersDeleted: ReadonlySet<string>,
    rules: Iterable<Acl>,
  ): Promise<void> {
    const added = new Set(usersSet.map(({ name }) => name));
    const hasOtherLogins = this.#isRequired;
    const isUser = (name: string): boolean => this.users.find(name) !== undefined;
    const willBeUser = (name: string): boolean =>
      added.has(name) || (isUser(name) && !usersDeleted.has(name));
    await requireAdministrator(
      { rules: this.authorizer.rules, isUser, hasOtherLogins },
      { rules, isUser: willBeUser, hasOtherLogins },
    );
  }

  *#usersAfter(set: readonly User[], deleted: readonly string[]): Generator<User, void> {
    const gone = new Set([...deleted, ...set.map(({ name }) => name)]);
    for (const user of this.users.all) if (!gone.has(user.name)) yield user;
    yield* set;
  }
}
