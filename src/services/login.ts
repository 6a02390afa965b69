// Logging in, and what a caller that has not done so may do.
// Leaves to others: the mechanisms (security/sasl.ts).
import { setTimeout as sleep } from "node:timers/promises";
import { clockMs } from "../clock.js";
import { RustLogError } from "../errors.js";
import type { Login } from "../security/caller.js";
import type { ServiceContext } from "./context.js";

/** Names of the mechanisms; none if the broker requires no login. */
export function loginMechanisms({ caller }: ServiceContext): readonly string[] {
  return caller.login?.mechanisms ?? [];
}

/** Begins a login. Throws UNSUPPORTED_SASL_MECHANISM, and ILLEGAL_SASL_STATE if the broker requires none. */
export function beginLogin(context: ServiceContext, mechanism: string): void {
  try {
    loginOf(context).begin(mechanism);
  } catch (error) {
    if (error instanceof RustLogError && error.code === "UNSUPPORTED_SASL_MECHANISM") {
      const { caller, audit } = context;
      const reason = "the broker does not have this mechanism";
      audit.loginFailed({ host: caller.host, mechanism, user: undefined, reason });
    }
    throw error;
  }
}

interface LoginStep {
  /** What to tell the client. */
  readonly message: Uint8Array;
  /** Whether it is logged in. */
  readonly isComplete: boolean;
  /** Milliseconds after which it has to log in again; 0 for never. */
  readonly sessionLifetimeMs: number;
}

/** Takes the client's next message. Rejects with SASL_AUTHENTICATION_FAILED or ILLEGAL_SASL_STATE. */
export async function continueLogin(
  context: ServiceContext,
  message: Uint8Array,
): Promise<LoginStep> {
  const login = loginOf(context);
  const mechanism = login.begun ?? "none";
  const beganMs = clockMs();
  const { bytes, identity } = await login.step(message).catch(async (error: unknown) => {
    if (error instanceof RustLogError && error.code === "SASL_AUTHENTICATION_FAILED") {
      noteFailure(context, mechanism, error);
      await delayFailure(context, beganMs);
    }
    throw error;
  });
  if (identity !== undefined) context.audit.loggedIn(context.caller, mechanism);
  const expiresAtMs = identity?.expiresAtMs;
  return {
    message: bytes,
    isComplete: identity !== undefined,
    sessionLifetimeMs: expiresAtMs === undefined ? 0 : Math.max(1, expiresAtMs - Date.now()),
  };
}

function noteFailure(
  { audit, caller, security }: ServiceContext,
  mechanism: string,
  { cause }: RustLogError,
): void {
  const claimed = caller.login?.claimedUser;
  const isKnown = claimed !== undefined && security.users.find(claimed) !== undefined;
  const reason = cause instanceof Error ? cause.message : "the credentials are not valid";
  audit.loginFailed({
    ...{ host: caller.host, mechanism, reason },
    user: isKnown ? claimed : undefined,
  });
}

/**
 * Makes guessing slow. The time counts from the client's message, so that the answer does not tell how long the check took:
 * that differs by user.
 */
async function delayFailure({ security, caller }: ServiceContext, beganMs: number): Promise<void> {
  const nowMs = clockMs();
  const delayMs = security.failedLogins.delayMs(caller.host, nowMs);
  // A client that does not wait for the answer may not keep a timer and a request for it either.
  if (caller.login?.isGone !== true) await sleep(Math.max(0, beganMs + delayMs - nowMs));
}

/** Whether the caller first has to say who it is. */
export function isLoginDue({ caller }: ServiceContext): boolean {
  return caller.status === "unknown";
}

/** The user who has logged in; undefined if nobody has to. */
export function userOf({ caller }: ServiceContext): string | undefined {
  return caller.login === undefined ? undefined : caller.principal.slice("User:".length);
}

/** Why no request of this caller is served, other than one to log in; undefined if they are. */
export function loginFault({ caller }: ServiceContext): RustLogError | undefined {
  switch (caller.status) {
    case "known":
      return undefined;
    case "unknown":
      return new RustLogError(
        "ILLEGAL_SASL_STATE",
        "the broker requires a login before this request",
      );
    case "gone": {
      const who =
        caller.login === undefined
          ? "the broker requires a login now"
          : "the login does not hold any more";
      return new RustLogError("ILLEGAL_SASL_STATE", who);
    }
  }
}

/** Why the connection of this caller has to end; undefined if it may stay. */
export function endOfLogin(context: ServiceContext): RustLogError | undefined {
  return context.caller.status === "gone" ? loginFault(context) : undefined;
}

function loginOf({ caller }: ServiceContext): Login {
  if (caller.login !== undefined) return caller.login;
  throw new RustLogError("ILLEGAL_SASL_STATE", "the broker requires no login");
}
