// Members of the classic protocol in a consumer group, and the way of such a group to the other type and back (KIP-848's
// online migration): what they say and get in the format of consumers.
// Leaves to others: the group (consumer-group.ts), and the format (consumer-protocol.ts).
import { RustLogError } from "../../errors.js";
import {
  type ClassicMemberState,
  type JoinRequest,
  rebalanceTimeoutOf,
  type SyncRequest,
} from "../classic/classic-requests.js";
import {
  type ConsumerSubscription,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  type NamedPartitions,
} from "../classic/consumer-protocol.js";
import type { GroupRecord } from "../group-record.js";
import { assignmentOf, type TopicPartitions } from "./assignment.js";
import { type ConsumerMember, JOINING } from "./consumer-member.js";
import type { HeartbeatRequest, StoredGroup } from "./consumer-requests.js";
import type { SubscriptionContext } from "./group-subscriptions.js";

/** What members of the classic protocol call the type of a group of consumers. */
export const CONSUMER_TYPE = "consumer";

type Topics = SubscriptionContext["topics"];

/** The members of a classic group, who keep what they read. Throws INCONSISTENT_GROUP_PROTOCOL if one is not a consumer. */
export function storedFromClassic(
  topics: Topics,
  generation: number,
  classic: readonly ClassicMemberState[],
): StoredGroup {
  const epoch = Math.max(generation, 1);
  const members = classic.map(({ memberId, assignment, sessionTimeoutMs, protocols, ...rest }) => {
    const subscription = decodeSubscription(protocols[0]?.metadata ?? new Uint8Array());
    const { topics: topicNames, rackId } = subscription;
    const assigned = assignmentOf(withIds(topics, decodeAssignment(assignment)));
    const position = { ...JOINING, epoch, previousEpoch: epoch, assigned };
    const identity = { ...rest, id: memberId, rackId, assignor: null, pattern: "" };
    const kept = { classic: { sessionTimeoutMs, protocols }, position, target: assigned };
    return { ...identity, ...kept, topicNames };
  });
  return { groupEpoch: epoch, assignmentEpoch: epoch, members };
}

/** A group of such members as a classic one. */
export function classicRecordOf(
  state: Pick<GroupRecord, "protocolType" | "generation" | "currentStateTimestamp">,
  topics: Topics,
  members: readonly ConsumerMember[],
  sessionTimeoutMs: number,
): GroupRecord {
  const protocol = commonProtocols(members)?.[0] ?? "";
  return {
    ...state,
    protocol,
    leader: members[0]?.id ?? null,
    members: members.map((member) => ({
      ...{ memberId: member.id, instanceId: member.instanceId, clientId: member.clientId },
      ...{ clientHost: member.clientHost, rebalanceTimeoutMs: member.rebalanceTimeoutMs },
      sessionTimeoutMs: member.classic?.sessionTimeoutMs ?? sessionTimeoutMs,
      metadata:
        member.classic?.protocols.find(({ name }) => name === protocol)?.metadata ??
        new Uint8Array(),
      assignment: encodedAssignment(topics, member),
    })),
  };
}

/** The subscription of a member that joins. Throws INCONSISTENT_GROUP_PROTOCOL unless the others can work with it. */
export function subscriptionOf(
  group: string,
  members: Iterable<ConsumerMember>,
  { protocolType, protocols }: JoinRequest,
): ConsumerSubscription {
  const common = commonProtocols(members);
  const isKnown = common === undefined || protocols.some(({ name }) => common.includes(name));
  const [first] = protocols;
  if (protocolType === CONSUMER_TYPE && first !== undefined && isKnown) {
    return decodeSubscription(first.metadata);
  }
  const message = `members of group '${group}' have the protocols ${common?.join(", ") ?? ""} of type '${CONSUMER_TYPE}'`;
  throw new RustLogError("INCONSISTENT_GROUP_PROTOCOL", message);
}

/** What a member with this JoinGroup would say in the heartbeat with which members of the consumer protocol join. */
export function joiningOf(
  request: JoinRequest,
  memberId: string,
  { topics, rackId }: ConsumerSubscription,
): HeartbeatRequest {
  const { instanceId, clientId, clientHost } = request;
  const rebalanceTimeoutMs = rebalanceTimeoutOf(request);
  return {
    ...{ memberId, memberEpoch: 0, instanceId, rackId, rebalanceTimeoutMs, clientId, clientHost },
    ...{ topicNames: topics, pattern: "", assignor: null, owned: [] },
  };
}

/** The protocol of a member. Throws INCONSISTENT_GROUP_PROTOCOL if its SyncGroup names another one. */
export function protocolFor(group: string, member: ConsumerMember, request: SyncRequest): string {
  const protocol = member.classic?.protocols[0]?.name ?? "";
  if (
    (request.protocolType ?? CONSUMER_TYPE) === CONSUMER_TYPE &&
    (request.protocol ?? protocol) === protocol
  ) {
    return protocol;
  }
  const message = `member '${member.id}' of group '${group}' uses protocol '${protocol}' of type '${CONSUMER_TYPE}'`;
  throw new RustLogError("INCONSISTENT_GROUP_PROTOCOL", message);
}

/** What all members of the classic protocol can use; undefined if there is no such member. */
function commonProtocols(members: Iterable<ConsumerMember>): readonly string[] | undefined {
  let common: readonly string[] | undefined;
  for (const { classic } of members) {
    if (classic === undefined) continue;
    const names = classic.protocols.map(({ name }) => name);
    common = common === undefined ? names : common.filter((name) => names.includes(name));
  }
  return common;
}

/** What a member may read, as it is told. */
export function encodedAssignment(
  topics: Topics,
  { position, classic }: Pick<ConsumerMember, "position" | "classic">,
): Uint8Array {
  const named: NamedPartitions[] = [];
  for (const [topicId, partitions] of position.assigned) {
    const topic = topics.byId(topicId)?.name;
    if (topic !== undefined) named.push({ topic, partitions });
  }
  const metadata = classic?.protocols[0]?.metadata;
  const version = metadata === undefined ? 0 : decodeSubscription(metadata).version;
  return encodeAssignment(version, named);
}

/** Partitions by the ids of their topics; those of topics that do not exist are left out. */
export function withIds(topics: Topics, partitions: readonly NamedPartitions[]): TopicPartitions[] {
  return partitions.flatMap(({ topic, partitions: its }) => {
    const topicId = topics.find(topic)?.id;
    return topicId === undefined ? [] : [{ topicId, partitions: its }];
  });
}
