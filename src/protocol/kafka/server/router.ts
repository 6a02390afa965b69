// Decodes each request, runs the handler of its API, and encodes the response.
// Leaves to others: the handlers (the other files here), and the order of requests (session.ts).
import { RustLogError } from "../../../errors.js";
import type { RequestMetrics, RequestMetricsRegistry } from "../../../net/request-metrics.js";
import { KAFKA_API_NAMES, KAFKA_APIS, type KafkaApiName, kafkaApiName } from "../apis.js";
import { CODE, ERROR_LABELS } from "../error-codes.js";
import { FETCH_KEY, PRODUCE_KEY } from "../headers.js";
import type { Api, Fields, ReadOf, WriteOf } from "../schema.js";
import { apiVersions, unknownApiVersions } from "./api-versions.js";
import type { Call } from "./call.js";
import type { ServiceContext } from "../../../services/context.js";
import { alterClientQuotas, describeClientQuotas } from "./client-quotas.js";
import { createAcls, deleteAcls, describeAcls } from "./acls.js";
import { alterUserScramCredentials, describeUserScramCredentials } from "./users.js";
import {
  alterPartitionReassignments,
  describeCluster,
  describeLogDirs,
  electLeaders,
  listPartitionReassignments,
} from "./cluster.js";
import { offsetCommit, offsetDelete, offsetFetch } from "./committed-offsets.js";
import { alterConfigs, describeConfigs, incrementalAlterConfigs } from "./configs.js";
import { consumerGroupDescribe, consumerGroupHeartbeat } from "./consumer-groups.js";
import { createPartitions } from "./create-partitions.js";
import { createTopics } from "./create-topics.js";
import { deleteTopics } from "./delete-topics.js";
import { deleteRecords } from "./delete-records.js";
import { fetch } from "./fetch.js";
import { findCoordinator, heartbeat, joinGroup, leaveGroup, syncGroup } from "./group-members.js";
import { deleteGroups, describeGroups, listGroups } from "./groups.js";
import { metadata } from "./metadata.js";
import { produce } from "./produce.js";
import { listOffsets, offsetForLeaderEpoch } from "./offsets.js";
import { initProducerId } from "./producers.js";
import { loginFault } from "../../../services/login.js";
import { saslAuthenticate, saslHandshake } from "./sasl.js";
import { describeProducers, describeTopicPartitions } from "./partitions.js";

/** Makes the response to a request, now or later. Rejects or throws only for what ends the connection. */
type Handler<Q extends Fields, R extends Fields> = (
  context: ServiceContext,
  request: ReadOf<Q>,
  call: Call,
) => WriteOf<R> | Promise<WriteOf<R>>;

/** Answers a call, now or later. What it throws or rejects with ends the connection. */
type Route = (context: ServiceContext, call: Call) => void | Promise<void>;

function route<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  handle: Handler<Q, R>,
  read: (call: Call) => ReadOf<Q> = (call) => call.read(api),
): Route {
  return (context, call) => {
    const response = handle(context, read(call), call);
    if (!(response instanceof Promise)) return call.respond(api, response);
    return response.then((value) => call.respondInPortions(api, value));
  };
}

/** For the heartbeats of members, which are often the same. */
function repeatedRoute<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  handle: Handler<Q, R>,
): Route {
  return route(api, handle, (call) => call.readRepeated(api));
}

