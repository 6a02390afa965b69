// A topic registry on a simulated disk, for tests of creating, changing and deleting topics.
// Leaves to others: the disk (simulated-disk.ts), and the tests.
import { expect } from "bun:test";
import { type RegistryContext, TopicRegistry } from "../../src/topics/topic-registry.js";
import { ENDLESS, settle } from "./log-fixture.js";
import { Random } from "./random.js";
import { SimulatedDisk } from "./simulated-disk.js";

export const TOPICS = "data/topics";
export const UNKNOWN = { clean: new Map(), rewrite: false };

export async function newDisk(seed = 1): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(new Random(seed));
  disk.makeDirectory(TOPICS);
  for (const path of ["", "data"]) await disk.syncDirectory(path);
  return disk;
}

export const DIRECTORY_ID = "27f05cbb-99d9-41dc-a629-dfd495bbc2b4";

export function contextOf(
  disk: RegistryContext["disk"],
  others: Partial<RegistryContext> = {},
): RegistryContext & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    disk,
    directory: TOPICS,
    directoryId: DIRECTORY_ID,
    flush: { kind: "always" },
    logDefaults: ENDLESS,
    autoCreateTopics: true,
    defaultPartitions: 3,
    now: () => 1_000,
    report: (line) => lines.push(line),
    onFatal: (error) => lines.push(`fatal: ${error.message}`),
    lines,
    ...others,
  };
}

export const open = (disk: SimulatedDisk): Promise<TopicRegistry> =>
  TopicRegistry.open(contextOf(disk), UNKNOWN);

/** Crashes the machine at each operation of `action` in turn, and checks what a start finds. */
export async function crashEverywhere(
  prepare: (registry: TopicRegistry) => Promise<void>,
  action: (registry: TopicRegistry) => Promise<unknown>,
  check: (
    registry: TopicRegistry,
    done: boolean,
    lines: readonly string[],
    disk: SimulatedDisk,
  ) => Promise<void>,
): Promise<void> {
  let longest = 0;
  for (let seed = 1; seed <= 6; seed++) {
    for (let operation = 0, done = false; !done; operation++) {
      const disk = await newDisk(seed * 1_000 + operation);
      const registry = await open(disk);
      await prepare(registry);
      disk.crashAfter(operation);
      try {
        await action(registry);
        done = true;
      } catch (error) {
        if (!disk.crashed) throw error;
      }
      await settle();
      disk.restart();
      const context = contextOf(disk);
      await check(await TopicRegistry.open(context, UNKNOWN), done, context.lines, disk);
      longest = Math.max(longest, operation);
    }
  }
  expect(longest).toBeGreaterThan(2);
}
