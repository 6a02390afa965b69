import { expect, test } from "bun:test";
import fc from "fast-check";
import { OffsetTable } from "../../src/offsets/offset-table.ts";

const name = fc.constantFrom("a", "b", "c", "__proto__");
const change = fc.record({
  group: name,
  topic: name,
  partition: fc.nat(3),
  offset: fc.option(fc.nat(100)),
});

test("the table does what a flat map does", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
      const table = new OffsetTable();
      const model = new Map<
        string,
        { group: string; topic: string; partition: number; offset: number }
      >();
      for (const { group, topic, partition, offset } of changes) {
        const key = `${group}/${topic}/${partition}`;
        if (offset === null) {
          table.delete({ group, topic, partition });
          model.delete(key);
        } else {
          table.set({ group, topic, partition }, { offset, commitTimestamp: offset + 1 });
          model.set(key, { group, topic, partition, offset });
        }
        expect(table.size).toBe(model.size);
        expect(table.get(group, topic, partition)?.offset).toBe(model.get(key)?.offset);
      }
      const sorted = [...model.keys()]
        .toSorted((x, y) => (x < y ? -1 : 1))
        .map((key) => model.get(key)!)
        .map((row) => ({ ...row, commitTimestamp: row.offset + 1 }));
      expect(table.rows()).toEqual(sorted);
      const groups = [...new Set(sorted.map((row) => row.group))];
      expect(table.groups()).toEqual(
        groups.map((group) => ({
          group,
          partitions: sorted.filter((row) => row.group === group).length,
        })),
      );
      for (const group of ["a", "b", "c", "__proto__", "none"]) {
        expect(table.rowsOf(group)).toEqual(sorted.filter((row) => row.group === group));
      }
    }),
  );
});
