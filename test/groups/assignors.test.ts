// The assignors: whoever subscribes to what, every partition has one owner, the load is even, and little moves.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Assignment } from "../../src/groups/consumer/assignment.js";
import {
  type AssignableMember,
  type AssignableTopic,
  ASSIGNORS,
  type Assignor,
} from "../../src/groups/consumer/assignors.js";

const uniform = ASSIGNORS.get("uniform")!;
const range = ASSIGNORS.get("range")!;

interface Setup {
  readonly topics: readonly AssignableTopic[];
  /** For each member, its topics. */
  readonly subscriptions: readonly (readonly number[])[];
}

const setup: fc.Arbitrary<Setup> = fc.record({
  topics: fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    .map((counts) => counts.map((partitions, i) => ({ id: `t${i}`, partitions }))),
  subscriptions: fc.array(fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 8,
  }),
});

function membersOf(
  { topics, subscriptions }: Setup,
  targets: ReadonlyMap<string, Assignment> = new Map(),
): AssignableMember[] {
  const shared = new Map<string, readonly AssignableTopic[]>();
  return subscriptions.map((wanted, i) => {
    const its = topics.filter((_, at) => wanted.includes(at));
    const key = its.map(({ id }) => id).join();
    if (!shared.has(key)) shared.set(key, its);
    const id = `m${i}`;
    return { id, instanceId: null, topics: shared.get(key)!, target: targets.get(id) ?? new Map() };
  });
}

/** The owner of each partition, after checking that there is one and that it subscribes to it. */
function ownersOf(
  members: readonly AssignableMember[],
  result: ReadonlyMap<string, Assignment>,
): Map<string, string> {
  const owners = new Map<string, string>();
  for (const [id, assignment] of result) {
    const topics = members.find((member) => member.id === id)!.topics;
    for (const [topicId, partitions] of assignment) {
      const topic = topics.find((each) => each.id === topicId);
      expect(topic).toBeDefined();
      for (const partition of partitions) {
        expect(partition).toBeWithin(0, topic!.partitions);
        expect(owners.has(`${topicId}-${partition}`)).toBe(false);
        owners.set(`${topicId}-${partition}`, id);
      }
    }
  }
  const subscribed = new Map(
    members.flatMap(({ topics }) => topics.map((each) => [each.id, each])),
  );
  let total = 0;
  for (const { partitions } of subscribed.values()) total += partitions;
  expect(owners.size).toBe(total);
  return owners;
}

function countsOf(
  members: readonly AssignableMember[],
  owners: ReadonlyMap<string, string>,
): Map<string, number> {
  const counts = new Map(members.map(({ id }) => [id, 0]));
  for (const id of owners.values()) counts.set(id, counts.get(id)! + 1);
  return counts;
}

function moved(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): number {
  let count = 0;
  for (const [partition, owner] of after) if (before.get(partition) !== owner) count++;
  return count;
}

for (const [name, assign] of ASSIGNORS) {
  test(`${name}: every partition of a subscribed topic has one owner, which subscribes to it`, () => {
    fc.assert(
      fc.property(setup, (each) => {
        const members = membersOf(each);
        ownersOf(members, assign(members));
      }),
    );
  });
}

