// A context for the use cases on a simulated disk, without broker and sockets.
// Leaves to others: expectations.
import { GroupCoordinator } from "../../src/groups/coordinator.js";
import { CompactionSlices } from "../../src/log/compaction/compaction-thread.js";
import { OffsetStore } from "../../src/groups/offsets/offset-store.js";
import { CompactionRuns } from "../../src/services/compaction-runs.js";
import { RivalReaders } from "../../src/services/rival-readers.js";
import { NO_AUDIT } from "../../src/security/audit.js";
import { EVERYONE } from "../../src/security/caller.js";
import { Quotas } from "../../src/security/quotas.js";
import { Security } from "../../src/security/security.js";
import type { ServiceContext } from "../../src/services/context.js";
import { LogCleaner } from "../../src/topics/log-cleaner.js";
import { ProducerIds } from "../../src/topics/producer-ids.js";
import { type RegistryContext, TopicRegistry } from "../../src/topics/topic-registry.js";
import { ENDLESS } from "./log-fixture.js";
import { ManualClock } from "./manual-clock.js";
import { Random } from "./random.js";
import { SimulatedDisk } from "./simulated-disk.js";

const DIRECTORY = "data/topics";
const ID = "00000000-0000-4000-8000-000000000001";

/** Opens empty topics and committed offsets. */
export async function openServices(
  options: Partial<ServiceContext> = {},
  registryOptions: Partial<RegistryContext> = {},
): Promise<ServiceContext> {
  const disk = registryOptions.disk ?? new SimulatedDisk(new Random(1));
  disk.makeDirectory(DIRECTORY);
  const facts = {
    ...{ brokerVersion: "1.2.3", logDirectoryId: ID, batchBytesMax: 10_000 },
    ...{ autoCreateTopics: true, defaultPartitions: 2, strictReplicationFactor: false },
    brokerConfigs: new Map(),
    logDirectory: {
      path: "/data",
      space: async () => ({ totalBytes: 100, usableBytes: 50 }),
    },
    ...{ security: new Security(), quotas: new Quotas(), audit: NO_AUDIT, caller: EVERYONE },
    throttles: { throttled: () => {} },
    vitals: {
      ...{ startedMs: 500, wasClean: true, connections: 1, connectionsMax: 10 },
      ...{ mutedConnections: 0, certificate: undefined },
    },
    ...options,
  };
  const { autoCreateTopics, defaultPartitions } = facts;
  const surroundings = { now: () => 1_000, report: () => {} };
  const registry = await TopicRegistry.open(
    {
      ...{ disk, directory: DIRECTORY, directoryId: ID, flush: { kind: "always" } },
      ...{ logDefaults: ENDLESS, autoCreateTopics, defaultPartitions, onFatal: () => {} },
      ...surroundings,
      ...registryOptions,
    },
    { clean: new Map(), rewrite: false },
  );
  const offsets = await OffsetStore.open({ registry, mode: "memory", ...surroundings });
  const clock = new ManualClock();
  const groups = await GroupCoordinator.open({
    ...{ registry, offsets, clock, initialRebalanceDelayMs: 0, report: () => {} },
  });
  const producerIds = new ProducerIds(disk, "data");
  const cleaner = new LogCleaner({
    ...{ registry, ...surroundings, mapBytes: 2 ** 16, checkMs: 1_000 },
    runner: new CompactionSlices(disk),
    observer: { compacted: () => {}, compactionFailed: () => {} },
  });
  const compactions = new CompactionRuns(cleaner);
  const rivals = new RivalReaders();
  return { registry, offsets, groups, compactions, rivals, producerIds, ...facts };
}
