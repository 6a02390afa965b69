// The table of committed offsets against a flat map: whatever is set, deleted and swept, in whatever pages it is read.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { detailsOf, type OffsetKey } from "../../src/groups/offsets/offset-record.js";
import { type OffsetRow, OffsetTable } from "../../src/groups/offsets/offset-table.js";

const TOPIC_ID = "00112233-4455-4677-8899-aabbccddeeff";

const name = fc.constantFrom("a", "b", "c", "__proto__");
const change = fc.oneof(
  {
    arbitrary: fc.record({
      group: name,
      topic: name,
      partition: fc.nat(3),
      offset: fc.option(fc.nat(100)),
      details: fc.constantFrom(undefined, detailsOf(0, "", false), detailsOf(1, "m", true)),
    }),
    weight: 10,
  },
  fc.record({ topicGone: name }),
  fc.record({ sweep: fc.integer({ min: 1, max: 3 }) }),
);

test("the table matches a flat map, with chunks of any size", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 120 }), fc.nat(5), (changes, chunkRows) => {
      const table = new OffsetTable(1 + chunkRows);
      const model = new Map<string, OffsetRow>();
      for (const each of changes) {
        if ("sweep" in each) table.sweep(each.sweep);
        else if ("topicGone" in each) {
          table.deleteTopic(each.topicGone);
          for (const [key, row] of model) if (row.topic === each.topicGone) model.delete(key);
        } else {
          const { group, topic, partition, offset, details } = each;
          const key = `${group}/${topic}/${partition}`;
          if (offset === null) {
            table.delete({ group, topic, partition });
            model.delete(key);
          } else {
            const row = { offset, commitTimestamp: offset + 1, topicId: TOPIC_ID };
            const committed = { ...row, details };
            table.set({ group, topic, partition }, committed);
            model.set(key, { group, topic, partition, ...committed });
          }
          expect(table.get(group, topic, partition)?.offset).toBe(model.get(key)?.offset);
        }
        expect(table.size).toBe(model.size);
      }
      expectRows(table, model);
      while (table.sweep(2)) {}
      expectRows(table, model);
    }),
  );
});

function expectRows(table: OffsetTable, model: ReadonlyMap<string, OffsetRow>): void {
  const sorted = [...model.keys()].toSorted().map((key) => model.get(key)!);
  for (const limit of [1, 2, 3, Number.POSITIVE_INFINITY]) {
    const rows: OffsetRow[] = [];
    for (let after: OffsetKey | undefined; ; after = rows.at(-1)) {
      const page = table.rows(after, limit);
      expect(page.length).toBeLessThanOrEqual(limit);
      rows.push(...page);
      if (page.length < limit) break;
    }
    expect(rows).toEqual(sorted);

    const groups: string[] = [];
    for (;;) {
      const page = table.page(groups.at(-1), limit);
      expect(page).toEqual(
        page.map(({ group }) => ({
          group,
          partitions: sorted.filter((row) => row.group === group).length,
        })),
      );
      groups.push(...page.map(({ group }) => group));
      if (page.length < limit) break;
    }
    expect(groups).toEqual([...new Set(sorted.map(({ group }) => group))]);
  }
  for (const group of ["a", "b", "c", "__proto__", "none"]) {
    const topics = sorted.filter((row) => row.group === group).map(({ topic }) => topic);
    expect(table.topicsOf(group)).toEqual([...new Set(topics)]);
  }
}

test("a deleted topic leaves nothing in memory once it is swept, in portions", () => {
  const table = new OffsetTable(50);
  const key = (group: number, topic: string) => ({ group: `g${group}`, topic, partition: 0 });
  const committed = { offset: 1, commitTimestamp: 1, topicId: TOPIC_ID };
  for (let group = 0; group < 1000; group++) table.set(key(group, "gone"), committed);
  table.set(key(7, "kept"), committed);
  table.deleteTopic("gone");
  expect(table.size).toBe(1);
  expect(table.groupsInMemory).toBe(1000);
  let portions = 1;
  for (; table.sweep(100); portions++) table.set(key(5, "gone"), committed);
  expect(portions).toBeGreaterThanOrEqual(10);
  expect(table.groupsInMemory).toBe(2);
  expect(table.bytes).toBeLessThan(1_000);
  expect(table.page(undefined, 10)).toEqual([
    { group: "g5", partitions: 1 },
    { group: "g7", partitions: 1 },
  ]);
});

test.each([
  ["ascending", (i: number) => i],
  ["descending", (i: number) => 5000 - i],
  ["random", (i: number) => (i * 7919) % 5003],
])("thousands of groups in %s order are found, and listed from any name", (_, numberAt) => {
  const table = new OffsetTable();
  const names = Array.from({ length: 5000 }, (_, i) => `g${numberAt(i)}`);
  for (const [i, group] of names.entries()) {
    const committed = { offset: i, commitTimestamp: i, topicId: TOPIC_ID };
    table.set({ group, topic: "t", partition: 0 }, committed);
  }
  for (const [i, group] of names.entries()) expect(table.get(group, "t", 0)?.offset).toBe(i);
  const sorted = names.toSorted();
  expect([table.size, table.groupsInMemory]).toEqual([5000, 5000]);
  for (const after of ["", "g2500", "g25005", "g9", "z"]) {
    const page = table.page(after, 700).map(({ group }) => group);
    expect(page).toEqual(sorted.filter((group) => group > after).slice(0, 700));
  }
  for (const group of sorted.slice(1000, 4000)) table.delete({ group, topic: "t", partition: 0 });
  expect(table.page(undefined, 5000).map(({ group }) => group)).toEqual(
    sorted.filter((_, i) => i < 1000 || i >= 4000),
  );
});
