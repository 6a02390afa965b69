// Sessions of the page: how many there are, and when they end. Leaves to others: the requests (access.test.ts).
import { expect, test } from "bun:test";
import {
  Sessions,
  SESSION_AGE_MS,
  SESSION_IDLE_MS,
  SESSIONS_MAX,
  USER_SESSIONS_MAX,
} from "../../../src/http/api/sessions.js";
import { type Caller, EVERYONE } from "../../../src/security/caller.js";
import type { ServiceContext } from "../../../src/services/context.js";

function contextOf(user: string, status: Caller["status"] = "known") {
  const caller = { ...EVERYONE, principal: `User:${user}` as const, status };
  return { context: { caller } as unknown as ServiceContext, caller };
}

test("a session ends when it is not used, and in any case after some hours", () => {
  let nowMs = 0;
  const sessions = new Sessions(() => nowMs);
  const { context } = contextOf("ann");
  const idle = sessions.open(context);
  const used = sessions.open(context);
  const step = SESSION_IDLE_MS - 1;
  for (nowMs = step; nowMs < SESSION_AGE_MS; nowMs += step) {
    expect(sessions.use(used)?.context).toBe(context);
    if (nowMs === step) continue;
    expect(sessions.size).toBe(1);
    expect(sessions.use(idle)).toBeUndefined();
  }
  expect(sessions.use(used)).toBeUndefined();
  expect(sessions.size).toBe(0);
});

test("a session ends with the login", () => {
  const sessions = new Sessions();
  const { context, caller } = contextOf("ann");
  const id = sessions.open(context);
  const session = sessions.use(id);
  expect(session && sessions.holds(session)).toBe(true);
  caller.status = "gone";
  expect(session && sessions.holds(session)).toBe(false);
  expect(sessions.use(id)).toBeUndefined();
  expect(sessions.size).toBe(0);
});

test("ids and tokens have 256 bits, differ, and only a whole id is one", () => {
  const sessions = new Sessions();
  const { context } = contextOf("ann");
  const ids = Array.from({ length: 10 }, () => sessions.open(context));
  const tokens = ids.map((id) => sessions.use(id)?.csrfToken ?? "");
  for (const secret of [...ids, ...tokens]) {
    expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  }
  expect(new Set([...ids, ...tokens]).size).toBe(20);
  for (const id of ["", ids[0]!.slice(1), `${ids[0]}=`, tokens[0]!])
    expect(sessions.use(id)).toBeUndefined();
});

test("a user has a limited number of sessions, and does not end those of others", () => {
  const sessions = new Sessions();
  const bob = sessions.open(contextOf("bob").context);
  const ann = Array.from({ length: USER_SESSIONS_MAX + 3 }, () =>
    sessions.open(contextOf("ann").context),
  );
  const held = ann.filter((id) => sessions.use(id) !== undefined);
  expect(held).toEqual(ann.slice(3));
  expect(sessions.use(bob)).toBeDefined();
});

test("there is a limited number of sessions", () => {
  const sessions = new Sessions();
  const ids = Array.from({ length: SESSIONS_MAX + 2 }, (_, i) =>
    sessions.open(contextOf(`user-${i}`).context),
  );
  expect(sessions.size).toBe(SESSIONS_MAX);
  expect(ids.map((id) => sessions.use(id) !== undefined).indexOf(true)).toBe(2);
});
