// What an administrator asks about topics and their records.
// Leaves to others: what each call promises (admin), and sending it (admin-requests).

import { RustLogError } from "../errors.js";
import { pageAfter } from "../protocol/native/page.js";
import type { ResponseOf } from "../protocol/native/schema.js";
import {
  AlterTopic,
  COMPACTION_STATES,
  CompactTopic,
  CreateTopic,
  DeleteRecords,
  DeleteTopic,
  DescribeTopic,
  type ListedTopic,
  ListTopics,
} from "../protocol/native/topics.js";
import type { AdminRequests } from "./admin-requests.js";
import type {
  AlteredTopic,
  AlterTopicOptions,
  CompactedPartition,
  CompactOptions,
  CreateTopicOptions,
  PartitionOffset,
  RecordsToDelete,
  TopicDescription,
  TopicListing,
  TrimmedPartition,
} from "./admin-types.js";
import {
  checkArray,
  checkBoolean,
  checkNatural,
  checkObject,
  checkString,
} from "./argument-check.js";
import { callOf } from "./link.js";
import { checkOffsetSpec, type OffsetSpec, resolveOffset } from "./offset-spec.js";
import { allOf, pagesOf } from "./pages.js";
import {
  checkCount,
  checkPartitions,
  isOffline,
  offlineError,
  unknownPartition,
} from "./partition-checks.js";

/** In DeleteRecords, instead of an offset: the high watermark. */
const OFFSET_LATEST = -1;

/** Time between two looks at a compaction, in milliseconds. */
const COMPACTION_POLL_MS = 250;

export class TopicAdmin {
  readonly #requests: AdminRequests;

  constructor(requests: AdminRequests) {
    this.#requests = requests;
  }