describe("uniform", () => {
  const equal = setup.map(({ topics, subscriptions }) => ({
    topics,
    subscriptions: subscriptions.map(() => topics.map((_, i) => i)),
  }));

  test("the numbers of partitions of equal members differ by one at most", () => {
    fc.assert(
      fc.property(equal, (each) => {
        const members = membersOf(each);
        const counts = [...countsOf(members, ownersOf(members, uniform(members))).values()];
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("no partition could move to a member that has two fewer", () => {
    fc.assert(
      fc.property(setup, (each) => {
        const members = membersOf(each);
        const owners = ownersOf(members, uniform(members));
        const counts = countsOf(members, owners);
        for (const [partition, owner] of owners) {
          const topicId = partition.slice(0, 2);
          for (const { id, topics } of members) {
            if (topics.some((topic) => topic.id === topicId)) {
              expect(counts.get(owner)! - counts.get(id)!).toBeLessThanOrEqual(1);
            }
          }
        }
      }),
    );
  });

  test("nothing moves if nothing changes", () => {
    fc.assert(
      fc.property(setup, (each) => {
        const first = uniform(membersOf(each));
        const members = membersOf(each, first);
        expect(moved(ownersOf(members, first), ownersOf(members, uniform(members)))).toBe(0);
      }),
    );
  });

  test("only as many partitions move as equal members must give up", () => {
    fc.assert(
      fc.property(equal, fc.nat(7), fc.nat(3), (each, leaving, joining) => {
        const before = membersOf(each);
        const first = uniform(before);
        const all = topics(each);
        const left = leaving % each.subscriptions.length;
        const stays = Math.max(left, joining === 0 ? 1 : 0);
        // The last members leave, and others join.
        const after = [
          ...membersOf(each, first).slice(0, stays),
          ...Array.from({ length: joining }, (_, i) => ({
            id: `new${i}`,
            instanceId: null,
            topics: before[0]!.topics,
            target: new Map(),
          })),
        ];
        const owners = ownersOf(before, first);
        const now = ownersOf(after, uniform(after));
        expect(moved(owners, now)).toBe(
          fewestMoves(after, countsOf(after, kept(owners, after)), all),
        );
      }),
    );
  });

  function topics({ topics: all }: Setup): number {
    return all.reduce((sum, { partitions }) => sum + partitions, 0);
  }

  function kept(owners: ReadonlyMap<string, string>, after: readonly AssignableMember[]) {
    return new Map([...owners].filter(([, owner]) => after.some(({ id }) => id === owner)));
  }

  /** What nobody of the members had, and what those have too many. */
  function fewestMoves(
    members: readonly AssignableMember[],
    counts: ReadonlyMap<string, number>,
    all: number,
  ): number {
    const quota = Math.floor(all / members.length);
    let extras = all % members.length;
    let stay = 0;
    for (const count of counts.values()) {
      stay += Math.min(count, quota);
      if (count > quota && extras-- > 0) stay++;
    }
    return all - stay;
  }
});

describe("range", () => {
  test("members that subscribe to the same topics of equal length read the same partitions of them", () => {
    const all = [
      { id: "a", partitions: 5 },
      { id: "b", partitions: 5 },
    ];
    const result = range(members(all, ["x", null], ["y", null]));
    expect(plain(result)).toEqual({
      x: { a: [0, 1, 2], b: [0, 1, 2] },
      y: { a: [3, 4], b: [3, 4] },
    });
  });

  test("a static member keeps its range when it comes back under another member id", () => {
    const all = [{ id: "a", partitions: 4 }];
    const before = plain(range(members(all, ["x", "i1"], ["y", "i2"])));
    const after = plain(range(members(all, ["z", "i1"], ["y", "i2"])));
    expect(after.z).toEqual(before.x!);
    expect(after.y).toEqual(before.y!);
  });

  test("static members come before dynamic ones", () => {
    const all = [{ id: "a", partitions: 2 }];
    const result = plain(range(members(all, ["a-dynamic", null], ["z-static", "i"])));
    expect(result).toEqual({ "z-static": { a: [0] }, "a-dynamic": { a: [1] } });
  });

  function members(
    topics: readonly AssignableTopic[],
    ...ids: readonly (readonly [string, string | null])[]
  ): AssignableMember[] {
    return ids.map(([id, instanceId]) => ({ id, instanceId, topics, target: new Map() }));
  }

  function plain(result: ReturnType<Assignor>): Record<string, Record<string, readonly number[]>> {
    return Object.fromEntries([...result].map(([id, each]) => [id, Object.fromEntries(each)]));
  }
});

test("2,000 members with different subscriptions to 500 topics are assigned without comparing each with each", () => {
  const all = Array.from({ length: 500 }, (_, i) => ({ id: `t${i}`, partitions: 10 }));
  const subscriptions = [all, all.slice(0, 250), all.slice(125)];
  const members = Array.from({ length: 2_000 }, (_, i) => ({
    id: `m${i}`,
    instanceId: null,
    topics: subscriptions[i % 3]!,
    target: new Map(),
  }));
  const first = uniform(members);
  const half = members
    .slice(0, 1_000)
    .map((each) => ({ ...each, target: first.get(each.id) ?? new Map() }));
  ownersOf(half, uniform(half));
});
