// What is worth telling an operator about who uses the broker: logins, refusals, and changes. No event has a secret in it.
// Leaves to others: where the events go (broker/audit-log.ts).
import type { Caller } from "./caller.js";
import type { Operation, ResourceType } from "./permission.js";

/** The mechanism of a client that gets metrics, beside those of SASL. */
export const METRICS_TOKEN = "metrics-token";

/** The mechanism of a client that has shown a certificate. */
export const CERTIFICATE = "certificate";

/** Somebody at an address. */
export type AuditedCaller = Pick<Caller, "principal" | "host">;

export interface FailedLogin {
  /** Address of the client. */
  readonly host: string;
  /** As the client names it. */
  readonly mechanism: string;
  /** The user that the client claims to be, if there is one of this name; people type passwords in the place of names. */
  readonly user: string | undefined;
  readonly reason: string;
}

/** What was changed. */
export type AuditAction =
  | "topic-created"
  | "topic-altered"
  | "topic-trimmed"
  | "topic-deleted"
  | "group-deleted"
  | "offsets-deleted"
  | "offsets-reset"
  | "user-set"
  | "user-deleted"
  | "rule-added"
  | "rule-deleted"
  | "quota-altered"
  | "connection-closed";

/** Details of a change, by name. */
export type AuditDetails = Readonly<Record<string, string | number>>;

export interface Audit {
  loggedIn(caller: AuditedCaller, mechanism: string): void;
  loginFailed(login: FailedLogin): void;
  denied(
    caller: AuditedCaller,
    operation: Operation,
    resourceType: ResourceType,
    name: string,
  ): void;
  changed(caller: AuditedCaller, action: AuditAction, details: AuditDetails): void;
}

export const NO_AUDIT: Audit = {
  loggedIn() {},
  loginFailed() {},
  denied() {},
  changed() {},
};
