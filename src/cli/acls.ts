// `rustlog acls`: rules that say who may do what, with the options of kafka-acls.
// Leaves to others: what a rule means (security/authorizer.ts), requests to the broker (client/admin.ts), and the directory of a
// stopped one (stopped-broker.ts).
import { Option } from "@commander-js/extra-typings";
import type { Acl, AclFilter } from "../client/admin-types.js";
import { CLUSTER_NAME, OPERATIONS } from "../security/permission.js";
import { newCommand, usageError } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { writeNotes } from "./quiet.js";
import type { StoppedAcls } from "./stopped-broker.js";
import { formatTable } from "./table.js";

const EXAMPLES = `
  rustlog acls add --allow ann --operation read --topic orders --group 'billing-' --prefixed
  rustlog acls add --allow ann --operation write,describe --topic orders
  rustlog acls add --deny '*' --operation all --topic secret --host 10.0.0.9
  rustlog acls list --topic orders
  rustlog acls delete --allow ann --topic orders
  rustlog acls add --allow CN=ann,O=acme --topic '*' --data-dir data`;

/** As people type them: `describe-configs` for DESCRIBE_CONFIGS. */
const OPERATION_NAMES = (Object.keys(OPERATIONS) as Acl["operation"][]).map((name) => ({
  name,
  typed: name.toLowerCase().replaceAll("_", "-"),
}));

export function aclsCommand() {
  const command = newCommand("acls", "Add, list and delete rules: who may do what", EXAMPLES);
  for (const subcommand of [add(), list(), remove()]) command.addCommand(subcommand);
  return command;
}

/** The options that name principals, resources and operations. */
function newAclCommand(name: string, description: string, example: string) {
  return newClientCommand(name, description, example)
    .addOption(jsonOption())
    .option("--allow <user>", "user who may; * for everyone; may be repeated", collect)
    .option("--deny <user>", "user who may not, whatever other rules say; may be repeated", collect)
    .option("--topic <name>", "a topic; * for all; may be repeated", collect)
    .option("--group <name>", "a group; may be repeated", collect)
    .option("--transactional-id <id>", "a transactional id; may be repeated", collect)
    .option("--cluster", "the cluster")
    .option("--prefixed", "the names are beginnings of names")
    .addOption(
      new Option(
        "--operation <name[,name...]>",
        `one of ${OPERATION_NAMES.map(({ typed }) => typed).join(", ")}; may be repeated`,
      ).argParser((text: string, before: string | undefined) =>
        before === undefined ? text : `${before},${text}`,
      ),
    )
    .option("--host <address>", "only for clients at this IP address; may be repeated", collect)
    .option("--data-dir <dir>", "directory of a stopped broker, instead of a running one");
}

/** Runs `body` with the rules of a broker, running or not. */
async function withAcls(
  options: AclOptions,
  body: (acls: StoppedAcls) => Promise<void>,
): Promise<void> {
  if (options.dataDir === undefined) {
    await withClient(options, (client) => body(client.admin()));
    return;
  }
  const { openStoppedAcls } = await import("./stopped-broker.js");
  await using acls = openStoppedAcls(options.dataDir);
  await body(acls);
}

type AclCommand = ReturnType<typeof newAclCommand>;
type AclOptions = ReturnType<AclCommand["opts"]>;

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function add() {
  const command = newAclCommand("add", "Add rules", "rustlog acls add --allow ann --topic orders");
  return command.action((options) => {
    const rules = rulesOf(command, options);
    return withAcls(options, async (acls) => {
      const { added } = await acls.alterAcls({ add: rules });
      if (options.json === true) return await writeJson({ added, existing: rules.length - added });
      await writeNotes(`Added ${countRules(added)}${restOf(rules.length - added)}`);
    });
  });
}

function countRules(count: number): string {
  return count === 1 ? "1 rule" : `${count} rules`;
}

function restOf(existing: number): string {
  return existing === 0 ? "" : `; ${countRules(existing)} existed`;
}

function list() {
  const command = newAclCommand("list", "List rules", "rustlog acls list --topic orders");
  return command.action((options) => {
    const filters = filtersOf(command, options);
    return withAcls(options, async (acls) => {
      const found = await findAll(acls, filters);
      if (options.json === true) return await writeJson(found);
      await writeText(
        formatTable(
          ["PRINCIPAL", "PERMISSION", "OPERATION", "RESOURCE", "NAME", "PATTERN", "HOST"],
          found.map((acl) => [
            ...[acl.principal, acl.permissionType, acl.operation, acl.resourceType],
            ...[acl.resourceName, acl.patternType, acl.host],
          ]),
        ),
      );
    });
  });
}

