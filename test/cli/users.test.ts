import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBroker, type TestBroker } from "../support/broker.js";
import { tempDir } from "../support/tmp.js";
import { run as rustlog } from "./rustlog.js";

let running: TestBroker;
let directory: ReturnType<typeof tempDir>;
let passwordFile: string;

/** The options of a command that root uses. */
function asRoot(...args: readonly string[]): string[] {
  const { address } = running.broker;
  return [...args, "--broker", address, "--user", "root", "--password-file", passwordFile];
}

beforeAll(async () => {
  running = await startBroker();
  directory = tempDir();
  passwordFile = join(directory.path, "root.txt");
  writeFileSync(passwordFile, "s3cret\n", { mode: 0o600 });
  const { address } = running.broker;
  const first = ["users", "add", "root", "--broker", address, "--new-password-file", passwordFile];
  const refused = await rustlog(first);
  expect(refused).toMatchObject({ exitCode: 1 });
  expect(refused.stderr).toContain("has to be an administrator");
  expect(await rustlog([...first, "--admin"])).toMatchObject({
    stdout: "Added administrator 'root'\n",
    exitCode: 0,
  });
});

afterAll(async () => {
  await running[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

describe("rustlog users", () => {
  test("adds a user with a password from stdin, lists users, and deletes one", async () => {
    const added = await rustlog(asRoot("users", "add", "ann"), { stdin: "ann's\n" });
    expect(added).toMatchObject({ stdout: "Added user 'ann'\n", stderr: "", exitCode: 0 });
    const again = await rustlog(asRoot("users", "add", "ann"), { stdin: "other\n" });
    expect(again.stderr).toContain("user 'ann' exists");
    const listed = await rustlog(asRoot("users", "list"));
    expect(listed.stdout).toMatch(/USER +MECHANISMS\nann +SCRAM-SHA-256, SCRAM-SHA-512\nroot /);
    const changed = await rustlog(asRoot("users", "password", "ann"), { stdin: "new\n" });
    expect(changed.stdout).toBe("Changed the password of user 'ann'\n");
    const deleted = await rustlog(asRoot("users", "delete", "ann", "--json"));
    expect(JSON.parse(deleted.stdout)).toEqual({ name: "ann" });
    expect((await rustlog(asRoot("users", "delete", "ann"))).stderr).toContain("no user 'ann'");
  });

  test("refuses an empty password, and warns of a file that others can read", async () => {
    const empty = await rustlog(asRoot("users", "add", "bob"), { stdin: "\n" });
    expect(empty).toMatchObject({ exitCode: 1 });
    expect(empty.stderr).toContain("the password in stdin is empty");
    const open = join(directory.path, "open.txt");
    writeFileSync(open, "s3cret\n");
    chmodSync(open, 0o644);
    const { address } = running.broker;
    const warned = await rustlog([
      ...["users", "list", "--broker", address, "--user", "root", "--password-file", open],
    ]);
    expect(warned).toMatchObject({ exitCode: 0 });
    expect(warned.stderr).toContain("others can read");
  });

  test("says what is wrong with a login", async () => {
    const { address } = running.broker;
    const nobody = await rustlog(["topics", "list", "--broker", address]);
    expect(nobody).toMatchObject({ exitCode: 1 });
    expect(nobody.stderr).toContain("requires a login");
    const missing = await rustlog(["topics", "list", "--broker", address, "--user", "root"]);
    expect(missing.stderr).toContain("--password-file");
    const wrong = join(directory.path, "wrong.txt");
    writeFileSync(wrong, "wrong", { mode: 0o600 });
    const refused = await rustlog([
      ...["topics", "list", "--broker", address, "--user", "root", "--password-file", wrong],
    ]);
    expect(refused.stderr).toContain("SASL_AUTHENTICATION_FAILED");
    expect(refused.stderr).not.toContain("wrong");
  });

  test("works on the directory of a stopped broker, and not of a running one", async () => {
    await using broker = await startBroker();
    const args = ["users", "add", "root", "--admin", "--data-dir", broker.dataDir];
    const busy = await rustlog(args, { stdin: "s3cret\n" });
    expect(busy).toMatchObject({ exitCode: 1 });
    expect(busy.stderr).toContain("DATA_DIRECTORY_UNUSABLE");
    await broker.broker.stop();
    expect((await rustlog(args, { stdin: "s3cret\n" })).stdout).toBe(
      "Added administrator 'root'\n",
    );
    const rule = ["--allow", "ann", "--topic", "orders", "--data-dir", broker.dataDir];
    expect((await rustlog(["acls", "add", ...rule])).stdout).toBe("Added 1 rule\n");
    expect((await rustlog(["acls", "list", ...rule])).stdout).toMatch(/User:ann +ALLOW +ALL/);
    expect((await rustlog(["acls", "delete", ...rule])).stdout).toBe("Deleted 1 rule\n");
    await using again = await startBroker({ dataDir: broker.dataDir });
    const { address } = again.broker;
    const listed = await rustlog([
      ...["users", "list", "--json", "--broker", address, "--user", "root"],
      ...["--password-file", passwordFile],
    ]);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ name: "root" }]);
  });
});

describe("rustlog acls", () => {
  test("adds a rule for each combination, lists them, and deletes those that match", async () => {
    const added = await rustlog(
      asRoot(
        ...["acls", "add", "--allow", "ann", "--allow", "User:bob", "--topic", "orders"],
        ...["--operation", "read", "--operation", "describe-configs", "--group", "g"],
      ),
    );
    // A group has the operation DESCRIBE_CONFIGS, too.
    expect(added).toMatchObject({ stdout: "Added 8 rules\n", exitCode: 0 });
    const listed = await rustlog(asRoot("acls", "list", "--topic", "orders", "--allow", "ann"));
    expect(listed.stdout.trim().split("\n")).toHaveLength(3);
    expect(listed.stdout).toMatch(/User:ann +ALLOW +READ +TOPIC +orders +LITERAL +\*/);
    const deleted = await rustlog(asRoot("acls", "delete", "--allow", "ann"));
    expect(deleted.stdout).toBe("Deleted 4 rules\n");
    const denied = ["acls", "add", "--deny", "*", "--topic", "secret-", "--prefixed", "--json"];
    expect(JSON.parse((await rustlog(asRoot(...denied))).stdout)).toEqual({
      added: 1,
      existing: 0,
    });
    const prefixed = await rustlog(asRoot("acls", "list", "--prefixed", "--json"));
    expect(JSON.parse(prefixed.stdout)).toEqual([
      {
        ...{ resourceType: "TOPIC", resourceName: "secret-", patternType: "PREFIXED" },
        ...{ principal: "User:*", host: "*", operation: "ALL", permissionType: "DENY" },
      },
    ]);
  });

  test.each([
    [["acls", "add", "--topic", "x"], "--allow NAME or --deny NAME"],
    [["acls", "add", "--allow", "ann"], "--topic, --group"],
    [["acls", "add", "--allow", "ann", "--topic", "x", "--operation", "fly"], "no operation 'fly'"],
    [["acls", "delete"], "name the rules to delete"],
  ])("%p is a usage error", async (args, why) => {
    const result = await rustlog(args);
    expect(result).toMatchObject({ exitCode: 2 });
    expect(result.stderr).toContain(why);
  });
});
