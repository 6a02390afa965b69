// Users of a broker, and what each of them can do on its page with a cookie and a token.
// Leaves to others: expectations.
import type { Acl } from "../../src/security/acl.js";
import type { Operation, ResourceType } from "../../src/security/permission.js";
import { administratorAcls } from "../../src/security/user-changes.js";
import type { ServiceContext } from "../../src/services/context.js";
import type { SessionState } from "../../src/http/page/wire.js";
import { createCredential } from "./credentials.js";

/** `READ TOPIC orders`: a rule that allows it. */
export type Right = `${Operation} ${ResourceType} ${string}`;

/** Adds users whose password is their name, with what each may do; or changes these passwords. */
export async function addUsers(
  { security }: ServiceContext,
  users: Readonly<Record<string, readonly Right[] | "everything">>,
  passwordOf: (name: string) => string = (name) => name,
): Promise<void> {
  const usersSet = await Promise.all(
    Object.keys(users).map(async (name) => ({
      name,
      credentials: { "SCRAM-SHA-256": await createCredential("SCRAM-SHA-256", passwordOf(name)) },
    })),
  );
  const aclsAdded = Object.entries(users).flatMap(([name, rights]) =>
    rights === "everything" ? administratorAcls(name) : rights.map((right) => ruleOf(name, right)),
  );
  await security.change(() => ({ usersSet, aclsAdded }));
}

export function ruleOf(user: string, right: Right): Acl {
  const [operation, resourceType, resourceName = ""] = right.split(" ") as [
    Operation,
    ResourceType,
    string,
  ];
  return {
    ...{ operation, resourceType, resourceName, patternType: "LITERAL" },
    ...{ principal: `User:${user}`, host: "*", permissionType: "ALLOW" },
  };
}

/** Sends the form to log in. */
export function sendLogin(
  url: string,
  user: string,
  password = user,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const body = new URLSearchParams({ user, password });
  return fetch(`${url}login`, { method: "POST", body, headers, redirect: "manual" });
}

/** A browser in which a user has logged in. */
export interface PageUser {
  /** `name=id`, as a browser sends it. */
  readonly cookie: string;
  readonly csrfToken: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export async function logInOnPage(url: string, user: string, password = user): Promise<PageUser> {
  const response = await sendLogin(url, user, password);
  const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";");
  const answer = await fetch(`${url}api/session`, { headers: { cookie } });
  const { csrfToken } = (await answer.json()) as SessionState;
  return {
    cookie,
    csrfToken: csrfToken ?? "",
    fetch: (path, init = {}) => {
      const own = { cookie, "x-csrf-token": csrfToken ?? "" };
      const headers = { ...own, ...(init.headers as Record<string, string> | undefined) };
      return fetch(new URL(path, url), { ...init, headers, redirect: "manual" });
    },
  };
}
