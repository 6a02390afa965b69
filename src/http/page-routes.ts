// The routes of the live page: its files, a stream of events, and JSON about one partition at a time.
// Leaves to others: the responses (page-log.ts, page-produce.ts, page-feed.ts), rejecting other origins (request-guard.ts),
// and who may use the routes (page-access.ts). Record contents are sent unchanged; the page shows them only as text.
import type { Broker } from "../broker/broker.js";
import { RustLogError } from "../errors.js";
import { partitionOf } from "../services/named-partition.js";
import { OneAtATime } from "../topics/one-at-a-time.js";
import type { Partition } from "../topics/partition.js";
import type { Operation } from "../security/permission.js";
import type { HttpRoutes } from "./http-server.js";
import type { ProduceOrder, Refusal } from "./page/wire.js";
import { groupsState } from "./broker-watch.js";
import type { PageAccess, PageRoutes } from "./page-access.js";
import { connectionsState } from "./page-connections.js";
import { PageFeed } from "./page-feed.js";
import { PageFiles } from "./page-files.js";
import { PageLogin } from "./page-login.js";
import { batchDump, batchRows, indexTicks, lookUp, segmentRows } from "./page-log.js";
import { produceRecord } from "./page-produce.js";

/** Maximum number of records written concurrently from pages. The server bounds their bodies. */
const PRODUCING_MAX = 32;

/** Seconds after which a page that does not read its events is disconnected. */
const SLOW_READER_SECONDS = 30;

/** Maximum number of waiting questions. They are answered one at a time, because each may decompress a large batch. */
const ASKING_MAX = 64;

interface Question {
  /** What the visitor must be permitted to do. */
  readonly needs: Operation;
  readonly ask: (partition: Partition, query: Query) => unknown;
}

export const QUESTIONS: Readonly<Record<string, Question>> = {
  segments: {
    needs: "DESCRIBE",
    ask: (partition, query) => segmentRows(partition, query.number("after") ?? -1),
  },
  index: {
    needs: "DESCRIBE",
    ask: (partition, query) =>
      indexTicks(partition, query.numbers("bases"), query.number("spacing") ?? 1),
  },
  lookup: {
    needs: "READ",
    ask: (partition, query) => {
      const [offset, timestamp] = [query.number("offset"), query.number("timestamp")];
      if (offset !== undefined) return lookUp(partition, { offset });
      if (timestamp !== undefined) return lookUp(partition, { timestamp });
      throw invalid("pass an offset or a timestamp");
    },
  },
  batches: {
    needs: "READ",
    ask: (partition, query) =>
      batchRows(partition, query.needed("segment"), {
        at: query.number("at"),
        near: query.number("near"),
        offset: query.number("offset"),
      }),
  },
  batch: {
    needs: "READ",
    ask: (partition, query) =>
      batchDump(
        partition,
        query.needed("segment"),
        query.needed("position"),
        query.number("from") ?? 0,
      ),
  },
};

/** Paths of which a POST changes nothing that the broker stores. */
const HARMLESS = ["/api/events/:page", "/logout"];

/** The routes of the page. `flush` is the broker's flush policy as text. */
export function pageRoutes(broker: Broker, flush: string, access: PageAccess): HttpRoutes {
  const files = new PageFiles();
  const login = new PageLogin(access, files);
  const feed = new PageFeed(broker, flush);
  const forEveryone: HttpRoutes = {
    "/": {
      GET: (request, _, client) =>
        access.visitorOf(request, client) === undefined ? files.login() : files.page(),
    },
    "/:file": {
      GET: async (request, _, client) => {
        const { pathname } = new URL(request.url);
        const ofLogin = await files.loginFile(pathname);
        if (ofLogin !== undefined) return ofLogin;
        if (access.visitorOf(request, client) === undefined) return notFound();
        return (await files.pageFile(pathname)) ?? notFound();
      },
    },
    "/login": { POST: (request, _, client) => login.logIn(request, client) },
  };
  return { ...forEveryone, ...access.guard(visitorRoutes(broker, flush, access, feed), HARMLESS) };
}