function remove() {
  const command = newAclCommand(
    "delete",
    "Delete the rules that have all of the given values",
    "rustlog acls delete --allow ann --topic orders --operation read",
  ).option("-y, --yes", "do not ask on a terminal; without a terminal nobody is asked");
  return command.action((options) => {
    const filters = filtersOf(command, options);
    if (filters.some((filter) => Object.keys(filter).length === 0)) {
      usageError(
        command,
        "name the rules to delete by user, resource or operation; `rustlog acls list` shows them",
      );
    }
    return withAcls(options, async (acls) => {
      const found = await findAll(acls, filters);
      if (options.yes !== true && found.length > 0) {
        const { confirm } = await import("./confirm.js");
        await confirm(`Delete ${countRules(found.length)}?`);
      }
      const { deleted } = await acls.alterAcls({ delete: found });
      if (options.json === true) return await writeJson({ deleted });
      await writeNotes(`Deleted ${countRules(deleted)}`);
    });
  });
}

async function findAll(
  acls: Pick<StoppedAcls, "listAcls">,
  filters: readonly AclFilter[],
): Promise<Acl[]> {
  const found = new Map<string, Acl>();
  for (const filter of filters) {
    for (const acl of await acls.listAcls(filter)) found.set(JSON.stringify(acl), acl);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, acl]) => acl);
}

/** The rules that the options describe: one for each combination. */
function rulesOf(command: AclCommand, options: AclOptions): Acl[] {
  const principals = principalsOf(options);
  const resources = resourcesOf(options);
  if (principals.length === 0)
    usageError(command, "a rule needs a user: --allow NAME or --deny NAME");
  if (resources.length === 0) {
    usageError(
      command,
      "a rule needs a resource: --topic, --group, --transactional-id or --cluster",
    );
  }
  const operations = operationsOf(command, options.operation) ?? ["ALL"];
  const patternType = options.prefixed === true ? "PREFIXED" : "LITERAL";
  return principals.flatMap((principal) =>
    resources.flatMap((resource) =>
      operations.flatMap((operation) =>
        (options.host ?? ["*"]).map((host) => ({
          ...principal,
          ...resource,
          patternType: resource.resourceType === "CLUSTER" ? "LITERAL" : patternType,
          ...{ operation, host },
        })),
      ),
    ),
  );
}

/** The filters that the options describe; a field that they don't name matches any value. */
function filtersOf(command: AclCommand, options: AclOptions): AclFilter[] {
  const all: readonly AclFilter[] = [{}];
  const orAll = <T extends AclFilter>(given: readonly T[]): readonly AclFilter[] =>
    given.length === 0 ? all : given;
  const patterns: readonly AclFilter[] =
    options.prefixed === true ? [{ patternType: "PREFIXED" }] : all;
  const operations = (operationsOf(command, options.operation) ?? []).map((operation) => ({
    operation,
  }));
  const hosts = (options.host ?? []).map((host) => ({ host }));
  let filters: readonly AclFilter[] = orAll(principalsOf(options));
  for (const more of [orAll(resourcesOf(options)), patterns, orAll(operations), orAll(hosts)]) {
    filters = filters.flatMap((filter) => more.map((other) => ({ ...filter, ...other })));
  }
  return [...filters];
}

function principalsOf({
  allow = [],
  deny = [],
}: AclOptions): Pick<Acl, "principal" | "permissionType">[] {
  // As in kafka-acls, where a user is `User:ann`.
  const principal = (user: string): string => (user.startsWith("User:") ? user : `User:${user}`);
  return [
    ...allow.map((user) => ({ principal: principal(user), permissionType: "ALLOW" as const })),
    ...deny.map((user) => ({ principal: principal(user), permissionType: "DENY" as const })),
  ];
}

function resourcesOf(options: AclOptions): Pick<Acl, "resourceType" | "resourceName">[] {
  const { topic = [], group = [], transactionalId = [], cluster = false } = options;
  return [
    ...topic.map((resourceName) => ({ resourceType: "TOPIC" as const, resourceName })),
    ...group.map((resourceName) => ({ resourceType: "GROUP" as const, resourceName })),
    ...transactionalId.map((resourceName) => ({
      ...{ resourceType: "TRANSACTIONAL_ID" as const, resourceName },
    })),
    ...(cluster ? [{ resourceType: "CLUSTER" as const, resourceName: CLUSTER_NAME }] : []),
  ];
}

function operationsOf(
  command: AclCommand,
  text: string | undefined,
): Acl["operation"][] | undefined {
  return text?.split(",").map((word) => {
    const typed = word.trim().toLowerCase().replaceAll("_", "-");
    const found = OPERATION_NAMES.find((each) => each.typed === typed);
    if (found !== undefined) return found.name;
    const known = OPERATION_NAMES.map((each) => each.typed).join(", ");
    return usageError(command, `there is no operation '${word}'; expected one of ${known}`);
  });
}
