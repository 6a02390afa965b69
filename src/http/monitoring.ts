// Monitoring: GET /metrics, and GET /health, which says whether the broker is usable. Once the broker has security, they
// need a token or a session; a load balancer gets the status without either.
// Leaves to others: listening (http-server.ts), the content (metrics-text.ts, broker/broker.ts), the tokens
// (metrics-token.ts), and the sessions (api/access.ts).
import type { Broker } from "../broker/broker.js";
import { VERSION } from "../broker/version.js";
import type { ServiceContext } from "../services/context.js";
import { mayOnCluster, requireOnCluster } from "../services/permissions.js";
import { type Problems, readProblems } from "../services/problems.js";
import { RustLogError } from "../errors.js";
import { EXPOSITION_TYPE } from "./exposition.js";
import type { HttpClient, HttpRoutes } from "./http-server.js";
import { METRICS_TOKEN } from "../security/audit.js";
import type { MetricsTokens } from "./metrics-token.js";
import { metricsText } from "./metrics-text.js";
import { PageAccess, visitorKey } from "./api/access.js";
import { SharedAnswers } from "./api/shared-answers.js";

const SCRAPES_MAX = 8;

/** What authenticates a request, beside the sessions of the page. Without tokens, none is accepted. */
export interface MonitoringAccess {
  readonly access: PageAccess;
  readonly tokens?: MetricsTokens | undefined;
}

export function monitoringRoutes(
  broker: Broker,
  access: MonitoringAccess = { access: new PageAccess(broker.context) },
): HttpRoutes {
  const scrapes = new Scrapes(broker);
  const lists = new SharedAnswers<Problems>();
  return {
    "/metrics": {
      GET: (request, _, client) => {
        const context = contextOf(broker, access, request, client);
        if (context === undefined) return unauthenticated();
        try {
          requireOnCluster(context, "DESCRIBE");
        } catch (error) {
          if (!(error instanceof RustLogError)) throw error;
          return new Response(`${error.message}\n`, { status: 403 });
        }
        return scrapes.answer(context);
      },
    },
    "/health": {
      GET: (request, _, client) => {
        const context = contextOf(broker, access, request, client);
        const mayKnow = context !== undefined && mayOnCluster(context, "DESCRIBE");
        return health(broker, mayKnow ? context : undefined, lists);
      },
    },
  };
}

/** The context of a request: a token may see everything, and a user what it may see on the page. */
function contextOf(
  { context }: Broker,
  { access, tokens }: MonitoringAccess,
  request: Request,
  client: HttpClient,
): ServiceContext | undefined {
  if (tokens?.accepts(request) === true) return context;
  if (tokens !== undefined && request.headers.has("authorization")) {
    const reason = "the token is not in --metrics-token-file";
    const mechanism = METRICS_TOKEN;
    context.audit.loginFailed({ host: client.address, mechanism, user: undefined, reason });
  }
  // With tokens they are needed, whether there are users or not.
  if (tokens !== undefined && !context.security.isEnabled) return undefined;
  return access.visitorOf(request, client)?.context;
}

function unauthenticated(): Response {
  const headers = { "www-authenticate": 'Bearer realm="rustlog"' };
  return new Response("a token is required (--metrics-token-file)\n", { status: 401, headers });
}

class Scrapes {
  readonly #broker: Broker;
  #underWay = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Streams the metrics as fast as they are read. */
  answer(context: ServiceContext): Response {
    if (this.#underWay >= SCRAPES_MAX) {
      return new Response(`too many concurrent scrapes (${SCRAPES_MAX})\n`, { status: 503 });
    }
    this.#underWay++;
    const parts = metricsText(this.#broker, context);
    let hasEnded = false;
    const end = (): void => {
      if (!hasEnded) this.#underWay--;
      hasEnded = true;
    };
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { value } = await parts.next().catch((error: unknown) => {
            end();
            throw error;
          });
          if (value !== undefined) controller.enqueue(encoder.encode(value));
          else {
            end();
            controller.close();
          }
        },
        cancel: end,
      },
      { highWaterMark: 1 },
    );
    return new Response(stream, { headers: { "content-type": EXPOSITION_TYPE } });
  }
}

/**
 * 200 while requests are served, even if some partitions are offline; 503 while the broker stops, or after a disk
 * failure. Names of partitions, reasons and what else is wrong only for a caller who may know.
 */
async function health(
  broker: Broker,
  caller: ServiceContext | undefined,
  lists: SharedAnswers<Problems>,
): Promise<Response> {
  const { health } = broker;
  const isServing = health.status === "ok" || health.status === "degraded";
  const status = isServing ? 200 : 503;
  if (caller === undefined) return Response.json({ status: health.status }, { status });
  // No user has the context of a token.
  const key = caller === broker.context ? "" : visitorKey(caller);
  const { problems } = await lists.get(key, () => readProblems(caller));
  const about = { version: VERSION, address: broker.address };
  return Response.json({ ...health, ...about, problems }, { status });
}