function visitorRoutes(
  broker: Broker,
  flush: string,
  access: PageAccess,
  feed: PageFeed,
): PageRoutes {
  const questions = new Queue();
  const groupQueue = new Queue();
  let producing = 0;
  return {
    "/logout": {
      POST: (_, { session }, _server, { isSecure }) => {
        if (session === undefined) throw invalid("nobody is logged in");
        access.sessions.end(session);
        feed.closeUnwelcome();
        const headers = { "set-cookie": access.cookie("", isSecure) };
        return new Response(null, { status: 204, headers });
      },
    },
    "/api/session": {
      GET: (_, visitor) => answered(() => access.stateOf(visitor)),
    },
    "/api/events": {
      GET: (request, visitor, server) => {
        // The server's own timeout ignores writes, so restart it whenever the page has read.
        const wait = (): void => server.timeout(request, SLOW_READER_SECONDS);
        wait();
        return feed.open(visitor, wait);
      },
    },
    "/api/events/:page": {
      POST: ({ params }) => {
        const { page = "" } = params as Record<string, string>;
        return new Response(null, { status: feed.seen(page) ? 204 : 404 });
      },
    },
    "/api/connections": {
      GET: (_, { context }) => answered(() => connectionsState(broker, context)),
    },
    "/api/groups": {
      GET: ({ url, signal }, { context }) =>
        answered(() => {
          const query = new Query(new URL(url).searchParams);
          const selection = { filter: query.text("filter"), after: query.text("after") };
          return groupQueue.answer(signal, () => groupsState(context, selection));
        }),
    },
    "/api/produce": {
      POST: (request, { context }) =>
        answered(async () => {
          if (producing >= PRODUCING_MAX) {
            const message = `too many records from pages are being written (${PRODUCING_MAX})`;
            throw new RustLogError("BROKER_OVERLOADED", message);
          }
          producing++;
          try {
            return await produceRecord(context, await orderOf(request), flush);
          } finally {
            producing--;
          }
        }),
    },
    "/api/topics/:topic/:partition/:question": {
      GET: ({ params, url, signal }, { context }) =>
        answered(async () => {
          const { topic = "", partition = "", question = "" } = params as Record<string, string>;
          const known = Object.hasOwn(QUESTIONS, question) ? QUESTIONS[question] : undefined;
          if (known === undefined) throw invalid(`unknown question '${question}'`);
          const index = /^\d{1,9}$/.test(partition) ? Number(partition) : -1;
          const query = new Query(new URL(url).searchParams);
          const { needs, ask } = known;
          partitionOf(context, needs, { topic, partition: index });
          return await questions.answer(signal, () =>
            // Look it up again: the topic may have been deleted while the question waited.
            ask(partitionOf(context, needs, { topic, partition: index }), query),
          );
        }),
    },
  };
}

function notFound(): Response {
  return new Response("not found\n", { status: 404 });
}

/** Answers questions one after another. */
class Queue {
  readonly #work = new OneAtATime();
  #waiting = 0;

  /** Runs `work` in its turn, unless it was cancelled or too many are waiting. */
  async answer<T>(signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
    if (this.#waiting >= ASKING_MAX) {
      const message = `too many questions from pages are waiting (${ASKING_MAX})`;
      throw new RustLogError("BROKER_OVERLOADED", message);
    }
    this.#waiting++;
    try {
      return await this.#work.run(async () => {
        if (signal.aborted) throw invalid("the request was cancelled");
        return await work();
      });
    } finally {
      this.#waiting--;
    }
  }
}

class Query {
  readonly #parameters: URLSearchParams;

  constructor(parameters: URLSearchParams) {
    this.#parameters = parameters;
  }

  number(name: string): number | undefined {
    const text = this.#parameters.get(name);
    return text === null ? undefined : numberOf(name, text);
  }

  text(name: string): string | undefined {
    return this.#parameters.get(name) ?? undefined;
  }

  needed(name: string): number {
    return numberOf(name, this.#parameters.get(name) ?? "");
  }

  numbers(name: string): number[] {
    const text = this.#parameters.get(name) ?? "";
    return text === "" ? [] : text.split(",").map((part) => numberOf(name, part));
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalid(`${name} is '${text}'; expected a whole number`);
}

async function orderOf(request: Request): Promise<ProduceOrder> {
  // An HTML form on another site can't send this content type.
  if (!/^application\/json *(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw invalid("the body must be application/json");
  }
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body === "object" && body !== null) {
    const { topic, partition, key, value } = body as Record<string, unknown>;
    const isKey = key === null || typeof key === "string";
    const isPartition = typeof partition === "number" && Number.isSafeInteger(partition);
    if (typeof topic === "string" && isPartition && isKey && typeof value === "string") {
      return { topic, partition, key, value };
    }
  }
  throw invalid("the body must be {topic, partition, key, value}");
}

function invalid(message: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", message);
}

async function answered(work: () => unknown): Promise<Response> {
  try {
    return Response.json(await work());
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    const refusal: Refusal = { code: error.code, message: error.message };
    return Response.json(refusal, { status: statusOf(error) });
  }
}

function statusOf({ code }: RustLogError): number {
  if (code === "UNKNOWN_TOPIC_OR_PARTITION") return 404;
  if (code.endsWith("_AUTHORIZATION_FAILED")) return 403;
  const isOurs = ["DISK_FULL", "STORAGE_ERROR", "BROKER_STOPPING", "BROKER_OVERLOADED"];
  return isOurs.includes(code) ? 503 : 400;
}
