// Requests to the broker. Leaves to others: the paths of a view (its folder), the broker's events (events.ts), using the answers.
import type { Refusal, SessionState } from "./wire.js";

/** What a request has to carry that changes something; none while the broker has no security. */
let changeHeaders: Readonly<Record<string, string>> = {};

/** Asks who looks at the page. Later requests are made in that session. */
export async function askSession(): Promise<SessionState> {
  const state = await answerOf<SessionState>(fetch("/api/session"));
  changeHeaders = state.csrfToken === null ? {} : { "x-csrf-token": state.csrfToken };
  return state;
}

/** Ends the session, and shows the form to log in. */
export async function logOut(): Promise<void> {
  await post("/logout");
  location.reload();
}

/** Tells the broker something that has no answer. */
export function post(path: string): Promise<Response> {
  return fetch(path, { method: "POST", headers: changeHeaders });
}

/** There was no answer, or one of a broker that is too busy: the same request may succeed later. */
export class Unanswered extends Error {}

/** The broker has refused a request. */
export class Refused extends Error {
  readonly code: string;

  constructor({ code, message }: Refusal) {
    super(message);
    this.code = code;
  }
}

/** Asks for what is at a path of the broker. Rejects with an error that says why there is no answer. */
export function askFor<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return answerOf<Answer>(fetch(path, signal === undefined ? {} : { signal }));
}

/** Asks for bytes likewise. */
export async function askForBytes(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await responseOf(fetch(path, signal === undefined ? {} : { signal }));
  return new Uint8Array(await received(response.arrayBuffer()));
}

/** Sends a change, as JSON. */
export function order<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { "content-type": "application/json", ...changeHeaders };
  const text = body === undefined ? null : JSON.stringify(body);
  return answerOf<Answer>(fetch(path, { method, headers, body: text }));
}

async function answerOf<Answer>(asked: Promise<Response>): Promise<Answer> {
  const response = await responseOf(asked);
  return parsed<Answer>(await received(response.text()), response);
}

function parsed<Content>(text: string, { status }: Response): Content {
  try {
    return JSON.parse(text) as Content;
  } catch {
    throw new Error(foreign(status));
  }
}

/** A proxy in between has answered, as with a form to log in of its own. */
function foreign(status: number): string {
  return `what has answered is not the broker (status ${status}): reload the page`;
}

/** The answer, unless it is a refusal. */
async function responseOf(asked: Promise<Response>): Promise<Response> {
  const response = await asked.catch(() => undefined);
  if (response === undefined) throw new Unanswered(NO_ANSWER);
  // The session has ended: the page is now the form to log in.
  if (response.status === 401) location.reload();
  if (response.ok) return response;
  const text = await received(response.text());
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/json")) throw new Refused(parsed<Refusal>(text, response));
  // The document of a proxy is not for a message.
  const said = type.startsWith("text/plain") ? text.trim() : "";
  if (UNANSWERED.includes(response.status)) throw new Unanswered(said === "" ? NO_ANSWER : said);
  throw new Error(said === "" ? foreign(response.status) : said);
}

/** Statuses of a broker that is too busy, and of a proxy that gets no answer from it. */
const UNANSWERED: readonly number[] = [502, 503, 504];

/** The body of an answer, which may end early. */
function received<Body>(body: Promise<Body>): Promise<Body> {
  return body.catch(() => {
    throw new Unanswered(NO_ANSWER);
  });
}

const NO_ANSWER = "the broker does not respond";

/** Refusals that are over soon. */
const PASSING: readonly string[] = ["BROKER_STOPPING", "BROKER_OVERLOADED"];

/** Whether the same request may succeed later, as after a restart of the broker. */
export function isPassing(error: unknown): boolean {
  return error instanceof Unanswered || (error instanceof Refused && PASSING.includes(error.code));
}
