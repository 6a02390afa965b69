// What the page asks about topics beyond its live events, and the changes of topics. What a change would do is asked for with
// GET, at the path of the change where there is one.
// Leaves to others: the use cases, and who may do what (services/).
import { flagOfDefault } from "../../broker/broker-configs.js";
import { RustLogError } from "../../errors.js";
import { EXPECTED_PLACE, tryParseOffset } from "../../offset-place.js";
import { alterTopic } from "../../services/alter-topic.js";
import { compactTopic } from "../../services/compact-topic.js";
import type { CompactionOfTopic, CompactionProgress } from "../../services/compaction-runs.js";
import { type ConfigChange, describeSettings } from "../../services/configs.js";
import type { ServiceContext } from "../../services/context.js";
import { checkManyDeletions, deleteRecords } from "../../services/delete-records.js";
import { requireSomeCreation } from "../../services/permissions.js";
import { retentionForecast } from "../../services/retention-forecast.js";
import { partitionDetails, topicDetails, visibleTopic } from "../../services/topic-details.js";
import { topicReaders } from "../../services/topic-readers.js";
import {
  checkTopic,
  createTopic,
  deleteTopic,
  visibleTopicInTheWay,
} from "../../services/topics.js";
import { planTrim } from "../../services/trim-plan.js";
import { isActive, type TopicConfig, topicConfig } from "../../topics/topic-configs.js";
import { inUnits } from "../../topics/setting-units.js";
import type { TopicSettings } from "../../topics/topic-settings.js";
import { ZERO_UUID } from "../../record/bytes.js";
import type {
  AlterOrder,
  AlterOutcome,
  CompactionReport,
  CompactionRow,
  CreateOrder,
  NewTopic,
  PartitionRows,
  TopicDetail,
  TopicReaderRows,
  TopicRight,
  TopicSetting,
  TrimOutcome,
  TrimPlan,
} from "../page/topics/topic-wire.js";
import type { PageHandler, PageRoutes, Visitor } from "./access.js";
import { answered, invalid } from "./answer.js";
import {
  type Body,
  flagIn,
  jsonOf,
  listIn,
  someObjectsIn,
  textIn,
  textsIn,
  wholeIn,
} from "./body.js";
import { Query } from "./query.js";
import { Queue } from "./queue.js";

/** Partitions, and groups, per answer. */
const ANSWER_PARTITIONS_MAX = 100;
const ANSWER_READERS_MAX = 100;

/** Partitions of a compaction that are described one by one. */
const ANSWER_COMPACTIONS_MAX = 200;

/** Longest wait for the end of a compaction. Short, so that the page sees its progress. */
const COMPACTION_WAIT_MS = 500;

/** How long an answer may take: a topic with 10,000 partitions is not created, or planned to be trimmed, in 10 s. */
const ANSWER_SECONDS_MAX = 120;

const RIGHTS: readonly TopicRight[] = ["READ", "WRITE", "ALTER", "ALTER_CONFIGS", "DELETE"];

/** The settings on which it depends what retention deletes. */
const OF_RETENTION: ReadonlySet<string> = new Set([
  ...["cleanup.policy", "retention.ms", "retention.bytes"],
]);

/** The routes about topics. */
export function topicRoutes(isReadOnly: boolean): PageRoutes {
  // Forecasts and sums may look at many partitions.
  const queue = new Queue();
  const asked = (work: (request: TopicRequest) => unknown): PageHandler =>
    onTopic((request) => queue.answer(request.signal, request.visitor, () => work(request)));
  return {
    "/api/topic-settings": {
      GET: (_, { context }) => answered(() => settingsOfNew(context)),
    },
    "/api/topics": {
      POST: (request, { context }, server) => {
        server.timeout(request, ANSWER_SECONDS_MAX);
        return answered(async () => create(context, createOrderOf(await jsonOf(request))));
      },
    },
    "/api/topics/:topic": {
      GET: asked((request) => detailOf(request, isReadOnly)),
      DELETE: onTopic(({ context, topic, query }) =>
        deleteTopic(context, { topic, topicId: query.neededText("id") }),
      ),
    },
    "/api/topics/:topic/partitions": { GET: asked(partitionRows) },
    "/api/topics/:topic/groups": { GET: asked(readerRows) },
    "/api/topics/:topic/alter": {
      GET: asked(({ context, topic, query, signal }) => {
        const order = orderIn(query);
        return alter(context, topic, order, { validateOnly: true, signal });
      }),
      POST: onTopic(async ({ context, topic, signal, body }) =>
        alter(context, topic, alterOrderOf(await body()), { validateOnly: false, signal }),
      ),
    },
    "/api/topics/:topic/trim": { GET: asked(trimPlan), POST: onTopic(trim) },
    "/api/topics/:topic/compact": { POST: onTopic(compact) },
  };
}