  async create(
    name: string,
    options: CreateTopicOptions,
  ): Promise<{ readonly partitions: number; readonly topicId: string | undefined }> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    checkObject("INVALID_CONFIG", "the options of a topic", options);
    const partitions = options.partitions ?? 0;
    checkNatural("INVALID_PARTITIONS", `partitions of topic '${name}'`, partitions);
    if (options.partitions === 0) {
      throw new RustLogError("INVALID_PARTITIONS", `topic '${name}' needs at least one partition`);
    }
    const settings = settingsOf(name, options.settings);
    const created = await this.#requests.send({
      ...callOf(CreateTopic, { topic: name, partitions, settings }),
      repeatable: false,
    });
    return { partitions: created.partitions, topicId: created.topicId };
  }

  async list(options: { readonly internal?: boolean }): Promise<TopicListing[]> {
    const pages = pagesOf<ListedTopic>(async (after) => {
      const page = pageAfter(after?.name);
      const { topics, more } = await this.#requests.send(callOf(ListTopics, page));
      return { items: topics, more };
    });
    const topics = await allOf(pages);
    return topics
      .filter(({ internal }) => options.internal === true || !internal)
      .map(({ topicId, offline, ...topic }) => ({
        ...topic,
        topicId,
        ...(offline === 0 ? {} : { offlinePartitions: offline }),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async describe(name: string): Promise<TopicDescription> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    const { internal, settings, partitions, topicId } = await this.#requests.send(
      callOf(DescribeTopic, { topic: name, createIfMissing: false }),
    );
    return {
      name,
      internal,
      topicId,
      settings: byName(settings.filter(({ source }) => source === "topic")),
      effectiveSettings: settings,
      partitions: partitions.map(({ offline, ...partition }) => ({
        ...partition,
        ...(offline === "" ? {} : { offline }),
      })),
    };
  }

  async alter(name: string, options: AlterTopicOptions): Promise<AlteredTopic> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    checkObject("INVALID_CONFIG", "the changes of a topic", options);
    const { deleteSettings = [], partitions, validateOnly = false } = options;
    checkArray("INVALID_CONFIG", "deleteSettings", deleteSettings);
    for (const setting of deleteSettings) {
      checkString("INVALID_CONFIG", "an item of deleteSettings", setting);
    }
    if (partitions !== undefined) {
      checkNatural("INVALID_PARTITIONS", `partitions of topic '${name}'`, partitions);
    }
    if (partitions === 0) {
      throw new RustLogError("INVALID_PARTITIONS", `topic '${name}' needs at least one partition`);
    }
    checkBoolean("INVALID_CONFIG", "validateOnly", validateOnly);
    const request = {
      ...{ topic: name, partitions: partitions ?? 0, validateOnly },
      settings: settingsOf(name, options.settings),
      deletedSettings: deleteSettings.map((setting) => ({ name: setting })),
    };
    const call = { ...callOf(AlterTopic, request), repeatable: partitions === undefined };
    const { topicId, settings, ...counts } = await this.#requests.send(call);
    return { topicId, ...counts, settings: byName(settings) };
  }

  async deleteRecords(records: readonly RecordsToDelete[]): Promise<TrimmedPartition[]> {
    checkPartitions("records", records);
    const partitions = records.map(({ offset, ...place }) => {
      if (offset === "latest") return { ...place, offset: OFFSET_LATEST };
      checkNatural("INVALID_REQUEST", "offset of an item of records", offset);
      return { ...place, offset };
    });
    const repeatable = records.every(({ offset }) => offset !== "latest");
    const response = await this.#requests.send({
      ...callOf(DeleteRecords, { partitions }),
      repeatable,
    });
    checkCount(response.partitions.length, records.length, "partitions");
    return records.map(({ topic, partition }, i) => ({
      ...{ topic, partition },
      logStartOffset: response.partitions[i]!.logStartOffset,
    }));
  }

  async compact(name: string, options: CompactOptions): Promise<CompactedPartition[]> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    checkObject("INVALID_REQUEST", "the options of a compaction", options);
    checkArray("INVALID_REQUEST", "partitions", options.partitions ?? []);
    const partitions = (options.partitions ?? []).map((partition) => {
      checkNatural("INVALID_REQUEST", "an item of partitions", partition);
      return { partition };
    });
    const runId = crypto.randomUUID();
    let topicId: string | undefined;
    for (;;) {
      const request = { topic: name, topicId, runId, partitions, waitMs: COMPACTION_POLL_MS };
      const response = await this.#requests.send(callOf(CompactTopic, request));
      topicId = response.topicId;
      const states = response.partitions.map(compactedOf);
      if (response.isDone) return states;
      options.onProgress?.(states);
    }
  }

  async delete(name: string): Promise<void> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    await this.#requests.send({ ...callOf(DeleteTopic, { topic: name }), repeatable: false });
  }

  async offsetFor(topic: string, partition: number, spec: OffsetSpec): Promise<number> {
    checkNatural("INVALID_REQUEST", "partition", partition);
    checkOffsetSpec("the offset that is asked for", spec);
    return await this.#offsetIn(await this.describe(topic), partition, spec);
  }

  async offsetsFor(
    topic: string,
    spec: OffsetSpec,
    partitions?: readonly number[],
  ): Promise<PartitionOffset[]> {
    checkOffsetSpec("the offset that is asked for", spec);
    const described = await this.describe(topic);
    const { topicId } = described;
    return await Promise.all(
      (partitions ?? described.partitions.map(({ partition }) => partition)).map(
        async (partition) => ({
          ...{ topic, topicId, partition },
          offset: await this.#offsetIn(described, partition, spec),
        }),
      ),
    );
  }

  async #offsetIn(topic: TopicDescription, partition: number, spec: OffsetSpec): Promise<number> {
    const { name, topicId, partitions } = topic;
    const range = partitions.find((row) => row.partition === partition);
    if (range === undefined) throw unknownPartition(name, partition, partitions.length);
    if (isOffline(range)) throw offlineError(name, range);
    return await resolveOffset(spec, range, (ms) =>
      this.#requests.offsetAt({ topic: name, partition, topicId }, ms),
    );
  }
}

/** Settings for a request. Throws INVALID_CONFIG for a value that is no string. */
function settingsOf(
  topic: string,
  settings: Readonly<Record<string, string>> = {},
): { readonly name: string; readonly value: string }[] {
  checkObject("INVALID_CONFIG", `settings of topic '${topic}'`, settings);
  return Object.entries(settings).map(([name, value]) => {
    checkString("INVALID_CONFIG", `setting ${name} of topic '${topic}'`, value);
    return { name, value };
  });
}

function compactedOf(
  row: ResponseOf<typeof CompactTopic>["partitions"][number],
): CompactedPartition {
  const { state, error, ...counts } = row;
  return {
    ...counts,
    state: COMPACTION_STATES[state] ?? "failed",
    ...(error === "" ? {} : { error }),
  };
}

function byName(
  settings: readonly { readonly name: string; readonly value: string }[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(settings.map(({ name, value }) => [name, value]));
}
