// Dispatches each request to the handler of its API, and turns what a handler throws into an error answer.
// Leaves to others: the handlers (the other files here).
import { RustLogError } from "../../../errors.js";
import { Authenticate } from "../authenticate.js";
import { Fetch } from "../fetch.js";
import { DeleteGroup, DescribeGroup, DescribeMembers, ListGroups } from "../groups.js";
import { APIS } from "../api-versions.js";
import { type ApiName, apiName } from "../messages.js";
import { GroupHeartbeat } from "../membership.js";
import { ApiVersions, Ping } from "../meta.js";
import { ListOffsets, OffsetCommit, OffsetDelete, OffsetFetch } from "../offsets.js";
import { decodeProduceRequest } from "../produce.js";
import { AlterQuotas, DescribeQuotas } from "../quotas.js";
import { AlterAcls, AlterUser, DescribeAcls, DescribeUsers } from "../security.js";
import {
  AlterTopic,
  CompactTopic,
  CreateTopic,
  DeleteRecords,
  DeleteTopic,
  DescribeTopic,
  ListTopics,
} from "../topics.js";
import { joined, type Pieces } from "../../../record/bytes.js";
import type { DialectConnection } from "../../../net/dialect.js";
import { contextFor, type ServiceContext } from "../../../services/context.js";
import type { Conversation, Dispatcher } from "./dialect.js";
import { endOfLogin, isLoginDue, loginFault, userOf } from "../../../services/login.js";
import { Throttle } from "../../../services/throttle.js";
import { authenticate } from "./authenticate.js";
import type { Exchange } from "./exchange.js";
import { fetch } from "./fetch.js";
import { deleteGroup, describeGroup, describeMembers, listGroups } from "./groups.js";
import { apiVersions, ping } from "./meta.js";
import { commitOffsets, deleteOffsets, fetchOffsets, listOffsets } from "./offsets.js";
import { groupHeartbeat } from "./membership.js";
import { produce } from "./produce.js";
import { alterQuotas, describeQuotas } from "./quotas.js";
import { alterAcls, alterUser, describeAcls, describeUsers } from "./security.js";
import {
  alterTopic,
  compactTopic,
  createTopic,
  deleteRecords,
  deleteTopic,
  describeTopic,
  listTopics,
} from "./topics.js";

/** Answers a request, now or later. What it throws or rejects with becomes an error answer. */
type Handler<Request> = (
  context: ServiceContext,
  exchange: Exchange,
  request: Request,
) => void | Promise<void>;

/** A handler together with the decoder of its request. */
type Route = (context: ServiceContext, exchange: Exchange, payload: Pieces) => void | Promise<void>;

/** A route for requests that are decoded from one piece. */
function route<Request>(decode: (payload: Uint8Array) => Request, handle: Handler<Request>): Route {
  return (context, exchange, payload) => handle(context, exchange, decode(joined(payload)));
}

/** Batches are large, so they stay in the pieces that arrived. */
const routeOfProduce: Route = (context, exchange, payload) =>
  produce(context, exchange, decodeProduceRequest(payload));

const ROUTES: Readonly<Record<ApiName, Route>> = {
  Produce: routeOfProduce,
  Fetch: route(Fetch.decodeRequest, fetch),
  OffsetCommit: route(OffsetCommit.decodeRequest, commitOffsets),
  OffsetFetch: route(OffsetFetch.decodeRequest, fetchOffsets),
  CreateTopic: route(CreateTopic.decodeRequest, createTopic),
  ListTopics: route(ListTopics.decodeRequest, listTopics),
  DescribeTopic: route(DescribeTopic.decodeRequest, describeTopic),
  DeleteTopic: route(DeleteTopic.decodeRequest, deleteTopic),
  ListOffsets: route(ListOffsets.decodeRequest, listOffsets),
  Ping: route(Ping.decodeRequest, ping),
  ListGroups: route(ListGroups.decodeRequest, listGroups),
  DescribeGroup: route(DescribeGroup.decodeRequest, describeGroup),
  DeleteGroup: route(DeleteGroup.decodeRequest, deleteGroup),
  ApiVersions: route(ApiVersions.decodeRequest, apiVersions),
  OffsetDelete: route(OffsetDelete.decodeRequest, deleteOffsets),
  DescribeMembers: route(DescribeMembers.decodeRequest, describeMembers),
  GroupHeartbeat: route(GroupHeartbeat.decodeRequest, groupHeartbeat),
  AlterTopic: route(AlterTopic.decodeRequest, alterTopic),
  DeleteRecords: route(DeleteRecords.decodeRequest, deleteRecords),
  CompactTopic: route(CompactTopic.decodeRequest, compactTopic),
  Authenticate: route(Authenticate.decodeRequest, authenticate),
  DescribeUsers: route(DescribeUsers.decodeRequest, describeUsers),
  AlterUser: route(AlterUser.decodeRequest, alterUser),
  DescribeAcls: route(DescribeAcls.decodeRequest, describeAcls),
  AlterAcls: route(AlterAcls.decodeRequest, alterAcls),
  DescribeQuotas: route(DescribeQuotas.decodeRequest, describeQuotas),
  AlterQuotas: route(AlterQuotas.decodeRequest, alterQuotas),
};

/** The APIs that a client may use before it has said who it is. */
const SERVED_TO_ALL: ReadonlySet<ApiName> = new Set(["ApiVersions", "Ping", "Authenticate"]);

export class Router implements Dispatcher {
  readonly #context: ServiceContext;
  readonly #running = new Set<Promise<void>>();

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  open(connection: DialectConnection): Conversation {
    const context = contextFor(this.#context, connection.client);
    let throttle: Throttle | undefined;
    return {
      get user() {
        return userOf(context);
      },
      get throttle() {
        if (!context.quotas.areAny) return undefined;
        throttle ??= new Throttle(context, connection);
        return throttle;
      },
      get isKnown() {
        return !isLoginDue(context);
      },
      dispatch: (exchange, payload) => this.#dispatch(context, exchange, payload),
      endReason: () => endOfLogin(context),
    };
  }

  /** Handles one request. Never throws: every failure becomes an error answer. */
  #dispatch(context: ServiceContext, exchange: Exchange, payload: Pieces): void {
    try {
      const name = apiFor(exchange);
      if (!SERVED_TO_ALL.has(name)) {
        const fault = loginFault(context);
        if (fault !== undefined) throw fault;
      }
      const outcome = ROUTES[name](context, exchange, payload);
      if (outcome !== undefined) this.#track(exchange, outcome);
    } catch (error) {
      exchange.fail(error);
    }
  }

  /** Resolves when no handler is running, including those of closed connections. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #track(exchange: Exchange, outcome: Promise<void>): void {
    const tracked = outcome
      .catch((error: unknown) => exchange.fail(error))
      .then(() => {
        this.#running.delete(tracked);
      });
    this.#running.add(tracked);
  }
}

/** Throws UNSUPPORTED_VERSION if the API or its version does not exist. */
function apiFor({ apiKey, apiVersion }: Exchange): ApiName {
  const name = apiName(apiKey);
  if (name === undefined) throw unsupported(`there is no API with the key ${apiKey}`);
  const { min, max } = APIS[name].versions;
  if (apiVersion >= min && apiVersion <= max) return name;
  const versions = min === max ? `only ${min}` : `only ${min} to ${max}`;
  throw unsupported(`${name} has no version ${apiVersion}, ${versions}`);
}

function unsupported(problem: string): RustLogError {
  return new RustLogError("UNSUPPORTED_VERSION", `${problem}; ApiVersions lists what there is`);
}