interface TopicRequest {
  readonly visitor: Visitor;
  readonly context: ServiceContext;
  readonly topic: string;
  readonly query: Query;
  readonly signal: AbortSignal;
  readonly body: () => Promise<Body>;
}

function onTopic(work: (request: TopicRequest) => unknown): PageHandler {
  return (request, visitor, server) => {
    server.timeout(request, ANSWER_SECONDS_MAX);
    return answered(() => {
      const { topic = "" } = request.params as Record<string, string>;
      const { signal, url } = request;
      const body = () => jsonOf(request);
      return work({
        visitor,
        context: visitor.context,
        topic,
        query: new Query(url),
        signal,
        body,
      });
    });
  };
}

async function detailOf(
  { context, topic: name, signal }: TopicRequest,
  isReadOnly: boolean,
): Promise<TopicDetail> {
  const { id, internal, settings } = visibleTopic(context, name);
  const details = await topicDetails(context, name, signal);
  const isFixed = isReadOnly || internal;
  const { operations, dirtyBytes, ...sums } = details;
  const mayChange = (right: TopicRight): boolean => right === "READ" || !isFixed;
  return {
    ...{ id, internal, ...sums, dirtyBytes: dirtyBytes ?? null },
    may: RIGHTS.filter((right) => operations.includes(right) && mayChange(right)),
    settings: id === ZERO_UUID ? [] : settingRows(context, settings),
    retentionCheckMs: Number(
      context.brokerConfigs.get("log.retention.check.interval.ms")?.value ?? 0,
    ),
  };
}

/** What a new topic may be set to. */
function settingsOfNew(context: ServiceContext): readonly TopicSetting[] {
  requireSomeCreation(context);
  return settingRows(context, {});
}

function settingRows(context: ServiceContext, own: TopicSettings): TopicSetting[] {
  const inherited = describeSettings(context, {});
  return describeSettings(context, own).map(({ name, value, source, type, documentation }, i) => {
    const config: TopicConfig | undefined = topicConfig(name);
    return {
      ...{ name, value: value ?? "", source, type, documentation },
      inherited: {
        value: inherited[i]?.value ?? "",
        source: inherited[i]?.source ?? "default",
      },
      choices: choicesOf(config),
      isActive: config !== undefined && isActive(config),
      flag: flagOfDefault(name) ?? null,
    };
  });
}

function choicesOf(config: TopicConfig | undefined): readonly string[] {
  const { type, oneOf = [], only } = config ?? {};
  if (only !== undefined) return only;
  if (type === "boolean") return ["false", "true"];
  // Of a list of two, each and both.
  return type === "list" && oneOf.length === 2 ? [...oneOf, oneOf.join()] : oneOf;
}

async function partitionRows(request: TopicRequest): Promise<PartitionRows> {
  const { context, topic, query, signal } = request;
  const from = query.number("from") ?? 0;
  const most = ANSWER_PARTITIONS_MAX;
  const { partitions, next } = await partitionDetails(context, topic, from, most, signal);
  return {
    partitions: partitions.map((row) => ({
      ...{ partition: row.partition, offline: row.offline ?? null },
      ...{ logStart: row.logStartOffset, highWatermark: row.highWatermark },
      ...{ logEnd: row.logEndOffset, segments: row.segments, bytes: row.bytes },
      ...{ compactedTo: row.compactedTo ?? null, dirtyBytes: row.dirtyBytes ?? null },
    })),
    next: next ?? null,
  };
}

async function readerRows(request: TopicRequest): Promise<TopicReaderRows> {
  const { context, topic, query, signal } = request;
  const selection = { after: query.text("after"), readersMax: ANSWER_READERS_MAX, signal };
  const { readers, next } = await topicReaders(context, topic, selection);
  return { readers, next: next ?? null };
}

async function create(context: ServiceContext, order: CreateOrder): Promise<NewTopic> {
  const given = Object.entries(order.settings);
  const wanted = {
    ...order,
    settings: Object.fromEntries(given.map(([name, value]) => [name, inUnits(name, value)])),
  };
  const { name, partitions, settings } = checkTopic(context, wanted);
  const similar = visibleTopicInTheWay(context, name) ?? null;
  if (!order.validateOnly) await createTopic(context, wanted);
  const named = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
  return { name, partitions, settings: named, similar };
}

