// security.json in the data directory: the users with what their logins are checked against, and the rules. Only the
// owner may read it, although it contains no password.
// Leaves to others: what it means (security.ts).
//
//   { "version": 1, "users": [{ "name", "credentials": { "SCRAM-SHA-256": { "iterations", "salt", "storedKey",
//     "serverKey" }, … } }], "acls": [{ "resourceType", "resourceName", "patternType", "principal", "host", "operation",
//     "permissionType" }], "crc32c": … }
import { RustLogError } from "../errors.js";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedLists,
} from "../log/disk/checked-file.js";
import { type Disk, joinPath, reasonOf, replaceFile } from "../log/disk/disk.js";
import { type Acl, aclFault, PATTERN_TYPES, PERMISSION_TYPES, withPlainHost } from "./acl.js";
import { OPERATIONS, RESOURCE_TYPES } from "./permission.js";
import { replacePrivateFile } from "./private-file.js";
import { ITERATIONS_MIN, SCRAM, type ScramCredential, type ScramMechanism } from "./scram.js";
import type { Credentials, User } from "./users.js";

export const SECURITY_FILE = "security.json";

/** Is there once security.json is. If that is lost later, the broker must not let everyone do everything. */
const MARK_FILE = "security.required";
const MARK = "There are users: without security.json the broker does not start.\n";

const FORMAT: CheckedFormat = { versionField: "version", version: 1, fields: ["users", "acls"] };

export interface SecurityContent {
  readonly users: Iterable<User>;
  readonly acls: Iterable<Acl>;
}

const NOTHING: SecurityContent = { users: [], acls: [] };

/**
 * Reads the file. Throws DATA_DIRECTORY_UNUSABLE if it is unusable or was lost: without its rules a broker would let
 * everyone do everything.
 */
export function readSecurityFile(disk: Disk, directory: string): SecurityContent {
  const path = joinPath(directory, SECURITY_FILE);
  try {
    const bytes = disk.readFile(path);
    if (bytes === undefined) {
      if (disk.fileSize(joinPath(directory, MARK_FILE)) === undefined) return NOTHING;
      throw new Error("it is missing, and there were users");
    }
    const { users, acls } = decodeCheckedFile(FORMAT, bytes).fields;
    return { users: listOf(users, "users").map(userOf), acls: listOf(acls, "acls").map(aclOf) };
  } catch (error) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} can't be used: ${reasonOf(error)}; restore it, or remove it and ${MARK_FILE} to start without users and rules`,
      { cause: error },
    );
  }
}

/**
 * Replaces the file atomically and durably. The content must not change meanwhile: it is read in portions. Rejects with
 * DISK_FULL or STORAGE_ERROR.
 */
export async function writeSecurityFile(
  disk: Disk,
  directory: string,
  { users, acls }: SecurityContent,
): Promise<void> {
  const bytes = await encodeCheckedLists(FORMAT, { users: storedUsers(users), acls });
  await replacePrivateFile(disk, directory, SECURITY_FILE, bytes);
  await mark(disk, directory);
}

/** Never rejects: the change is made already. The next one tries again. */
async function mark(disk: Disk, directory: string): Promise<void> {
  if (disk.fileSize(joinPath(directory, MARK_FILE)) !== undefined) return;
  await replaceFile(disk, directory, MARK_FILE, new TextEncoder().encode(MARK)).catch(() => {});
}

function* storedUsers(users: Iterable<User>): Generator<unknown, void> {
  for (const user of users) yield storedUser(user);
}

function storedUser({ name, credentials }: User): unknown {
  const stored: Record<string, unknown> = {};
  for (const [mechanism, credential] of Object.entries(credentials)) {
    const { iterations, salt, storedKey, serverKey } = credential;
    stored[mechanism] = {
      iterations,
      salt: salt.toBase64(),
      storedKey: storedKey.toBase64(),
      serverKey: serverKey.toBase64(),
    };
  }
  return { name, credentials: stored };
}

function userOf(value: unknown): User {
  const { name, credentials } = fieldsOf(value, "a user");
  if (typeof name !== "string" || name === "") throw new Error("a user has no name");
  const found: [ScramMechanism, ScramCredential][] = [];
  for (const [mechanism, each] of Object.entries(fieldsOf(credentials, `user '${name}'`))) {
    if (!Object.hasOwn(SCRAM, mechanism)) {
      throw new Error(`user '${name}' has a credential for '${mechanism}', which is unknown`);
    }
    const known = mechanism as ScramMechanism;
    found.push([known, credentialOf(known, each, name)]);
  }
  return { name, credentials: Object.fromEntries(found) as Credentials };
}

function credentialOf(mechanism: ScramMechanism, value: unknown, user: string): ScramCredential {
  const { iterations, salt, storedKey, serverKey } = fieldsOf(value, `user '${user}'`);
  const keyBytes = mechanism === "SCRAM-SHA-256" ? 32 : 64;
  const credential = {
    iterations: typeof iterations === "number" ? iterations : 0,
    salt: bytesOf(salt),
    storedKey: bytesOf(storedKey),
    serverKey: bytesOf(serverKey),
  };
  const isWhole =
    Number.isInteger(credential.iterations) &&
    credential.iterations >= ITERATIONS_MIN &&
    credential.salt.length > 0 &&
    credential.storedKey.length === keyBytes &&
    credential.serverKey.length === keyBytes;
  if (!isWhole) throw new Error(`the ${mechanism} credential of user '${user}' is not whole`);
  return credential;
}

function bytesOf(value: unknown): Uint8Array {
  return typeof value === "string" ? Uint8Array.fromBase64(value) : new Uint8Array(0);
}

function aclOf(value: unknown): Acl {
  const fields = fieldsOf(value, "a rule");
  const acl = fields as unknown as Acl;
  const isKnown =
    Object.hasOwn(RESOURCE_TYPES, acl.resourceType) &&
    Object.hasOwn(PATTERN_TYPES, acl.patternType) &&
    Object.hasOwn(OPERATIONS, acl.operation) &&
    Object.hasOwn(PERMISSION_TYPES, acl.permissionType) &&
    [acl.resourceName, acl.principal, acl.host].every((text) => typeof text === "string");
  const fault = isKnown ? aclFault(acl) : "a field is missing or unknown";
  if (fault !== undefined) throw new Error(`the rule ${JSON.stringify(value)}: ${fault}`);
  return withPlainHost(acl);
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value as readonly unknown[];
}

function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new Error(`${what} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}
