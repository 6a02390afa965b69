// Logging in on the page: a form, which works without a script, and the answer to it.
// Leaves to others: checking the password (services/login.ts), and sessions (sessions.ts, access.ts).
import { setTimeout as sleep } from "node:timers/promises";
import { clockMs } from "../../clock.js";
import { RustLogError } from "../../errors.js";
import { USER_NAME_BYTES_MAX } from "../../limits.js";
import { FailedLogins } from "../../security/failed-logins.js";
import { contextFor, withCaller } from "../../services/context.js";
import { beginLogin, continueLogin } from "../../services/login.js";
import type { HttpClient } from "../http-server.js";
import type { PageAccess } from "./access.js";
import type { PageFiles } from "./files.js";

/** Logins of one address at a time, including those whose failure is not answered yet. */
const ADDRESS_LOGINS_MAX = 4;

/** A name of 255 bytes and a password, each byte written as three. */
const LOGIN_BYTES_MAX = 4 * 1024;

export class PageLogin {
  readonly #access: PageAccess;
  readonly #files: PageFiles;
  /** Number of logins under way, by address. */
  readonly #underWay = new Map<string, number>();
  /** By a hash of the name of the user, which may be long, whether there is one or not. The broker counts by address. */
  readonly #failures = new FailedLogins();

  constructor(access: PageAccess, files: PageFiles) {
    this.#access = access;
    this.#files = files;
  }

  /** The form. */
  form(): Promise<Response> {
    return this.#files.login();
  }

  /** Takes the form. A login ends the session that the browser had. */
  async logIn(request: Request, client: HttpClient): Promise<Response> {
    if (!this.#access.context.security.isEnabled) return toPage();
    const form = await formOf(request);
    if (form === undefined) return this.#files.login(400, "The form is not complete.");
    const { address } = client;
    const underWay = this.#underWay.get(address) ?? 0;
    if (underWay >= ADDRESS_LOGINS_MAX) {
      // As short as can be: a flood gets nothing else.
      const headers = { "retry-after": "1", "content-type": "text/plain; charset=utf-8" };
      return new Response("too many logins at a time; try again\n", { status: 429, headers });
    }
    this.#underWay.set(address, underWay + 1);
    try {
      return await this.#logIn(form, request, client);
    } finally {
      const left = (this.#underWay.get(address) ?? 1) - 1;
      if (left > 0) this.#underWay.set(address, left);
      else this.#underWay.delete(address);
    }
  }

  async #logIn(
    { user, password }: LoginForm,
    request: Request,
    { address, isSecure }: HttpClient,
  ): Promise<Response> {
    const beganMs = clockMs();
    const { signal } = request;
    const context = contextFor(this.#access.context, {
      address,
      // Nothing is checked for a browser that has left.
      get isGone() {
        return signal.aborted;
      },
    });
    try {
      beginLogin(context, "PLAIN");
      await continueLogin(context, new TextEncoder().encode(`\0${user}\0${password}`));
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      // Only a failure waits, so that nobody can lock out the user by failing.
      const nowMs = clockMs();
      const delayMs = beganMs + this.#failures.delayMs(String(Bun.hash(user)), nowMs) - nowMs;
      if (!signal.aborted) await sleep(Math.max(0, delayMs), undefined, { ref: false });
      return this.#files.login(401, "The user or the password is wrong.", nameToKeep(user));
    }
    const before = this.#access.sessionOf(request, isSecure);
    if (before !== undefined) this.#access.sessions.end(before);
    // This connection ends before the session.
    const caller = context.security.callerAt(context.caller, { address });
    const id = this.#access.sessions.open(withCaller(context, caller));
    return toPage({ "set-cookie": this.#access.cookie(id, isSecure) });
  }
}

/** What the form shows again as the user: no name that is too long, or that could not be typed into it. */
function nameToKeep(user: string): string {
  const isName = Buffer.byteLength(user) <= USER_NAME_BYTES_MAX && !/\p{Cc}/u.test(user);
  return isName ? user : "";
}

/** A browser follows it with a GET, so that it does not send the password again when the page is reloaded. */
function toPage(headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status: 303, headers: { location: "/", ...headers } });
}

interface LoginForm {
  readonly user: string;
  readonly password: string;
}

async function formOf(request: Request): Promise<LoginForm | undefined> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) return undefined;
  const text = await boundedText(request);
  if (text === undefined) return undefined;
  const form = new URLSearchParams(text);
  const user = form.get("user") ?? "";
  const password = form.get("password") ?? "";
  return user === "" || password === "" ? undefined : { user, password };
}

/** The body of a request; undefined if it is too long. */
async function boundedText({ body, headers }: Request): Promise<string | undefined> {
  if (Number(headers.get("content-length") ?? 0) > LOGIN_BYTES_MAX || body === null)
    return undefined;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > LOGIN_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
