// Topics with many partitions are created and deleted a few partitions per turn of the event loop.
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import type { AppendFile } from "../../src/log/disk/disk.js";
import { TurnBudget } from "../../src/log/event-loop.js";
import { type RegistryContext, TopicRegistry } from "../../src/topics/topic-registry.js";
import { batchOf, codeOf, ENDLESS, settle } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const TOPICS = "data/topics";
const PARTITIONS = 200;

/** Counts disk operations in one turn of the event loop. */
class CountingDisk extends SimulatedDisk {
  inThisTurn = 0;
  mostInATurn = 0;
  /** Blocks the removal of directories until it resolves. */
  removal: Promise<void> = Promise.resolve();
  #isScheduled = false;

  constructor() {
    super(new Random(1));
    this.makeDirectory(TOPICS);
    this.mostInATurn = 0;
  }

  override makeDirectory(path: string): void {
    this.#count();
    super.makeDirectory(path);
  }

  override createAppend(path: string): AppendFile {
    this.#count();
    return super.createAppend(path);
  }

  override async syncDirectory(path: string): Promise<void> {
    // A real flush takes longer than this turn.
    await new Promise<void>((resolve) => setImmediate(resolve));
    await super.syncDirectory(path);
  }

  override async removeDirectory(path: string): Promise<void> {
    if (path.includes("/+d-")) await this.removal;
    await super.removeDirectory(path);
  }

  #count(): void {
    this.inThisTurn++;
    this.mostInATurn = Math.max(this.mostInATurn, this.inThisTurn);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.inThisTurn = 0;
    });
  }
}

function contextOf(disk: SimulatedDisk, others: Partial<RegistryContext> = {}): RegistryContext {
  return {
    disk,
    directory: TOPICS,
    directoryId: "00000000-0000-4000-8000-000000000001",
    flush: { kind: "always" },
    logDefaults: ENDLESS,
    autoCreateTopics: true,
    defaultPartitions: PARTITIONS,
    now: () => 1_000,
    report: () => {},
    onFatal: () => {},
    ...others,
  };
}

const open = (context: RegistryContext): Promise<TopicRegistry> =>
  TopicRegistry.open(context, { clean: new Map(), rewrite: false });

test("topics created concurrently, also automatically, share the partitions of a turn", async () => {
  const disk = new CountingDisk();
  const registry = await open(contextOf(disk));
  const [a, b, c] = await Promise.all([
    registry.create("a", PARTITIONS, {}),
    registry.create("b", PARTITIONS, {}),
    registry.ensure("c"),
  ]);
  expect([a, b, c].map(({ online }) => online.length)).toEqual([200, 200, 200]);
  expect(disk.mostInATurn).toBeGreaterThan(1);
  expect(disk.mostInATurn).toBeLessThanOrEqual(32);
});

test("a deletion is acknowledged when the topic is gone, before its files are removed", async () => {
  const disk = new CountingDisk();
  const registry = await open(contextOf(disk));
  await registry.create("a", PARTITIONS, {});
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.removal = promise;
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  count();
  await registry.delete("a");
  isOver = true;
  expect(turns).toBeGreaterThan(10);
  expect(disk.list(TOPICS)).toEqual(["+d-0"]);
  // The name is free, also for topics created and deleted before that.
  await registry.create("a", 1, {});
  await registry.delete("a");
  await registry.create("a", 2, {});
  await registry.partition("a", 1).append(batchOf(["v"]));
  resolve();
  await settle();
  expect(disk.list(TOPICS)).toEqual(["a"]);
});

test("files left by a stop are removed after the next start", async () => {
  const disk = new CountingDisk();
  const registry = await open(contextOf(disk));
  await registry.create("a", 1, {});
  await registry.create("b", 1, {});
  const { promise, resolve } = Promise.withResolvers<void>();
  disk.removal = promise;
  await registry.delete("a");
  await registry.delete("b");
  const closing = registry.closeCleanly();
  resolve();
  await closing;
  expect(disk.list(TOPICS)).toEqual(["+d-1"]);
  await open(contextOf(disk));
  await settle();
  expect(disk.list(TOPICS)).toEqual([]);
});

test("a topic that is not admitted is rejected before anything is created, and the count stays right", async () => {
  const disk = new CountingDisk();
  const asked: number[] = [];
  const admit = (partitions: number): void => {
    asked.push(partitions);
    if (partitions > 300) throw new RustLogError("POLICY_VIOLATION", "too many");
  };
  const registry = await open(contextOf(disk, { admit }));
  const first = registry.create("a", PARTITIONS, {});
  const { operations } = disk;
  expect(await codeOf(() => registry.create("b", 101, {}))).toBe("POLICY_VIOLATION");
  expect(await codeOf(() => registry.ensure("c"))).toBe("POLICY_VIOLATION");
  expect(asked).toEqual([200, 301, 400]);
  expect(disk.list(TOPICS)).not.toContain("+c-b");
  expect(operations).toBeGreaterThan(0);
  await first;
  disk.setCapacity(0);
  expect(await codeOf(() => registry.create("b", 100, {}))).toBe("DISK_FULL");
  expect(registry.partitionCount).toBe(200);
  disk.setCapacity(Number.POSITIVE_INFINITY);
  await registry.create("__transaction_state", 101, {});
  expect(registry.partitionCount).toBe(301);
  await registry.delete("a");
  expect(registry.partitionCount).toBe(101);
  disk.restart();
  expect((await open(contextOf(disk))).partitionCount).toBe(101);
});

test("a budget grants a number of items per turn, in the order of the requests", async () => {
  const budget = new TurnBudget(3);
  const given: number[] = [];
  const ask = async (item: number): Promise<void> => {
    await budget.next();
    given.push(item);
  };
  const asked = Array.from({ length: 8 }, (_, i) => ask(i));
  const after: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await Promise.resolve();
    after.push(given.length);
    await settle();
  }
  await Promise.all(asked);
  expect(after.slice(0, 2)).toEqual([3, 6]);
  expect(given).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("the partitions of a deleted topic refuse appends with one error for all", async () => {
  const registry = await open(contextOf(new CountingDisk()));
  await registry.create("a", 2, {});
  const [first, second] = [0, 1].map((index) => registry.partition("a", index));
  await registry.delete("a");
  const error = (append: Promise<unknown>): Promise<unknown> => append.catch((reason) => reason);
  expect(await error(first!.append(batchOf(["x"])))).toBe(
    await error(second!.append(batchOf(["x"]))),
  );
});
