// The users in the directory of a stopped broker. The lock keeps a broker from starting meanwhile.
// Leaves to others: the rules of changing users (security/user-changes.ts).
import { existsSync } from "node:fs";
import { RealDisk } from "../log/disk/real-disk.js";
import { createSalted, SCRAM_MECHANISMS } from "../security/scram.js";
import { Security } from "../security/security.js";
import { changeUsers, replacementOf, type UserChangeOptions } from "../security/user-changes.js";
import { CliError } from "./exit.js";
import type { UserStore } from "./user-store.js";

/** Takes the lock. Throws a CliError if there is no such directory, and DATA_DIRECTORY_UNUSABLE if a broker holds it. */
export function openStoppedUsers(dataDir: string): UserStore & AsyncDisposable {
  if (!existsSync(dataDir)) {
    throw new CliError(`there is no directory ${dataDir}`, { help: "Start a broker on it first." });
  }
  const disk = new RealDisk();
  const lock = disk.lock(`${dataDir}/LOCK`);
  try {
    const security = Security.open(disk, dataDir);
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
      async [Symbol.asyncDispose]() {
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
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
