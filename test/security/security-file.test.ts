// security.json and a machine that stops at any time.
// Leaves to others: a damaged and a lost file (test/broker/login.test.ts).
import { expect, test } from "bun:test";
import { administratorAcls } from "../../src/security/user-changes.js";
import { type ScramCredential, SALT_BYTES } from "../../src/security/scram.js";
import { Quotas } from "../../src/security/quotas.js";
import { Security } from "../../src/security/security.js";
import { Random } from "../support/random.js";
import { SimulatedCrash, SimulatedDisk } from "../support/simulated-disk.js";

const CREDENTIAL: ScramCredential = {
  ...{ iterations: 4096, salt: new Uint8Array(SALT_BYTES).fill(1) },
  ...{ storedKey: new Uint8Array(32), serverKey: new Uint8Array(32) },
};

const credentials = { "SCRAM-SHA-256": CREDENTIAL };

/** Adds three users, one after another, the first as an administrator. Returns how many changes have been acknowledged. */
async function addUsers(disk: SimulatedDisk): Promise<number> {
  let acknowledged = 0;
  try {
    const security = Security.open(disk, "data");
    for (const name of ["root", "ann", "bob"]) {
      const aclsAdded = administratorAcls(name);
      await security.change(() => ({ usersSet: [{ name, credentials }], aclsAdded }));
      acknowledged++;
    }
  } catch (error) {
    // The change under way is refused with the crash as its cause.
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    if (!(cause instanceof SimulatedCrash)) throw error;
  }
  return acknowledged;
}

test("after a crash there are the users and rules of all acknowledged changes, and of no half of one", async () => {
  let crashes = 0;
  for (const seed of [1, 2, 3, 4]) {
    for (let operation = 0; ; operation++) {
      const disk = new SimulatedDisk(new Random(seed));
      disk.makeDirectory("data");
      await disk.syncDirectory("");
      disk.crashAfter(operation);
      const acknowledged = await addUsers(disk);
      const hasCrashed = disk.crashed;
      disk.restart();
      const { users, authorizer } = Security.open(disk, "data");
      expect([acknowledged, acknowledged + 1]).toContain(users.size);
      expect(authorizer.size).toBe(4 * users.size);
      if (!hasCrashed) break;
      crashes++;
      // Nor does a change afterwards meet with what the crash has left behind.
      expect(await addUsers(disk)).toBe(3);
      expect(Security.open(disk, "data").users.size).toBe(3);
    }
  }
  expect(crashes).toBeGreaterThan(20);
});

test("a change that is refused because the directory can't be flushed does not come back after a restart", async () => {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory("data");
  await disk.syncDirectory("");
  expect(await addUsers(disk)).toBe(3);
  const stored = (): { readonly users: string[]; readonly acls: number } => {
    const { users, authorizer } = Security.open(disk, "data");
    return { users: users.list().map(({ name }) => name), acls: authorizer.size };
  };
  const before = stored();
  const security = Security.open(disk, "data");
  const deleteBob = (): Promise<void> => security.change(() => ({ usersDeleted: ["bob"] }));
  disk.failDirectorySyncs(1);
  await expect(deleteBob()).rejects.toMatchObject({ code: "STORAGE_ERROR" });
  expect(stored()).toEqual(before);
  // What was there before can't be stored either: then the next change does it.
  disk.failDirectorySyncs(2);
  await expect(deleteBob()).rejects.toMatchObject({ code: "STORAGE_ERROR" });
  const [rule] = administratorAcls("ann");
  await security.change(() => ({ aclsRemoved: [rule!] }));
  expect(stored()).toEqual({ ...before, acls: before.acls - 1 });
});

test("quotas that are refused because the directory can't be flushed don't come back either", async () => {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory("data");
  await disk.syncDirectory("");
  const quotas = Quotas.open(disk, "data");
  const quota = { entity: { user: "ann" }, values: { producer_byte_rate: 1 } };
  disk.failDirectorySyncs(1);
  await expect(quotas.change(() => [quota])).rejects.toMatchObject({ code: "STORAGE_ERROR" });
  expect(Quotas.open(disk, "data").size).toBe(0);
  await quotas.change(() => [quota]);
  expect(Quotas.open(disk, "data").list()).toEqual([quota]);
});
