// Who may use the routes of the page: everybody while the broker has no security, then those who have logged in. A request
// that changes something has to carry the token of its session, which pages of other origins don't know.
// Leaves to others: the sessions (sessions.ts), logging in (login.ts), permissions (services/), and the checks of
// every request (request-guard.ts).
import { contextFor, type ServiceContext } from "../../services/context.js";
import { mayCreateSome, mayOnCluster } from "../../services/permissions.js";
import { loginFault } from "../../services/login.js";
import type { HttpClient, HttpHandler, HttpRoute, HttpRoutes } from "../http-server.js";
import type { Refusal, SessionState } from "../page/wire.js";
import { isSameSecret, type Session, Sessions } from "./sessions.js";

/** The header with the token of a session. */
const CSRF_HEADER = "x-csrf-token";

/** Who sends a request of the page. */
export interface Visitor {
  /** The caller is the user; while the broker has no security, it may do everything. */
  readonly context: ServiceContext;
  /** Undefined while the broker has no security. */
  readonly session: Session | undefined;
  /** Who shares what there is little of: the user, or the address while the broker has no security. */
  readonly share: string;
  /** Whether the requests of this visitor are still served. */
  isWelcome(): boolean;
}

export type PageHandler = (
  request: Bun.BunRequest,
  visitor: Visitor,
  server: Bun.Server<undefined>,
  client: HttpClient,
) => Response | Promise<Response>;

/** Handlers by path and method; all of them need a visitor. */
export type PageRoutes = Readonly<
  Record<string, Partial<Record<Bun.Serve.HTTPMethod, PageHandler>>>
>;

interface PageAccessOptions {
  /** Whether nobody may change anything. */
  readonly isReadOnly?: boolean;
  readonly sessions?: Sessions;
}

export class PageAccess {
  readonly context: ServiceContext;
  readonly sessions: Sessions;
  readonly isReadOnly: boolean;
  /** Cookies don't know ports, so brokers of one machine need different names. */
  readonly #cookieName: string;

  constructor(context: ServiceContext, options: PageAccessOptions = {}) {
    this.context = context;
    this.sessions = options.sessions ?? new Sessions();
    this.isReadOnly = options.isReadOnly ?? false;
    this.#cookieName = `rustlog-${context.logDirectoryId.replaceAll("-", "").slice(0, 8)}`;
  }

  /** Undefined if a login is due. */
  visitorOf(request: Request, { address, isSecure }: HttpClient): Visitor | undefined {
    const { security } = this.context;
    if (!security.isEnabled) {
      const context = contextFor(this.context, { address });
      const isWelcome = (): boolean => loginFault(context) === undefined;
      return { context, session: undefined, share: address, isWelcome };
    }
    const session = this.sessionOf(request, isSecure);
    if (session === undefined) return undefined;
    const isWelcome = (): boolean => this.sessions.holds(session);
    const visited = session.contextAt(address);
    return { context: visited, session, share: visited.caller.principal, isWelcome };
  }

  sessionOf(request: Request, isSecure: boolean): Session | undefined {
    const name = this.#name(isSecure);
    const cookies = (request.headers.get("cookie") ?? "").split("; ");
    // A second cookie of the same name was set by another program of this host, so it may come first.
    for (const cookie of cookies.slice(0, COOKIES_MAX)) {
      if (!cookie.startsWith(`${name}=`)) continue;
      const session = this.sessions.use(cookie.slice(name.length + 1));
      if (session !== undefined) return session;
    }
    return undefined;
  }

  /** The value of Set-Cookie; an id of "" ends the cookie. */
  cookie(id: string, isSecure: boolean): string {
    const end = id === "" ? "; Max-Age=0" : "";
    const secure = isSecure ? "; Secure" : "";
    return `${this.#name(isSecure)}=${id}; Path=/; HttpOnly; SameSite=Strict${secure}${end}`;
  }

  /** What a page needs to know about its visitor. */
  stateOf({ context, session }: Visitor): SessionState {
    const { caller } = context;
    const mayCreateTopics = !this.isReadOnly && mayCreateSome(context);
    const { autoCreateTopics, defaultPartitions } = context;
    return {
      user: session === undefined ? null : caller.principal.replace(/^User:/, ""),
      csrfToken: session?.csrfToken ?? null,
      isReadOnly: this.isReadOnly,
      mayRead: caller.mayOnAny("READ", "TOPIC"),
      mayProduce: !this.isReadOnly && caller.mayOnAny("WRITE", "TOPIC"),
      mayCreateTopics,
      seesCluster: mayOnCluster(context, "DESCRIBE"),
      mayCloseConnections: !this.isReadOnly && mayOnCluster(context, "ALTER"),
      newTopicPartitions: mayCreateTopics && autoCreateTopics ? defaultPartitions : null,
    };
  }

  /** The routes for those who may use them. `harmless` are paths of which no method changes what the broker stores. */
  guard(routes: PageRoutes, harmless: readonly string[]): HttpRoutes {
    return Object.fromEntries(
      Object.entries(routes).map(([path, handlers]) => {
        const mayWrite = !this.isReadOnly || harmless.includes(path);
        const guarded = Object.entries(handlers).map(([method, handler]) => [
          method,
          this.#guarded(method, handler, mayWrite),
        ]);
        return [path, Object.fromEntries(guarded) as HttpRoute];
      }),
    );
  }

  #guarded(method: string, handler: PageHandler, mayWrite: boolean): HttpHandler {
    return (request, server, client) => {
      const visitor = this.visitorOf(request, client);
      if (visitor === undefined) return loginRequired();
      if (method !== "GET") {
        if (!mayWrite) return refused("POLICY_VIOLATION", READ_ONLY_MESSAGE);
        const { session } = visitor;
        const token = request.headers.get(CSRF_HEADER) ?? "";
        if (session !== undefined && !isSameSecret(token, session.csrfToken))
          return refused(
            "INVALID_REQUEST",
            `${CSRF_HEADER} is not the token of the session: reload the page`,
          );
      }
      return handler(request, visitor, server, client);
    };
  }

  /** Browsers take this prefix as a promise that the cookie came from here, through TLS. */
  #name(isSecure: boolean): string {
    return isSecure ? `__Host-${this.#cookieName}` : this.#cookieName;
  }
}

/** Who asks, and with which permissions: for answers that several pages of one visitor share. */
export function visitorKey({ caller, security }: ServiceContext): string {
  return `${security.authorizer.version} ${caller.host} ${caller.principal}`;
}

/** Cookies looked at in a request. */
const COOKIES_MAX = 50;

const READ_ONLY_MESSAGE = "this page is read-only (--ui-read-only)";

function loginRequired(): Response {
  const refusal: Refusal = { code: "ILLEGAL_SASL_STATE", message: "the broker requires a login" };
  const headers = { "www-authenticate": 'Cookie realm="rustlog"' };
  return Response.json(refusal, { status: 401, headers });
}

function refused(code: string, message: string): Response {
  const refusal: Refusal = { code, message };
  return Response.json(refusal, { status: 403 });
}
