// The routes of the live page: its files, its session, a stream of events, and JSON, a file per family of questions.
// Leaves to others: the answers (partition-questions.ts, records.ts, topics.ts, groups.ts, connections.ts, problems.ts,
// produce.ts, feed/), rejecting other origins (request-guard.ts), and who may use the routes (access.ts). Record contents are
// sent unchanged; the page shows them only as text.
import type { Broker } from "../../broker/broker.js";
import type { HttpRoutes } from "../http-server.js";
import type { PageAccess, PageRoutes } from "./access.js";
import { answered, invalid, notFound } from "./answer.js";
import { connectionRoutes } from "./connections.js";
import { PageFeed } from "./feed/page-feed.js";
import { PageFiles } from "./files.js";
import { groupRoutes } from "./groups.js";
import { PageLogin } from "./login.js";
import { partitionRoutes } from "./partition-questions.js";
import { problemRoutes } from "./problems.js";
import { produceRoutes } from "./produce.js";
import { Queue } from "./queue.js";
import { recordRoutes } from "./records.js";
import { topicRoutes } from "./topics.js";

/** Seconds after which a page that does not read its events is disconnected. */
const SLOW_READER_SECONDS = 30;

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
  // Each question may decompress a large batch.
  const questions = new Queue();
  return {
    ...sessionRoutes(access, feed),
    ...eventRoutes(feed),
    ...connectionRoutes(broker),
    ...groupRoutes(broker, access.isReadOnly),
    ...problemRoutes(),
    ...produceRoutes(flush),
    ...partitionRoutes(questions),
    ...recordRoutes(questions),
    ...topicRoutes(access.isReadOnly),
  };
}

function sessionRoutes(access: PageAccess, feed: PageFeed): PageRoutes {
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
  };
}

function eventRoutes(feed: PageFeed): PageRoutes {
  return {
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
  };
}
