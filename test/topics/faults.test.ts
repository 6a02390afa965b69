// What is wrong with partitions is kept from when it is noticed until it is over.
// Leaves to others: what the log says of it (log/, partition.test.ts), and who learns of it (services/problems.test.ts).
import { expect, test } from "bun:test";
import { joinPath } from "../../src/log/disk/disk.js";
import { Faults } from "../../src/topics/faults.js";
import type { NotedFault } from "../../src/topics/faults.js";
import { TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf } from "../support/log-fixture.js";
import { contextOf, newDisk, TOPICS, UNKNOWN } from "../support/registry-fixture.js";

function listed({ faults }: { readonly faults: Faults }): NotedFault[] {
  return faults
    .list(() => false)
    .map(([, fault]) => fault)
    .toArray();
}

test("a full disk is a fault of the partition until a batch is written again", async () => {
  const disk = await newDisk();
  const registry = await TopicRegistry.open(contextOf(disk), UNKNOWN);
  const [partition] = (await registry.create("orders", 1, {})).online;
  await partition!.append(batchOf(["a"]));
  disk.setCapacity(disk.usedBytes);
  for (let i = 0; i < 2; i++) {
    await expect(partition!.append(batchOf(["b"]))).rejects.toMatchObject({ code: "DISK_FULL" });
  }
  expect(listed(registry)).toMatchObject([{ kind: "refused", isDiskFull: true, sinceMs: 1_000 }]);
  disk.setCapacity(Number.POSITIVE_INFINITY);
  await partition!.append(batchOf(["b"]));
  expect(listed(registry)).toEqual([]);
});

test("a damaged place is a fault once a read has met it, and only once", async () => {
  const disk = await newDisk();
  const before = await TopicRegistry.open(contextOf(disk), UNKNOWN);
  await before.create("orders", 1, {});
  const batches = ["a", "b", "c"].map((value) => batchOf([value]));
  for (const batch of batches) await before.partition("orders", 0).append(batch.slice());
  const clean = await before.closeCleanly();
  const log = joinPath(TOPICS, "orders/0/00000000000000000000.log");
  disk.flipBit(log, 8 * (batches[0]!.length + 65));
  const registry = await TopicRegistry.open(contextOf(disk), { clean, rewrite: false });
  const partition = registry.partition("orders", 0);
  expect(listed(registry)).toEqual([]);
  for (let i = 0; i < 2; i++) expect(() => partition.read(1, 1000)).toThrow(/CRC/);
  expect(listed(registry)).toMatchObject([
    { kind: "damage", offset: 1, reason: expect.stringMatching(/orders-0: .* position .*CRC/) },
  ]);
});

test("what a start truncates and what an earlier one has kept are faults; those of deleted topics are forgotten", async () => {
  const disk = await newDisk();
  const before = await TopicRegistry.open(contextOf(disk), UNKNOWN);
  await before.create("orders", 1, {});
  await before.partition("orders", 0).append(batchOf(["a"]));
  const { length } = batchOf(["a"]);
  await before.closeCleanly();
  const file = disk.openAppend(joinPath(TOPICS, "orders/0/00000000000000000000.log"));
  file.write(new Uint8Array(5).fill(1));
  await file.push();
  file.close();
  const kept = `00000000000000000000.log.cut-${length}`;
  const first = await TopicRegistry.open(contextOf(disk), UNKNOWN);
  expect(listed(first)).toMatchObject([{ kind: "truncated", bytes: 5, offset: 1, file: kept }]);
  await first.closeCleanly();
  const second = await TopicRegistry.open(contextOf(disk), UNKNOWN);
  expect(listed(second)).toMatchObject([{ kind: "kept", file: kept }]);
  await second.delete("orders");
  expect(listed(second)).toEqual([]);
});

test("of one partition a few damaged places are kept, and a fault is known since it was first noticed", async () => {
  const registry = await TopicRegistry.open(contextOf(await newDisk()), UNKNOWN);
  const [partition] = (await registry.create("orders", 1, {})).online;
  let nowMs = 1;
  const faults = new Faults(() => nowMs++);
  for (let offset = 0; offset < 9; offset++) {
    faults.note(partition!, { kind: "damage", offset, reason: "its CRC" });
  }
  for (const reason of ["EIO", "EACCES"]) faults.note(partition!, { kind: "retention", reason });
  const found = listed({ faults });
  expect(found.map(({ kind }) => kind)).toEqual([...Array(5).fill("damage"), "retention"]);
  expect(found.at(-1)).toEqual({ kind: "retention", reason: "EACCES", sinceMs: 6, lastMs: 7 });
  faults.clear(partition!, "retention");
  expect(listed({ faults })).toHaveLength(5);
  expect([...faults.list(() => true)]).toEqual([]);
  expect(listed({ faults })).toEqual([]);
});
