// Dispatches each request to the handler of its API, and turns what a handler throws into an error answer.
// Leaves to others: the handlers (the other files here).
import { RustLogError } from "../../../errors.ts";
import type { Payload } from "../../../net/frame.ts";
import { Fetch } from "../fetch.ts";
import { DeleteGroup, DescribeGroup, ListGroups } from "../groups.ts";
import { APIS } from "../api-versions.ts";
import { API, apiName } from "../messages.ts";
import { ApiVersions, Ping } from "../meta.ts";
import { ListOffsets, OffsetCommit, OffsetFetch } from "../offsets.ts";
import { decodeProduceRequest } from "../produce.ts";
import { CreateTopic, DeleteTopic, DescribeTopic, ListTopics } from "../topics.ts";
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

/** Answers a request, now or later. What it throws or rejects with becomes an error answer. */
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

/** A route for requests that are decoded from one piece. */
function route<Request>(decode: (payload: Uint8Array) => Request, handle: Handler<Request>): Route {
  return (context, exchange, payload) => handle(context, exchange, decode(joined(payload)));
}

/** Batches are large, so they stay in the pieces that arrived. */
const routeOfProduce: Route = (context, exchange, payload) =>
  produce(context, exchange, decodeProduceRequest(payload[0], payload.slice(1)));

const ROUTES: ReadonlyMap<number, Route> = new Map([
  [API.Produce, routeOfProduce],
  [API.Fetch, route(Fetch.decodeRequest, fetch)],
  [API.OffsetCommit, route(OffsetCommit.decodeRequest, commitOffsets)],
  [API.OffsetFetch, route(OffsetFetch.decodeRequest, fetchOffsets)],
  [API.CreateTopic, route(CreateTopic.decodeRequest, createTopic)],
  [API.ListTopics, route(ListTopics.decodeRequest, listTopics)],
  [API.DescribeTopic, route(DescribeTopic.decodeRequest, describeTopic)],
  [API.DeleteTopic, route(DeleteTopic.decodeRequest, deleteTopic)],
  [API.ListOffsets, route(ListOffsets.decodeRequest, listOffsets)],
  [API.Ping, route(Ping.decodeRequest, ping)],
  [API.ListGroups, route(ListGroups.decodeRequest, listGroups)],
  [API.DescribeGroup, route(DescribeGroup.decodeRequest, describeGroup)],
  [API.DeleteGroup, route(DeleteGroup.decodeRequest, deleteGroup)],
  [API.ApiVersions, route(ApiVersions.decodeRequest, apiVersions)],
]);

export class Router implements Dispatcher {
  readonly #context: ServiceContext;
  readonly #running = new Set<Promise<void>>();

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** Handles one request. Never throws: every failure becomes an error answer. */
  dispatch(exchange: Exchange, payload: Payload): void {
    try {
      const outcome = routeFor(exchange)(this.#context, exchange, payload);
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
function routeFor({ apiKey, apiVersion }: Exchange): Route {
  const name = apiName(apiKey);
  const route = ROUTES.get(apiKey);
  if (name === undefined || route === undefined) {
    throw unsupported(`there is no API with the key ${apiKey}`);
  }
  const { min, max } = APIS[name].versions;
  if (apiVersion >= min && apiVersion <= max) return route;
  const versions = min === max ? `only ${min}` : `only ${min} to ${max}`;
  throw unsupported(`${name} has no version ${apiVersion}, ${versions}`);
}

function unsupported(problem: string): RustLogError {
  return new RustLogError("UNSUPPORTED_VERSION", `${problem}; ApiVersions lists what there is`);
}
