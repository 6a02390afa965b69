// The broker's HTTP port for people and monitoring; the caller supplies the routes.
// Leaves to others: the responses (monitoring.ts, api/routes.ts), which requests to answer (request-guard.ts), and the
// clients' protocol (net/listener.ts).
//
// Observed with Bun 1.4.5, and relied on here. A route that is a function gets every method. `stop(true)` also ends
// streaming responses and calls `cancel` on their streams. A connection that has not sent a complete request within
// `idleTimeout` is closed, however slowly it sends. `Bun.listen` does not share a port with another process.
import { HTTP_BODY_BYTES_MAX } from "../limits.js";
import { formatAddress, isLoopback } from "../net/address.js";
import type { AddressFlags } from "../net/listen.js";
import type { TlsFiles } from "../net/tls-files.js";
import { LogLimit } from "../net/log-limit.js";
import { httpConnectionsMax } from "../broker/open-files.js";
import { type Behind, HttpGate } from "./http-gate.js";
import { RequestGuard } from "./request-guard.js";

/** A connection that is idle, or has not sent a complete request, for this long is closed. */
const IDLE_SECONDS_MAX = 10;

/** Maximum number of requests answered concurrently, including those whose response is unread. */
const REQUESTS_MAX = 192;

/** Who sends a request, as far as the connection tells. */
export interface HttpClient {
  readonly address: string;
  /** Whether nobody on the way can read what is sent. */
  readonly isSecure: boolean;
}

export type HttpHandler = (
  request: Bun.BunRequest,
  server: Bun.Server<undefined>,
  client: HttpClient,
) => Response | Promise<Response>;

/** The handlers of a path, by method. HEAD uses GET's. */
export type HttpRoute = Partial<Record<Bun.Serve.HTTPMethod, HttpHandler>>;

/** Routes by path, in `Bun.serve` syntax: `/api/topics/:name`. */
export type HttpRoutes = Readonly<Record<string, HttpRoute>>;

export interface HttpOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The flags that set host and port, for error messages. */
  readonly flags: AddressFlags;
  /** Additional host names by which the server is reached. */
  readonly allowedHosts?: readonly string[];
  /** For HTTPS. */
  readonly tls?: TlsFiles | undefined;
  /** Maximum number of connections; by default what the limit on open files allows. */
  readonly connectionsMax?: number;
  /** Whether anyone who reaches it may use it: then a line of the log warns of a public address. */
  readonly isOpen?: boolean;
  readonly routes: HttpRoutes;
  /** Writes a line to the broker's log. */
  log(line: string): void;
}

export class HttpServer {
  readonly #options: HttpOptions;
  readonly #guard: RequestGuard;
  readonly #server: Bun.Server<undefined>;
  readonly #gate: HttpGate;

  /** Starts listening. Throws an error that says what to do if the address is unavailable. */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.#guard = new RequestGuard(options.host, options.allowedHosts ?? []);
    const { host, port, flags, tls, connectionsMax = httpConnectionsMax() } = options;
    const { server, behind } = this.#serve();
    const limit = new LogLimit(options.log);
    const log = (kind: string, line: string): void => limit.line(kind, line);
    this.#server = server;
    try {
      this.#gate = new HttpGate({ host, port, flags, behind, connectionsMax, tls, log });
    } catch (error) {
      void this.#server.stop(true);
      throw error;
    }
    if (!isLoopback(options.host)) this.#warn();
  }

  /** The port in use, also if a free one was requested. */
  get port(): number {
    return this.#gate.port;
  }

  /** `http://host:port`, or with `https`, for a browser. */
  get url(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://${formatAddress(this.#options.host, this.port)}`;
  }

  /** Stops listening and aborts responses in progress. */
  async stop(): Promise<void> {
    this.#gate.stop();
    await this.#server.stop(true);
  }

  #warn(): void {
    const { isOpen = true, tls, log } = this.#options;
    const where = `listening on ${this.url}, reachable from other machines`;
    if (isOpen) log(`${where}: there is no authentication`);
    else if (tls === undefined) {
      log(
        `${where} without TLS: passwords, cookies and tokens can be read on the way; use --http-tls`,
      );
    }
  }

  /** Starts the server behind the gate, which only this machine can reach. */
  #serve(): { server: Bun.Server<undefined>; behind: Behind } {
    const { routes, log } = this.#options;
    const limit = new LogLimit(log);
    const guarded = Object.entries(routes).map(([path, route]) => [path, this.#guarded(route)]);
    const common = {
      development: false,
      maxRequestBodySize: HTTP_BODY_BYTES_MAX,
      idleTimeout: IDLE_SECONDS_MAX,
      routes: Object.fromEntries(guarded) as Bun.Serve.Routes<undefined, string>,
      fetch: (request: Request) => this.#refusal(request) ?? plainText(404, "not found"),
      error: (error: Error) => {
        limit.line("bug", `bug: an HTTP request failed: ${error.stack ?? error.message}`);
        return plainText(500, "internal error; see the broker's log");
      },
    };
    const server = Bun.serve({ ...common, hostname: "127.0.0.1", port: 0 });
    return { server, behind: { hostname: "127.0.0.1", port: server.port ?? 0 } };
  }

  #guarded(methods: Partial<Record<string, HttpHandler>>) {
    const names = Object.keys(methods);
    if (methods.GET !== undefined) names.push("HEAD");
    const allow = names.join(", ");
    return async (request: Bun.BunRequest, server: Bun.Server<undefined>) => {
      if (server.pendingRequests > REQUESTS_MAX) {
        return plainText(503, `too many concurrent requests (${REQUESTS_MAX})`);
      }
      const refusal = this.#refusal(request);
      if (refusal !== undefined) return refusal;
      const address = this.#gate.addressOf(server.requestIP(request)?.port ?? 0);
      // Another program of this machine has found the server.
      if (address === undefined) return plainText(403, "connect to the public port");
      const client = { address, isSecure: this.#options.tls !== undefined };
      const { method } = request;
      const handler = methods[method] ?? (method === "HEAD" ? methods.GET : undefined);
      if (handler !== undefined) {
        const answer = handler(request, server, client);
        return protectedAnswer(method === "HEAD" ? await withoutBody(answer) : await answer);
      }
      const refused = plainText(405, `method ${method} is not allowed; use ${allow}`);
      refused.headers.set("allow", allow);
      return refused;
    };
  }

  #refusal(request: Request): Response | undefined {
    const refusal = this.#guard.refusal(request);
    return refusal === undefined ? undefined : plainText(refusal.status, refusal.message);
  }
}

/** The response to HEAD. Cancels a streaming body, which nobody would read. */
async function withoutBody(answer: ReturnType<HttpHandler>): Promise<Response> {
  const { status, headers, body } = await answer;
  await body?.cancel();
  return new Response(null, { status, headers });
}

function plainText(status: number, line: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return protectedAnswer(new Response(`${line}\n`, { status, headers }));
}

/** What a browser may do with an answer that does not say otherwise: show it, not keep it, and not in a frame. */
const PROTECTION = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

function protectedAnswer(answer: Response): Response {
  for (const [name, value] of Object.entries(PROTECTION)) {
    if (!answer.headers.has(name)) answer.headers.set(name, value);
  }
  return answer;
}
