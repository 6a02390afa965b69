// The broker's HTTP port, for people and for monitoring: what is served there is put together by the caller, path
// by path. Leaves to others: the answers (monitoring.ts), and the protocol of the clients (broker/server.ts).
//
// A web page anywhere can have its reader's browser send requests to this machine. So on a loopback address a name
// that is not this machine's is refused (else a page could give its own name our address, and read the answers), and
// everywhere a request that says it comes from another origin's page (a link to here excepted, which shows that page
// nothing). Whoever sends none of these headers is no browser.
//
// Seen of Bun 1.4.5, and relied on here: a route that is one function gets every method; `stop(true)` also ends
// answers that are still being streamed, and calls `cancel` of their streams; an HTML bundle answers any method;
// without `development`, several processes may share a port unless `reusePort` says no.
import { type AddressFlags, formatAddress, isLoopback, listenError } from "../broker/address.ts";

/** Longest body of a request; a longer one is answered with 413 before it is read. */
const BODY_BYTES_MAX = 1024 * 1024;

/** A connection that is silent for so long is closed. */
const IDLE_SECONDS_MAX = 10;

/** Answers one request. */
export type HttpHandler = Bun.Serve.Handler<
  Bun.BunRequest,
  Bun.Server<undefined>,
  Response | Promise<Response>
>;

/** What is served under a path: a function for each method (GET's is asked for HEAD, too), or a page with its code. */
export type HttpRoute = Bun.HTMLBundle | Partial<Record<Bun.Serve.HTTPMethod, HttpHandler>>;

/** What is served under which path, as `Bun.serve` writes paths: `/api/topics/:name`. */
export type HttpRoutes = Readonly<Record<string, HttpRoute>>;

/** What an HTTP server is started with. */
export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** What sets the two. */
  readonly flags: AddressFlags;
  readonly routes: HttpRoutes;
  /** Writes a line to the broker's log. */
  log(line: string): void;
}

/** A listening HTTP server. */
export class HttpServer {
  readonly #options: HttpOptions;
  readonly #isLocal: boolean;
  readonly #server: Bun.Server<undefined>;

  /** Starts listening. Throws an error that says what to do when the address can't be had. */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.#isLocal = isLoopback(options.host);
    this.#server = this.#listen();
    if (!this.#isLocal) {
      options.log(`listening on ${this.url}, beyond this machine: there is no authentication`);
    }
  }

  /** The port that is listened on, also when a free one was asked for. */
  get port(): number {
    return this.#server.port ?? this.#options.port;
  }

  /** `http://host:port`, as a browser is told it. */
  get url(): string {
    return `http://${formatAddress(this.#options.host, this.port)}`;
  }

  /** Stops listening, and cuts the answers that are still being sent. */
  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  #listen(): Bun.Server<undefined> {
    const { host, port, flags, routes, log } = this.#options;
    const guarded = Object.entries(routes).map(([path, route]) => [
      path,
      isPage(route) ? route : this.#guard(route),
    ]);
    try {
      return Bun.serve({
        hostname: host,
        port,
        development: false,
        reusePort: false,
        maxRequestBodySize: BODY_BYTES_MAX,
        idleTimeout: IDLE_SECONDS_MAX,
        routes: Object.fromEntries(guarded) as Bun.Serve.Routes<undefined, string>,
        fetch: (request) => this.#refusal(request) ?? plainText(404, "there is nothing here"),
        error: (error) => {
          log(`bug: an HTTP request failed: ${error.stack ?? error.message}`);
          return plainText(500, "the broker failed to handle the request; its log says more");
        },
      });
    } catch (error) {
      throw listenError(host, port, flags, error);
    }
  }

  #guard(methods: Partial<Record<string, HttpHandler>>): HttpHandler {
    const names = Object.keys(methods);
    if (methods.GET !== undefined) names.push("HEAD");
    const allow = names.join(", ");
    return (request, server) => {
      const refusal = this.#refusal(request);
      if (refusal !== undefined) return refusal;
      const { method } = request;
      const handler = methods[method] ?? (method === "HEAD" ? methods.GET : undefined);
      if (handler !== undefined) return handler(request, server);
      const refused = plainText(405, `${method} is not possible here, only ${allow}`);
      refused.headers.set("allow", allow);
      return refused;
    };
  }

  /** The answer to a request that a foreign page may have had a browser send; see the head of this file. */
  #refusal(request: Request): Response | undefined {
    const host = request.headers.get("host");
    const origin = request.headers.get("origin");
    if (this.#isLocal && host !== null && !this.#isOurs(host)) {
      return plainText(403, `'${host}' is not a name of this machine`);
    }
    if (origin !== null && origin.replace(/^https?:\/\//, "") !== host) {
      return plainText(403, `pages of ${origin} may not use this broker`);
    }
    // A page's images and scripts have no origin; the browser says of them, too, whether they are of another page.
    const site = request.headers.get("sec-fetch-site") ?? "none";
    const isLink = request.headers.get("sec-fetch-mode") === "navigate" && request.method === "GET";
    if (!isLink && site !== "none" && site !== "same-origin") {
      return plainText(403, "pages of another origin may not use this broker");
    }
    return undefined;
  }

  #isOurs(host: string): boolean {
    const name = host
      .toLowerCase()
      .replace(/:\d+$/, "")
      .replace(/^\[(.*)\]$/, "$1");
    return name === this.#options.host.toLowerCase() || isLoopback(name);
  }
}

function isPage(route: HttpRoute): route is Bun.HTMLBundle {
  return "index" in route;
}

function plainText(status: number, line: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${line}\n`, { status, headers });
}
