// `rustlog users`: who may log in. On a running broker, or with --data-dir on the directory of a stopped one.
// Leaves to others: passwords (password.ts), and what users may do (acls.ts).
import { newCommand } from "./command.js";
import { CliError } from "./exit.js";
import { type ConnectionFlags, newClientCommand, withClient } from "./connection.js";
import { EachTopic } from "./each-topic.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { askNewPassword, passwordFromFile } from "./password.js";
import { writeNotes } from "./quiet.js";
import { formatTable } from "./table.js";
import { openStoppedUsers } from "./stopped-broker.js";
import type { UserStore } from "./user-store.js";

const EXAMPLES = `
  rustlog users add root --admin
  rustlog users add ann --new-password-file ann.txt
  rustlog users list
  rustlog users password ann
  rustlog users delete ann
  rustlog users add root --admin --data-dir data`;

export function usersCommand() {
  const command = newCommand("users", "Add, list and delete users, and set passwords", EXAMPLES);
  for (const subcommand of [add(), list(), password(), remove()]) command.addCommand(subcommand);
  return command;
}

function newUserCommand(name: string, description: string, example: string) {
  return newClientCommand(name, description, example).option(
    "--data-dir <dir>",
    "directory of a stopped broker, instead of a running one",
  );
}

interface StoreFlags extends ConnectionFlags {
  readonly dataDir?: string | undefined;
}

async function withUsers(
  { dataDir, ...flags }: StoreFlags,
  body: (users: UserStore) => Promise<void>,
): Promise<void> {
  if (dataDir !== undefined) {
    await using users = openStoppedUsers(dataDir);
    await body(users);
    return;
  }
  await withClient(flags, async (client) => {
    const admin = client.admin();
    await body({
      list: () => admin.listUsers(),
      setPassword: (name, text, administrator) => admin.setPassword(name, text, { administrator }),
      delete: (name) => admin.deleteUser(name),
    });
  });
}

const NEW_PASSWORD_FILE = [
  "--new-password-file <file>",
  "file whose first line is the new password (default: ask, or the first line of stdin)",
] as const;

function newPassword(user: string, file: string | undefined): Promise<string> | string {
  return file === undefined ? askNewPassword(user) : passwordFromFile(file);
}

function add() {
  return newUserCommand("add", "Add a user", "rustlog users add ann")
    .argument("<name>", "name of the user")
    .addOption(jsonOption())
    .option("--admin", "give the user all permissions; the first user of a broker must have them")
    .option(...NEW_PASSWORD_FILE)
    .action(async (name, { admin = false, newPasswordFile, json = false, ...flags }) => {
      await withUsers(flags, async (users) => {
        const exists = (await users.list()).some((user) => user.name === name);
        if (exists) throw existing(name);
        const text = await newPassword(name, newPasswordFile);
        await users.setPassword(name, text, admin);
        if (json) await writeJson({ name, admin });
        else await writeNotes(`Added ${admin ? "administrator" : "user"} '${name}'`);
      });
    });
}

function existing(name: string): CliError {
  return new CliError(`user '${name}' exists`, { help: "Use `rustlog users password`." });
}

function list() {
  return newUserCommand("list", "List the users", "rustlog users list")
    .addOption(jsonOption())
    .action(async ({ json = false, ...flags }) => {
      await withUsers(flags, async (users) => {
        const all = await users.list();
        if (json) return await writeJson(all);
        const rows = all.map(({ name, mechanisms }) => [name, mechanisms.join(", ")]);
        await writeText(formatTable(["USER", "MECHANISMS"], rows));
      });
    });
}

function password() {
  return newUserCommand("password", "Set the password of a user", "rustlog users password ann")
    .argument("<name>", "name of the user; everyone may change their own password")
    .addOption(jsonOption())
    .option(...NEW_PASSWORD_FILE)
    .action(async (name, { newPasswordFile, json = false, ...flags }) => {
      const text = await newPassword(name, newPasswordFile);
      await withUsers(flags, async (users) => {
        const existed = await users.setPassword(name, text, false);
        if (json) await writeJson({ name, added: !existed });
        else await writeNotes(`${existed ? "Changed the password of" : "Added"} user '${name}'`);
      });
    });
}

function remove() {
  return newUserCommand(
    "delete",
    "Delete users; rules that name them stay",
    "rustlog users delete ann bob --yes",
  )
    .argument("<name...>", "names of the users")
    .addOption(jsonOption())
    .option("-y, --yes", "do not ask on a terminal; without a terminal nobody is asked")
    .action(async (names, { yes = false, json = false, ...flags }) => {
      const question = `Delete ${names.map((name) => `user '${name}'`).join(", ")}?`;
      if (!yes) await (await import("./confirm.js")).confirm(question);
      await withUsers(flags, async (users) => {
        const deletions = new EachTopic<{ readonly name: string }>(names);
        await deletions.run(async (name) => {
          await users.delete(name);
          if (!json) await writeNotes(`Deleted user '${name}'`);
          return { name };
        });
        if (json) await deletions.printJson();
        deletions.exitIfFailed();
      });
    });
}
