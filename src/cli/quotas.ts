// `rustlog quotas`: how much users, client ids and addresses may use. Entities and quotas are those of kafka-configs.
// Leaves to others: what a quota means (security/quotas.ts), and requests to the broker (client/admin.ts).
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { Quota, QuotaEntity, QuotaKey } from "../client/admin-types.js";
import { describeEntity, type QuotaEntity as KafkaEntity } from "../security/quota.js";
import { newCommand, usageError } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { writeNotes } from "./quiet.js";
import { formatSize, parseSize } from "./size.js";
import { formatTable } from "./table.js";

const EXAMPLES = `
  rustlog quotas set --for-user ann --producer-byte-rate 10MiB
  rustlog quotas set --for-default-user --consumer-byte-rate 50MiB --request-percentage 25
  rustlog quotas set --for-user ann --for-client-id batch --producer-byte-rate 1MiB
  rustlog quotas set --for-default-ip --connection-creation-rate 20
  rustlog quotas list --for-user ann
  rustlog quotas delete --for-user ann`;

export function quotasCommand() {
  const command = newCommand("quotas", "Set, list and delete quotas of clients", EXAMPLES);
  for (const subcommand of [set(), list(), remove()]) command.addCommand(subcommand);
  return command;
}

/** The options that name an entity. `--user` is who runs the command. */
function newQuotaCommand(name: string, description: string, example: string) {
  return newClientCommand(name, description, example)
    .addOption(jsonOption())
    .option("--for-user <name>", "a user; ANONYMOUS for everyone while there are no users")
    .option("--for-default-user", "each user without a quota of their own")
    .option(
      "--for-client-id <id>",
      "clients that call themselves so; with a user, those of the user",
    )
    .option("--for-default-client-id", "each client id without a quota of its own")
    .option("--for-ip <address>", "an IP address")
    .option("--for-default-ip", "each IP address without a quota of its own");
}

type EntityOptions = ReturnType<ReturnType<typeof newQuotaCommand>["opts"]>;

/** The entity that the options name. */
function entityOf(options: EntityOptions): QuotaEntity {
  const name = (named: string | undefined, isDefault: boolean | undefined) =>
    isDefault === true ? null : named;
  const user = name(options.forUser, options.forDefaultUser);
  const clientId = name(options.forClientId, options.forDefaultClientId);
  const ip = name(options.forIp, options.forDefaultIp);
  return {
    ...(user === undefined ? {} : { user }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(ip === undefined ? {} : { ip }),
  };
}

function parsePositive(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

function set() {
  const command = newQuotaCommand(
    "set",
    "Set quotas; those that are not named stay",
    "rustlog quotas set --for-user ann --producer-byte-rate 10MiB",
  )
    .option("--producer-byte-rate <size>", "bytes to produce, per second", parseSize)
    .option("--consumer-byte-rate <size>", "bytes to fetch, per second", parseSize)
    .option("--request-percentage <n>", "part of the broker's time", parsePositive)
    .option(
      "--controller-mutation-rate <n>",
      "partitions to create and delete, per second",
      parsePositive,
    )
    .option(
      "--connection-creation-rate <n>",
      "new connections of an address, per second",
      parsePositive,
    );
  return command.action((options) => {
    const entity = entityOf(options);
    const given: Record<QuotaKey, number | undefined> = {
      producer_byte_rate: options.producerByteRate,
      consumer_byte_rate: options.consumerByteRate,
      request_percentage: options.requestPercentage,
      controller_mutation_rate: options.controllerMutationRate,
      connection_creation_rate: options.connectionCreationRate,
    };
    const values = Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as Partial<Record<QuotaKey, number>>;
    if (Object.keys(entity).length === 0)
      usageError(command, "name the owner of the quota, such as --for-user NAME");
    if (Object.keys(values).length === 0)
      usageError(command, "name a quota, such as --producer-byte-rate 10MiB");
    return withClient(options, async (client) => {
      await client.admin().alterQuotas([{ entity, values }]);
      if (options.json === true) return await writeJson({ entity, values });
      await writeNotes(`Set ${countQuotas(Object.keys(values).length)} of ${nameOf(entity)}`);
    });
  });
}

function countQuotas(count: number): string {
  return count === 1 ? "1 quota" : `${count} quotas`;
}

function nameOf({ clientId, ...entity }: QuotaEntity): string {
  const named: KafkaEntity = clientId === undefined ? entity : { ...entity, "client-id": clientId };
  return describeEntity(named);
}

function list() {
  const command = newQuotaCommand("list", "List quotas", "rustlog quotas list --for-user ann");
  return command.action((options) => {
    const wanted = Object.entries(entityOf(options));
    return withClient(options, async (client) => {
      const quotas = (await client.admin().listQuotas()).filter(({ entity }) =>
        wanted.every(([type, name]) => entity[type as keyof QuotaEntity] === name),
      );
      if (options.json === true) return await writeJson(quotas);
      const rows = quotas.flatMap(({ entity, values }) =>
        Object.entries(values).map(([key, value]) => [
          ...[shown(entity.user), shown(entity.clientId), shown(entity.ip)],
          ...[key, isBytes(key) ? `${formatSize(value)}/s` : String(value)],
        ]),
      );
      await writeText(formatTable(["USER", "CLIENT ID", "IP", "QUOTA", "VALUE"], rows));
    });
  });
}

function shown(name: string | null | undefined): string {
  return name === undefined ? "-" : (name ?? "(default)");
}

function isBytes(key: string): boolean {
  return key.endsWith("_byte_rate");
}

function remove() {
  const command = newQuotaCommand(
    "delete",
    "Delete quotas of exactly this entity: those that are named, or all",
    "rustlog quotas delete --for-user ann",
  )
    .option("--producer-byte-rate", "this one")
    .option("--consumer-byte-rate", "this one")
    .option("--request-percentage", "this one")
    .option("--controller-mutation-rate", "this one")
    .option("--connection-creation-rate", "this one");
  return command.action((options) => {
    const entity = entityOf(options);
    if (Object.keys(entity).length === 0)
      usageError(command, "name the owner of the quotas, such as --for-user NAME");
    const isNamed: Record<QuotaKey, boolean | undefined> = {
      producer_byte_rate: options.producerByteRate,
      consumer_byte_rate: options.consumerByteRate,
      request_percentage: options.requestPercentage,
      controller_mutation_rate: options.controllerMutationRate,
      connection_creation_rate: options.connectionCreationRate,
    };
    const areNamed = Object.values(isNamed).includes(true);
    return withClient(options, async (client) => {
      const admin = client.admin();
      const found = (await admin.listQuotas()).find((quota) => isSame(quota, entity));
      const keys = (Object.keys(found?.values ?? {}) as QuotaKey[]).filter(
        (key) => !areNamed || isNamed[key] === true,
      );
      const values = Object.fromEntries(keys.map((key) => [key, null]));
      if (keys.length > 0) await admin.alterQuotas([{ entity, values }]);
      if (options.json === true) return await writeJson({ deleted: keys.length });
      await writeNotes(`Deleted ${countQuotas(keys.length)} of ${nameOf(entity)}`);
    });
  });
}

function isSame({ entity }: Quota, wanted: QuotaEntity): boolean {
  return nameOf(entity) === nameOf(wanted);
}
