// The broker's HTTP port, for people and for monitoring: what is served there is put together by the caller, path
// by path. Leaves to others: the answers (monitoring.ts), which requests are answered (request-guard.ts), and the
// protocol of the clients (net/listener.ts).
//
// Seen of Bun 1.4.5, and relied on here: a route that is one function gets every method; `stop(true)` also ends
// answers that are still being streamed, and calls `cancel` of their streams; a connection whose request has not come
// whole within `idleTimeout` is closed, however slowly it sends; `Bun.listen` shares no port with
// another process.
import { type AddressFlags, formatAddress, isLoopback, listenError } from "../net/address.ts";
import { LogLimit } from "../net/log-limit.ts";
import { httpConnectionsMax } from "../broker/open-files.ts";
import { type Behind, HttpGate } from "./http-gate.ts";
import { RequestGuard } from "./request-guard.ts";

/** Longest body of a request; a longer one is answered with 413 before it is read. */
const BODY_BYTES_MAX = 1024 * 1024;

/** A connection that is silent, or has not sent a whole request, for so long is closed. */
const IDLE_SECONDS_MAX = 10;

/** Requests that are answered at once, those whose answer was not read included. */
const REQUESTS_MAX = 192;

export type HttpHandler = Bun.Serve.Handler<
  Bun.BunRequest,
  Bun.Server<undefined>,
  Response | Promise<Response>
>;

/** What is served under a path: a function for each method; GET's is asked for HEAD, too. */
export type HttpRoute = Partial<Record<Bun.Serve.HTTPMethod, HttpHandler>>;

/** What is served under which path, as `Bun.serve` writes paths: `/api/topics/:name`. */
export type HttpRoutes = Readonly<Record<string, HttpRoute>>;

/** What an HTTP server is started with. */
export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** What sets the two. */
  readonly flags: AddressFlags;
  /** Names that the server is reached by, beside its address. */
  readonly allowedHosts?: readonly string[];
  /** Connections at once; as many as the limit on open files leaves room for, unless given. */
  readonly connectionsMax?: number;
  readonly routes: HttpRoutes;
  /** Writes a line to the broker's log. */
  log(line: string): void;
}

export class HttpServer {
  readonly #options: HttpOptions;
  readonly #guard: RequestGuard;
  readonly #server: Bun.Server<undefined>;
  readonly #gate: HttpGate;

  /** Starts listening. Throws an error that says what to do when the address can't be had. */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.#guard = new RequestGuard(options.host, options.allowedHosts ?? []);
    const { host, port, flags, connectionsMax = httpConnectionsMax() } = options;
    const { server, behind } = this.#serve();
    this.#server = server;
    try {
      this.#gate = new HttpGate({ hostname: host, port, behind, connectionsMax });
    } catch (error) {
      void this.#server.stop(true);
      throw listenError(host, port, flags, error);
    }
    if (!isLoopback(options.host)) {
      options.log(`listening on ${this.url}, beyond this machine: there is no authentication`);
    }
  }

  /** The port that is listened on, also when a free one was asked for. */
  get port(): number {
    return this.#gate.port;
  }

  /** `http://host:port`, as a browser is told it. */
  get url(): string {
    return `http://${formatAddress(this.#options.host, this.port)}`;
  }

  /** Stops listening, and cuts the answers that are still being sent. */
  async stop(): Promise<void> {
    this.#gate.stop();
    await this.#server.stop(true);
  }

  /** Starts the server behind the gate, which only this machine reaches. */
  #serve(): { server: Bun.Server<undefined>; behind: Behind } {
    const { routes, log } = this.#options;
    const limit = new LogLimit(log);
    const guarded = Object.entries(routes).map(([path, route]) => [path, this.#guarded(route)]);
    const common = {
      development: false,
      maxRequestBodySize: BODY_BYTES_MAX,
      idleTimeout: IDLE_SECONDS_MAX,
      routes: Object.fromEntries(guarded) as Bun.Serve.Routes<undefined, string>,
      fetch: (request: Request) =>
        this.#refusal(request) ?? plainText(404, "there is nothing here"),
      error: (error: Error) => {
        limit.line("bug", `bug: an HTTP request failed: ${error.stack ?? error.message}`);
        return plainText(500, "the broker failed to handle the request; its log says more");
      },
    };
    if (process.platform === "linux") {
      // A name that is no file, and goes away with the process.
      const unix = `\0rustlog-${crypto.randomUUID()}`;
      // The declared types have no idle timeout here, but it works as it does with a port.
      const address: object = { unix };
      return { server: Bun.serve({ ...common, ...address }), behind: { unix } };
    }
    const server = Bun.serve({ ...common, hostname: "127.0.0.1", port: 0 });
    return { server, behind: { hostname: "127.0.0.1", port: server.port ?? 0 } };
  }

  #guarded(methods: Partial<Record<string, HttpHandler>>): HttpHandler {
    const names = Object.keys(methods);
    if (methods.GET !== undefined) names.push("HEAD");
    const allow = names.join(", ");
    return (request, server) => {
      if (server.pendingRequests > REQUESTS_MAX) {
        return plainText(503, `${REQUESTS_MAX} requests are being answered already`);
      }
      const refusal = this.#refusal(request);
      if (refusal !== undefined) return refusal;
      const { method } = request;
      const handler = methods[method] ?? (method === "HEAD" ? methods.GET : undefined);
      if (handler !== undefined) {
        return method === "HEAD" ? withoutBody(handler(request, server)) : handler(request, server);
      }
      const refused = plainText(405, `${method} is not possible here, only ${allow}`);
      refused.headers.set("allow", allow);
      return refused;
    };
  }

  #refusal(request: Request): Response | undefined {
    const refusal = this.#guard.refusal(request);
    return refusal === undefined ? undefined : plainText(refusal.status, refusal.message);
  }
}

/** The answer to HEAD. A body that is streamed must be cancelled: nobody reads it. */
async function withoutBody(answer: ReturnType<HttpHandler>): Promise<Response> {
  const { status, headers, body } = await answer;
  await body?.cancel();
  return new Response(null, { status, headers });
}

function plainText(status: number, line: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${line}\n`, { status, headers });
}
