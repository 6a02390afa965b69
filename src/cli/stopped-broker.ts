// The users and the rules in the directory of a stopped broker. The lock keeps a broker from starting meanwhile.
// Leaves to others: the rules of changing users (security/user-changes.ts).
import { existsSync } from "node:fs";
import type { Acl, AclFilter } from "../client/admin-types.js";
import { RealDisk } from "../log/disk/real-disk.js";
import type { Acl as StoredAcl } from "../security/acl.js";
import { alterAcls, matchingAcls } from "../security/acl-changes.js";
import { createSalted, SCRAM_MECHANISMS } from "../security/scram.js";
import { Security } from "../security/security.js";
import { changeUsers, replacementOf, type UserChangeOptions } from "../security/user-changes.js";
import { CliError } from "./exit.js";
import type { UserStore } from "./user-store.js";

/** Rules of a stopped broker. */
export interface StoppedAcls {
  listAcls(filter: AclFilter): Promise<Acl[]>;
  alterAcls(change: {
    readonly add?: readonly Acl[];
    readonly delete?: readonly Acl[];
  }): Promise<{ readonly added: number; readonly deleted: number }>;
}

/** Takes the lock. Throws a CliError if there is no such directory, and DATA_DIRECTORY_UNUSABLE if a broker holds it. */
function openStopped(dataDir: string): { readonly security: Security; close(): void } {
  if (!existsSync(dataDir)) {
    throw new CliError(`there is no directory ${dataDir}`, { help: "Start a broker on it first." });
  }
  const disk = new RealDisk();
  const lock = disk.lock(`${dataDir}/LOCK`);
  try {
    return { security: Security.open(disk, dataDir), close: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The users, until they are disposed of. Throws as `openStopped`. */
export function openStoppedUsers(dataDir: string): UserStore & AsyncDisposable {
  const { security, close } = openStopped(dataDir);
  return {
    list: async () =>
      security.users.list().map(({ name, credentials }) => ({
        name,
        mechanisms: Object.keys(credentials),
      })),
    async setPassword(name, password, isAdministrator) {
      const existed = security.users.find(name) !== undefined;
      const salted = await Promise.all(
        SCRAM_MECHANISMS.map((mechanism) => createSalted(mechanism, password)),
      );
      await replace(security, name, salted, { asAdministrators: isAdministrator });
      return existed;
    },
    delete: (name) => replace(security, name, []),
    [Symbol.asyncDispose]: async () => close(),
  };
}

/** The rules, likewise. */
export function openStoppedAcls(dataDir: string): StoppedAcls & AsyncDisposable {
  const { security, close } = openStopped(dataDir);
  return {
    listAcls: async (filter) => matchingAcls(security, filter),
    async alterAcls({ add = [], delete: deleted = [] }) {
      const changed = await alterAcls(security, add.map(checked), deleted.map(checked));
      return { added: changed.added.length, deleted: changed.deleted.length };
    },
    [Symbol.asyncDispose]: async () => close(),
  };
}

/** A rule of the command line; its principal begins with `User:`. */
function checked(acl: Acl): StoredAcl {
  return { ...acl, principal: acl.principal as StoredAcl["principal"] };
}

async function replace(
  security: Security,
  name: string,
  passwords: Parameters<typeof replacementOf>[2],
  options?: UserChangeOptions,
): Promise<void> {
  const outcomes = await changeUsers(security, replacementOf(security, name, passwords), options);
  const failure = outcomes.find((outcome) => outcome !== undefined);
  if (failure !== undefined) throw failure;
}
