// `rustlog groups describe`: where a group is, who reads what, and how far behind it is.
// Leaves to others: requests to the broker (client/admin.ts).
import type { Admin } from "../client/admin.js";
import type { GroupMember, GroupOffset, GroupState } from "../client/admin-types.js";
import { RustLogError } from "../errors.js";
import { printable } from "../printable.js";
import { lagOf, NOT_COMMITTED } from "../services/group-lag.js";
import { usageError } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { formatTable } from "./table.js";

const EXAMPLES = `
  rustlog groups describe billing
  rustlog groups describe billing --members
  rustlog groups describe billing --state`;

/** Shown instead of what is not there. */
const NONE = "-";

type Partition = GroupOffset & { readonly lag: number };

interface Described extends Omit<GroupState, "members"> {
  readonly group: string;
  readonly coordinator: string;
  readonly members: readonly GroupMember[];
  readonly lag: number;
  readonly partitions: readonly Partition[];
}

export function describe() {
  const description = "Show a group's state, its position and lag by partition, and its members";
  const command = newClientCommand("describe", description, EXAMPLES)
    .argument("<group>", "name of the group")
    .addOption(jsonOption())
    .option("--members", "show its members and what each reads")
    .option("--state", "show only its state");
  return command.action((group, options) => {
    const { members, state } = options;
    if (members === true && state === true) {
      usageError(command, "--members and --state can't be combined");
    }
    return withClient(options, async (client) => {
      const described = await describedBy(client.admin(), group, client.broker);
      if (options.json === true) await writeJson(jsonOf(described));
      else if (members === true) await writeText(membersText(described));
      else if (state === true) await writeText(stateText(described));
      else await writeText(partitionsText(described));
    });
  });
}

async function describedBy(admin: Admin, group: string, coordinator: string): Promise<Described> {
  const state = await stateOf(admin, group);
  const offsets = await admin.describeGroup(group);
  const partitions = offsets.map((offset) => ({ ...offset, lag: lagOf(offset) }));
  const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
  return { ...state, group, coordinator, lag, partitions };
}

/** The state of a group; of any group of an older broker, that of one without members. */
export async function stateOf(admin: Admin, group: string): Promise<GroupState> {
  try {
    return await admin.describeMembers(group);
  } catch (error) {
    if (!(error instanceof RustLogError) || error.code !== "UNSUPPORTED_VERSION") throw error;
    const none = { type: undefined, protocolType: undefined, assignor: undefined, generation: 0 };
    return { state: "Empty", ...none, members: [] };
  }
}

function jsonOf({ coordinator: _, ...described }: Described): object {
  const { group, state, type, protocolType, assignor, generation, lag } = described;
  return {
    ...{ group, state, type: type ?? null, protocolType: protocolType ?? null },
    ...{ assignor: assignor ?? null, generation },
    members: described.members.map(({ instanceId, ...member }) => ({
      ...member,
      instanceId: instanceId ?? null,
    })),
    lag,
    partitions: described.partitions.map(({ memberId, ...partition }) => ({
      ...partition,
      memberId: memberId ?? null,
    })),
  };
}

function partitionsText(described: Described): string {
  const { members, partitions, lag } = described;
  const byId = new Map(members.map((member) => [member.memberId, member]));
  const hasOwners = partitions.some(({ memberId }) => memberId !== undefined);
  const header = ["TOPIC", "PARTITION", "COMMITTED", "LOG-END", "LAG", "COMMITTED-AT"];
  const rows = partitions.map((row) => [
    row.topic,
    row.partition,
    offsetCell(row.committedOffset),
    row.highWatermark,
    row.lag,
    row.committedOffset === NOT_COMMITTED ? NONE : new Date(row.commitTimestamp).toISOString(),
    ...(hasOwners ? ownerCells(row.memberId, byId) : []),
  ]);
  const all = hasOwners ? [...header, "MEMBER", "HOST", "CLIENT-ID"] : header;
  const table = rows.length === 0 ? "" : `${formatTable(all, rows)}\n`;
  return `${summaryOf(described)}\n${table}Total lag: ${lag}\n`;
}

function ownerCells(
  memberId: string | undefined,
  members: ReadonlyMap<string, GroupMember>,
): string[] {
  if (memberId === undefined) return [NONE, NONE, NONE];
  const member = members.get(memberId);
  return [memberId, member?.host ?? NONE, member?.clientId ?? NONE];
}

function summaryOf({ group, state, type, assignor, members }: Described): string {
  const kind = [type, assignor].filter((word) => word !== undefined).join(", ");
  const lines = [
    ["Group", group],
    ["State", kind === "" ? state : `${state} (${kind})`],
  ];
  lines.push(["Members", String(members.length)]);
  return lines.map(([name, value]) => `${name}: ${printable(value!)}\n`).join("");
}

function membersText({ group, state, members, partitions }: Described): string {
  if (members.length === 0) return `Group '${printable(group)}' has no members (${state}).\n`;
  const byMember = Map.groupBy(partitions, ({ memberId }) => memberId);
  const isStatic = members.some(({ instanceId }) => instanceId !== undefined);
  const header = ["MEMBER", ...(isStatic ? ["INSTANCE-ID"] : []), "HOST", "CLIENT-ID"];
  const rows = members.map((member) => [
    member.memberId,
    ...(isStatic ? [member.instanceId ?? NONE] : []),
    member.host,
    member.clientId,
    member.partitions,
    assignmentCell(byMember.get(member.memberId) ?? []),
  ]);
  return formatTable([...header, "PARTITIONS", "ASSIGNMENT"], rows);
}

/** As the command line takes them: `orders:0,2 invoices:1`. */
function assignmentCell(partitions: readonly Partition[]): string {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  const texts = [...byTopic].map(
    ([topic, rows]) => `${topic}:${rows.map(({ partition }) => partition).join(",")}`,
  );
  return texts.length === 0 ? NONE : texts.join(" ");
}

function stateText({ group, coordinator, assignor, state, type, members }: Described): string {
  const header = ["GROUP", "COORDINATOR", "ASSIGNOR", "STATE", "TYPE", "MEMBERS"];
  const row = [group, coordinator, assignor ?? NONE, state, type ?? NONE, members.length];
  return formatTable(header, [row]);
}

export function offsetCell(offset: number): string | number {
  return offset === NOT_COMMITTED ? NONE : offset;
}