async function alter(
  context: ServiceContext,
  topic: string,
  { id: topicId, set, unset, partitions }: AlterOrder,
  { validateOnly, signal }: { readonly validateOnly: boolean; readonly signal: AbortSignal },
): Promise<AlterOutcome> {
  const changes: ConfigChange[] = [
    ...Object.entries(set).map(([name, value]): ConfigChange => {
      return { name, operation: "set", value: inUnits(name, value) };
    }),
    ...unset.map((name): ConfigChange => ({ name, operation: "delete", value: null })),
  ];
  const isOfRetention = validateOnly && changes.some(({ name }) => OF_RETENTION.has(name));
  const altered = await alterTopic(context, { topic, topicId, changes, partitions, validateOnly });
  const names = changes.map(({ name }) => name);
  // No names would mean all.
  const described = (settings: TopicSettings) =>
    names.length === 0 ? [] : describeSettings(context, settings, names);
  const before = described(altered.previousSettings);
  return {
    settings: described(altered.settings).map(({ name, value, source }, i) => ({
      ...{ name, before: before[i]?.value ?? "", after: value ?? "", source },
    })),
    ...{ previousPartitions: altered.previousPartitions, partitions: altered.partitions },
    deletes: isOfRetention ? await retentionForecast(context, topic, changes, signal) : null,
  };
}

async function trimPlan(request: TopicRequest): Promise<TrimPlan> {
  const { context, topic, query, signal } = request;
  const before = tryParseOffset(query.neededText("before"), Date.now());
  if (before === undefined) throw invalid(EXPECTED_PLACE);
  const partitions = query.numbers("partitions");
  const plan = await planTrim(context, { topic, before, partitions, signal });
  return {
    id: plan.topicId,
    partitions: plan.partitions.map(({ logStartOffset: logStart, ...row }) => ({
      ...row,
      logStart,
    })),
  };
}

async function trim({ context, topic, body }: TopicRequest): Promise<TrimOutcome> {
  const order = await body();
  const topicId = textIn(order, "id");
  const requests = someObjectsIn(order, "offsets").map((each) => ({
    ...{ topic, topicId },
    ...{ partition: wholeIn(each, "partition"), offset: wholeIn(each, "offset") },
  }));
  // All are checked before anything is deleted.
  await checkManyDeletions(context, requests);
  const outcomes = await deleteRecords(context, requests);
  return {
    partitions: outcomes.map((outcome, i) => {
      const partition = requests[i]?.partition ?? -1;
      return outcome instanceof RustLogError
        ? { partition, logStart: null, error: outcome.message }
        : { partition, logStart: outcome, error: null };
    }),
  };
}

async function compact({ context, topic, body }: TopicRequest): Promise<CompactionReport> {
  const order = await body();
  const runId = textIn(order, "run");
  if (!/^[\w-]{8,64}$/.test(runId)) throw invalid("run must be 8 to 64 letters and digits");
  const topicId = textIn(order, "id");
  const run = compactTopic(context, { topic, topicId, runId, partitions: [] });
  await run.wait(COMPACTION_WAIT_MS);
  return reportOf(run);
}

function reportOf({ isDone, partitions }: CompactionOfTopic): CompactionReport {
  const sum = { recordsBefore: 0, recordsAfter: 0, bytesBefore: 0, bytesAfter: 0, durationMs: 0 };
  const fields = Object.keys(sum) as (keyof typeof sum)[];
  const [done, failed]: CompactionProgress[][] = [[], []];
  let running: CompactionProgress | undefined;
  for (const partition of partitions) {
    if (partition.state === "running") running = partition;
    if (partition.state === "failed") failed?.push(partition);
    if (partition.state !== "done") continue;
    done?.push(partition);
    for (const field of fields) sum[field] += partition[field];
  }
  const rows = [...(running === undefined ? [] : [running]), ...(failed ?? []), ...(done ?? [])];
  return {
    ...{ isDone, partitions: partitions.length },
    ...{ done: done?.length ?? 0, failed: failed?.length ?? 0, ...sum },
    rows: rows.slice(0, ANSWER_COMPACTIONS_MAX).map(({ error, ...row }): CompactionRow => ({
      ...row,
      error: error?.message ?? null,
    })),
  };
}

function createOrderOf(body: Body): CreateOrder {
  return {
    ...{ name: textIn(body, "name"), partitions: wholeIn(body, "partitions") },
    ...{ settings: textsIn(body, "settings"), validateOnly: flagIn(body, "validateOnly") },
  };
}

function alterOrderOf(body: Body): AlterOrder {
  const unset = listIn(body, "unset");
  if (!unset.every((name) => typeof name === "string")) throw invalid("unset must be names");
  const partitions = body.partitions === undefined ? 0 : wholeIn(body, "partitions");
  return { id: textIn(body, "id"), set: textsIn(body, "set"), unset, partitions };
}

/** The order of a forecast: `set=NAME=VALUE`, `unset=NAME`, `partitions=N`. */
function orderIn(query: Query): AlterOrder {
  const set = query.texts("set").map((text) => {
    const at = text.indexOf("=");
    if (at <= 0) throw invalid(`set is '${text}'; expected NAME=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return {
    id: query.neededText("id"),
    set: Object.fromEntries(set),
    unset: query.texts("unset"),
    partitions: query.number("partitions") ?? 0,
  };
}
