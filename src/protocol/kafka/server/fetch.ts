// Fetch: batches of many partitions, immediately or when there are enough.
// Leaves to others: reading and waiting (services/fetch.ts), and the bytes of the response (fetch-response.ts).
//
// There are no fetch sessions: session id 0 in a response refuses one, and clients go on with full requests.
import type { Wait } from "../../../net/inflight.js";
import { LEADER_EPOCH } from "../../../record/batch.js";
import type { ServiceContext } from "../../../services/context.js";
import * as services from "../../../services/fetch.js";
import { CODE, kafkaCode } from "../error-codes.js";
import { Fetch } from "../fetch.js";
import { TOPIC_IDS_SINCE } from "../produce.js";
import {
  encodeFetchResponse,
  type FetchedPartition,
  type FetchedTopic,
} from "../fetch-response.js";
import type { RequestOf } from "../schema.js";
import type { Call } from "./call.js";
import { leaderEpochFault } from "./cluster-of-one.js";

type Request = RequestOf<typeof Fetch>;

const READ_COMMITTED = 1;

/** Session epochs of requests outside a session: the last request of one, and the first of a new one. */
const FINAL_EPOCH = -1;
const FIRST_EPOCH = 0;

/** A position to read from, or the error of its partition. */
type Item = services.FetchPosition | number;

/** Answers a call, now or when there is enough to read. */
export function fetch(context: ServiceContext, call: Call): void {
  const request = call.read(Fetch);
  const sessionFault = faultOfSession(request);
  if (sessionFault !== undefined) {
    send(call, request, sessionFault, []);
    return;
  }
  const items = request.topics.flatMap((topic) => itemsOf(topic, call.version));
  const positions = items.filter((item) => typeof item !== "number");
  // An error is answered at once, and there is nothing to wait for without partitions.
  const mayWait = positions.length > 0 && positions.length === items.length;
  const quotaBytes = call.throttle?.fetchBytesMax() ?? Number.POSITIVE_INFINITY;
  const outcome = services.fetch(context, {
    positions,
    failPastEnd: true,
    bytesMax: Math.max(0, Math.min(request.maxBytes, quotaBytes)),
    bytesMin: request.minBytes,
    waitMs: mayWait && call.mayWait ? request.maxWaitMs : 0,
  });
  const isWaiting = outcome instanceof services.WaitingFetch;
  const [first] = positions;
  if (first !== undefined && (isWaiting || !("error" in outcome[0]!))) {
    noteRead(context, call, request, first);
  }
  if (isWaiting) wait(call, request, items, outcome);
  else send(call, request, CODE.NONE, rowsOf(items, outcome));
}

/** Notes what the client reads. */
function noteRead(
  { registry }: ServiceContext,
  { connection, beganMs }: Call,
  { topics }: Request,
  { topic, topicId }: services.FetchPosition,
): void {
  const name = topicId === undefined ? topic : registry.byId(topicId)?.name;
  if (name !== undefined) connection.client.reads.note(name, topics.length - 1, beganMs);
}

function faultOfSession({ sessionEpoch }: Request): number | undefined {
  if (sessionEpoch === FINAL_EPOCH || sessionEpoch === FIRST_EPOCH) return undefined;
  return CODE.FETCH_SESSION_ID_NOT_FOUND;
}

function itemsOf(
  { topic, topicId: id, partitions }: Request["topics"][number],
  version: number,
): Item[] {
  const topicId = version < TOPIC_IDS_SINCE ? undefined : id;
  return partitions.map((asked) => {
    const { partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch, partitionMaxBytes } =
      asked;
    const fault = leaderEpochFault(currentLeaderEpoch);
    if (fault !== undefined) return fault;
    // A record of a later epoch is from another log.
    if (lastFetchedEpoch > LEADER_EPOCH) return CODE.OFFSET_OUT_OF_RANGE;
    const bytesMax = Math.max(0, partitionMaxBytes);
    return { topic, topicId, partition, offset: fetchOffset, bytesMax };
  });
}

/** Waits until there is enough. The connection ends the wait when it closes or the broker stops. */
function wait(
  call: Call,
  request: Request,
  items: readonly Item[],
  waiting: services.WaitingFetch,
): void {
  const { inflight, turns } = call.connection;
  const entry: Wait = {
    finish: () => waiting.finish(),
    cancel: () => {
      waiting.cancel();
      call.drop();
    },
  };
  call.waits();
  inflight.addWait(entry);
  waiting.begin({
    whenTime: (run) => turns.whenTime(run),
    done: (results) => {
      inflight.removeWait(entry);
      send(call, request, CODE.NONE, rowsOf(items, results));
    },
    failed: (error) => {
      inflight.removeWait(entry);
      call.fail(error);
    },
  });
}

/** The results of all partitions, in the order of the request. */
function rowsOf(
  items: readonly Item[],
  results: readonly services.FetchResult[],
): readonly (services.FetchResult | number)[] {
  let next = 0;
  return items.map((item) => (typeof item === "number" ? item : results[next++]!));
}

function send(
  call: Call,
  request: Request,
  errorCode: number,
  rows: readonly (services.FetchResult | number)[],
): void {
  let next = 0;
  const topics: FetchedTopic[] =
    errorCode === CODE.NONE
      ? request.topics.map(({ topic, topicId, partitions }) => ({
          topic,
          topicId,
          partitions: partitions.map(({ partition }) => fetched(partition, rows[next++]!)),
        }))
      : [];
  call.errorCode = errorCode !== CODE.NONE ? errorCode : firstError(topics);
  const isReadCommitted = request.isolationLevel === READ_COMMITTED;
  const [head, ...rest] = encodeFetchResponse(call.header, {
    ...{ errorCode, topics, isReadCommitted },
    throttleTimeMs: throttleTimeOf(call, topics),
  });
  call.answer(head, rest);
}

function fetched(partitionIndex: number, row: services.FetchResult | number): FetchedPartition {
  if (typeof row === "number") return failure(partitionIndex, row);
  if ("error" in row) return failure(partitionIndex, kafkaCode(row.error));
  const { highWatermark, logStartOffset, slices: batches, bytes } = row;
  return { partitionIndex, errorCode: CODE.NONE, highWatermark, logStartOffset, batches, bytes };
}

function failure(partitionIndex: number, errorCode: number): FetchedPartition {
  return {
    ...{ partitionIndex, errorCode, highWatermark: -1, logStartOffset: -1 },
    ...{ batches: [], bytes: 0 },
  };
}

function throttleTimeOf({ throttle }: Call, topics: readonly FetchedTopic[]): number {
  if (throttle === undefined) return 0;
  let sentBytes = 0;
  for (const { partitions } of topics) for (const { bytes } of partitions) sentBytes += bytes;
  throttle.fetched(sentBytes);
  return throttle.answered();
}

/** For the metrics. */
function firstError(topics: readonly FetchedTopic[]): number {
  for (const { partitions } of topics) {
    for (const { errorCode } of partitions) if (errorCode !== CODE.NONE) return errorCode;
  }
  return CODE.NONE;
}
