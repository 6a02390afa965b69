// From an API key to the function that answers it, and from what that throws to an answer.
// Leaves to others: the answers themselves (the other files here).
import { RustLogError } from "../../../errors.ts";
import type { Payload } from "../../../net/frame.ts";
import { decodeFetchRequest } from "../fetch.ts";
import {
  decodeDeleteGroupRequest,
  decodeDescribeGroupRequest,
  decodeListGroupsRequest,
} from "../groups.ts";
import { API_VERSIONS } from "../api-versions.ts";
import { API, apiName } from "../messages.ts";
import { decodeApiVersionsRequest, decodePingRequest } from "../meta.ts";
import {
  decodeListOffsetsRequest,
  decodeOffsetCommitRequest,
  decodeOffsetFetchRequest,
} from "../offsets.ts";
import { decodeProduceRequest } from "../produce.ts";
import { decodeDeleteTopicRequest } from "../delete-topic.ts";
import {
  decodeCreateTopicRequest,
  decodeDescribeTopicRequest,
  decodeListTopicsRequest,
} from "../topics.ts";
import { joined } from "../../../record/bytes.ts";
import type { ServiceContext } from "../../../services/context.ts";
import type { Dispatcher } from "./dialect.ts";
import type { Exchange } from "./exchange.ts";
import { fetch } from "./fetch.ts";
import { deleteGroup, describeGroup, listGroups } from "./groups.ts";
import { apiVersions, ping } from "./meta.ts";
import { commitOffsets, fetchOffsets, listOffsets } from "./offsets.ts";
import { produce } from "./produce.ts";
import { createTopic, deleteTopic, describeTopic, listTopics } from "./topics.ts";

/** Answers a request, at once or later; what it throws or rejects with becomes an error answer. */
type Handler<Request> = (
  context: ServiceContext,
  exchange: Exchange,
  request: Request,
) => void | Promise<void>;

/** A handler together with the decoder of its request. */
type Route = (
  context: ServiceContext,
  exchange: Exchange,
  payload: Payload,
) => void | Promise<void>;

/** A route for requests that are read in one piece. */
function route<Request>(decode: (payload: Uint8Array) => Request, handle: Handler<Request>): Route {
  return (context, exchange, payload) => handle(context, exchange, decode(joined(payload)));
}

/** Batches are large, and stay in the pieces that they came in. */
const routeOfProduce: Route = (context, exchange, payload) =>
  produce(context, exchange, decodeProduceRequest(payload[0], payload.slice(1)));

const ROUTES: ReadonlyMap<number, Route> = new Map([
  [API.Produce, routeOfProduce],
  [API.Fetch, route(decodeFetchRequest, fetch)],
  [API.OffsetCommit, route(decodeOffsetCommitRequest, commitOffsets)],
  [API.OffsetFetch, route(decodeOffsetFetchRequest, fetchOffsets)],
  [API.CreateTopic, route(decodeCreateTopicRequest, createTopic)],
  [API.ListTopics, route(decodeListTopicsRequest, listTopics)],
  [API.DescribeTopic, route(decodeDescribeTopicRequest, describeTopic)],
  [API.DeleteTopic, route(decodeDeleteTopicRequest, deleteTopic)],
  [API.ListOffsets, route(decodeListOffsetsRequest, listOffsets)],
  [API.Ping, route(decodePingRequest, ping)],
  [API.ListGroups, route(decodeListGroupsRequest, listGroups)],
  [API.DescribeGroup, route(decodeDescribeGroupRequest, describeGroup)],
  [API.DeleteGroup, route(decodeDeleteGroupRequest, deleteGroup)],
  [API.ApiVersions, route(decodeApiVersionsRequest, apiVersions)],
]);

export class Router implements Dispatcher {
  readonly #context: ServiceContext;
  readonly #running = new Set<Promise<void>>();

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** Handles one request. Never throws: every failure becomes the answer to the request. */
  dispatch(exchange: Exchange, payload: Payload): void {
    try {
      const outcome = routeFor(exchange)(this.#context, exchange, payload);
      if (outcome !== undefined) this.#track(exchange, outcome);
    } catch (error) {
      exchange.fail(error);
    }
  }

  /** Resolves when no handler is at work any more, also for clients that have left. */
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

/** Throws UNSUPPORTED_VERSION when there is no such API, or the API has no such version. */
function routeFor({ apiKey, apiVersion }: Exchange): Route {
  const name = apiName(apiKey);
  const route = ROUTES.get(apiKey);
  if (name === undefined || route === undefined) {
    throw unsupported(`there is no API with the key ${apiKey}`);
  }
  const { min, max } = API_VERSIONS[name];
  if (apiVersion >= min && apiVersion <= max) return route;
  const versions = min === max ? `only ${min}` : `only ${min} to ${max}`;
  throw unsupported(`${name} has no version ${apiVersion}, ${versions}`);
}

function unsupported(problem: string): RustLogError {
  return new RustLogError("UNSUPPORTED_VERSION", `${problem}; ApiVersions lists what there is`);
}
