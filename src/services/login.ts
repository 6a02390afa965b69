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
  loginOf(context).begin(mechanism);
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
  const beganMs = clockMs();
  const { bytes, identity } = await login.step(message).catch(async (error: unknown) => {
    if (error instanceof RustLogError && error.code === "SASL_AUTHENTICATION_FAILED")
      await delayFailure(context, beganMs);
    throw error;
  });
  const expiresAtMs = identity?.expiresAtMs;
  return {
    message: bytes,
    isComplete: identity !== undefined,
    sessionLifetimeMs: expiresAtMs === undefined ? 0 : Math.max(1, expiresAtMs - Date.now()),
  };
}

/**
 * Makes guessing slow. The time counts from the client's message, so that the answer does not tell how long the check took:
 * that differs by user.
 */
function delayFailure({ security, caller }: ServiceContext, beganMs: number): Promise<void> {
  const nowMs = clockMs();
  const delayMs = security.failedLogins.delayMs(caller.host, nowMs);
  return sleep(Math.max(0, beganMs + delayMs - nowMs));
}

/** Whether the caller first has to say who it is. */
export function isLoginDue({ caller }: ServiceContext): boolean {
  return caller.status === "unknown";
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
