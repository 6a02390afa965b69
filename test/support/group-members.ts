// Members of classic consumer groups in a broker of this process, without connections: as Kafka's clients join and share.
// Leaves to others: expectations, and joining over a connection (test/protocol/kafka).
import type { JoinResult, SyncResult } from "../../src/groups/classic/classic-requests.js";
import type { GroupCoordinator } from "../../src/groups/coordinator.js";
import { ByteWriter } from "../../src/protocol/native/writer.js";

/** What a member reads, by topic. */
export type Assigned = Readonly<Record<string, readonly number[]>>;

export interface MemberSpec {
  readonly clientId: string;
  readonly instanceId?: string;
  readonly assigned: Assigned;
}

/** Lets members join a group, and returns their ids once the group is stable. The first one leads. */
export async function joinGroup(
  groups: GroupCoordinator,
  group: string,
  specs: readonly MemberSpec[],
): Promise<readonly string[]> {
  const topics = [...new Set(specs.flatMap(({ assigned }) => Object.keys(assigned)))];
  const metadata = subscription(topics);
  const joined = await Promise.all(
    specs.map(({ clientId, instanceId = null }) => {
      const { promise, resolve, reject } = Promise.withResolvers<JoinResult>();
      const request = {
        ...{ clientId, clientHost: "/10.0.0.7", memberId: "", instanceId },
        ...{ sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000, protocolType: "consumer" },
        protocols: [{ name: "range", metadata }],
        ...{ needsMemberId: false, maySkipAssignment: false },
      };
      groups.join(group, request, (outcome) =>
        "error" in outcome ? reject(outcome.error) : resolve(outcome),
      );
      return promise;
    }),
  );
  const assignments = joined.map(({ memberId }, i) => ({
    memberId,
    assignment: assignment(specs[i]!.assigned),
  }));
  await Promise.all(
    joined.map(({ memberId, generation, leader }, i) => {
      const { promise, resolve, reject } = Promise.withResolvers<SyncResult>();
      const request = {
        ...{ memberId, generation, instanceId: specs[i]!.instanceId ?? null },
        ...{ protocolType: null, protocol: null },
        assignments: memberId === leader ? assignments : [],
      };
      groups.sync(group, request, (outcome) =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome),
      );
      return promise;
    }),
  );
  return joined.map(({ memberId }) => memberId);
}

/** ConsumerProtocolSubscription, version 0. */
function subscription(topics: readonly string[]): Uint8Array {
  const writer = new ByteWriter().raw(Uint8Array.of(0, 0)).u32(topics.length);
  for (const topic of topics) writer.string(topic);
  return writer.u32(0).finish();
}

/** ConsumerProtocolAssignment, version 0. */
export function assignment(assigned: Assigned): Uint8Array {
  const topics = Object.entries(assigned);
  const writer = new ByteWriter().raw(Uint8Array.of(0, 0)).u32(topics.length);
  for (const [topic, partitions] of topics) {
    writer.string(topic).u32(partitions.length);
    for (const partition of partitions) writer.u32(partition);
  }
  return writer.u32(0).finish();
}
