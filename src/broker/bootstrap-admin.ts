// The first administrator of a broker, from a file: for a broker that nobody can reach before it has users.
// Leaves to others: users (security/).
import { readFileSync } from "node:fs";
import { createSalted, SCRAM_MECHANISMS } from "../security/scram.js";
import type { Security } from "../security/security.js";
import { changeUsers, replacementOf } from "../security/user-changes.js";

/**
 * Adds the user in the first line of a file, NAME:PASSWORD, as an administrator. Does nothing if there is a user. Returns the
 * name of the new one. Throws an error that names the file.
 */
export async function addFirstAdministrator(
  security: Security,
  path: string,
): Promise<string | undefined> {
  if (security.users.size > 0) return undefined;
  const [line = ""] = readFileSync(path, "utf8").split(/\r?\n/);
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  const password = line.slice(colon + 1);
  if (colon < 1 || password === "") {
    throw new Error(`--bootstrap-admin-file ${path}: its first line is not NAME:PASSWORD`);
  }
  const salted = await Promise.all(
    SCRAM_MECHANISMS.map((mechanism) => createSalted(mechanism, password)),
  );
  const changes = replacementOf(security, name, salted);
  const outcomes = await changeUsers(security, changes, { asAdministrators: true });
  const failure = outcomes.find((outcome) => outcome !== undefined);
  if (failure !== undefined) throw failure;
  return name;
}