const ROUTES: Readonly<Record<KafkaApiName, Route>> = {
  Produce: produce,
  Fetch: fetch,
  ListOffsets: route(KAFKA_APIS.ListOffsets, listOffsets),
  Metadata: route(KAFKA_APIS.Metadata, metadata),
  OffsetCommit: route(KAFKA_APIS.OffsetCommit, offsetCommit),
  OffsetFetch: route(KAFKA_APIS.OffsetFetch, offsetFetch),
  FindCoordinator: route(KAFKA_APIS.FindCoordinator, findCoordinator),
  JoinGroup: joinGroup,
  Heartbeat: repeatedRoute(KAFKA_APIS.Heartbeat, heartbeat),
  LeaveGroup: route(KAFKA_APIS.LeaveGroup, leaveGroup),
  SyncGroup: syncGroup,
  DescribeGroups: route(KAFKA_APIS.DescribeGroups, describeGroups),
  ListGroups: route(KAFKA_APIS.ListGroups, listGroups),
  DeleteGroups: route(KAFKA_APIS.DeleteGroups, deleteGroups),
  ApiVersions: route(KAFKA_APIS.ApiVersions, apiVersions),
  CreateTopics: route(KAFKA_APIS.CreateTopics, createTopics),
  DeleteTopics: route(KAFKA_APIS.DeleteTopics, deleteTopics),
  DeleteRecords: route(KAFKA_APIS.DeleteRecords, deleteRecords),
  OffsetForLeaderEpoch: route(KAFKA_APIS.OffsetForLeaderEpoch, offsetForLeaderEpoch),
  InitProducerId: route(KAFKA_APIS.InitProducerId, initProducerId),
  DescribeAcls: route(KAFKA_APIS.DescribeAcls, describeAcls),
  CreateAcls: route(KAFKA_APIS.CreateAcls, createAcls),
  DeleteAcls: route(KAFKA_APIS.DeleteAcls, deleteAcls),
  DescribeUserScramCredentials: route(
    KAFKA_APIS.DescribeUserScramCredentials,
    describeUserScramCredentials,
  ),
  AlterUserScramCredentials: route(KAFKA_APIS.AlterUserScramCredentials, alterUserScramCredentials),
  DescribeConfigs: route(KAFKA_APIS.DescribeConfigs, describeConfigs),
  AlterConfigs: route(KAFKA_APIS.AlterConfigs, alterConfigs),
  DescribeLogDirs: route(KAFKA_APIS.DescribeLogDirs, describeLogDirs),
  CreatePartitions: route(KAFKA_APIS.CreatePartitions, createPartitions),
  ElectLeaders: route(KAFKA_APIS.ElectLeaders, electLeaders),
  IncrementalAlterConfigs: route(KAFKA_APIS.IncrementalAlterConfigs, incrementalAlterConfigs),
  AlterPartitionReassignments: route(
    KAFKA_APIS.AlterPartitionReassignments,
    alterPartitionReassignments,
  ),
  ListPartitionReassignments: route(
    KAFKA_APIS.ListPartitionReassignments,
    listPartitionReassignments,
  ),
  OffsetDelete: route(KAFKA_APIS.OffsetDelete, offsetDelete),
  DescribeClientQuotas: route(KAFKA_APIS.DescribeClientQuotas, describeClientQuotas),
  AlterClientQuotas: route(KAFKA_APIS.AlterClientQuotas, alterClientQuotas),
  DescribeCluster: route(KAFKA_APIS.DescribeCluster, describeCluster),
  DescribeProducers: route(KAFKA_APIS.DescribeProducers, describeProducers),
  ConsumerGroupHeartbeat: repeatedRoute(KAFKA_APIS.ConsumerGroupHeartbeat, consumerGroupHeartbeat),
  ConsumerGroupDescribe: route(KAFKA_APIS.ConsumerGroupDescribe, consumerGroupDescribe),
  DescribeTopicPartitions: route(KAFKA_APIS.DescribeTopicPartitions, describeTopicPartitions),
  SaslHandshake: route(KAFKA_APIS.SaslHandshake, saslHandshake),
  SaslAuthenticate: route(KAFKA_APIS.SaslAuthenticate, saslAuthenticate),
};

/** The APIs that a client may use before it has said who it is. */
const SERVED_TO_ALL: ReadonlySet<KafkaApiName> = new Set([
  "ApiVersions",
  "SaslHandshake",
  "SaslAuthenticate",
]);

export class Router {
  readonly metrics: RequestMetrics;
  readonly #running = new Set<Promise<void>>();

  constructor(metrics: RequestMetricsRegistry) {
    this.metrics = metrics.register({
      protocol: "kafka",
      apis: KAFKA_API_NAMES.map((name) => [KAFKA_APIS[name].key, name]),
      produceKey: PRODUCE_KEY,
      fetchKey: FETCH_KEY,
      errors: ERROR_LABELS,
    });
  }

  /** Handles one request. Never throws: a failure ends the connection. */
  dispatch(call: Call): void {
    try {
      const outcome = this.#route(call);
      if (outcome !== undefined) this.#track(call, outcome);
    } catch (error) {
      call.fail(error);
    }
  }

  /** Resolves when no handler is running, including those of closed connections. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #route(call: Call): void | Promise<void> {
    const { apiKey, apiVersion } = call.header;
    const name = kafkaApiName(apiKey);
    if (
      name !== undefined &&
      apiVersion >= KAFKA_APIS[name].min &&
      apiVersion <= KAFKA_APIS[name].max
    ) {
      const fault = SERVED_TO_ALL.has(name) ? undefined : loginFault(call.context);
      if (fault !== undefined) throw fault;
      return ROUTES[name](call.context, call);
    }
    if (name === "ApiVersions") {
      call.errorCode = CODE.UNSUPPORTED_VERSION;
      return call.answer(unknownApiVersions(call));
    }
    const what = name === undefined ? "this API" : `this version of ${name}`;
    throw new RustLogError("UNSUPPORTED_VERSION", `the broker does not have ${what}`);
  }

  #track(call: Call, outcome: Promise<void>): void {
    const tracked = outcome
      .catch((error: unknown) => call.fail(error))
      .then(() => {
        this.#running.delete(tracked);
      });
    this.#running.add(tracked);
  }
}
