// Who sends the requests of a connection, and so what they may do.
// Leaves to others: what is asked of a caller (services/).
import { ANONYMOUS, type LoginStep, type Principal } from "./identity.js";
import type { Operation, ResourceType } from "./permission.js";

/**
 * Whether requests of a caller are served: `unknown` if it first has to say who it is, `gone` if its login does not hold
 * any more, or the broker requires one since.
 */
export type CallerStatus = "known" | "unknown" | "gone";

export interface Caller {
  readonly principal: Principal;
  /** Address of the client; empty if it is not known. */
  readonly host: string;
  readonly status: CallerStatus;
  /** Undefined if the broker lets everyone do everything. */
  readonly login: Login | undefined;
  /** Whether it may do this to the resource of this name. */
  may(operation: Operation, type: ResourceType, name: string): boolean;
  /** Whether it may do this to at least one resource of a type, whether that exists or not. */
  mayOnAny(operation: Operation, type: ResourceType): boolean;
}

/** How a caller says who it is; afterwards it is that caller, until it does so again. */
export interface Login {
  /** Names of the mechanisms. */
  readonly mechanisms: readonly string[];
  /** Mechanism of a login that has begun and is not complete. */
  readonly begun: string | undefined;
  /** Who the client claims to be in the login that has begun, or has just failed; undefined before it says so. */
  readonly claimedUser: string | undefined;
  /** Whether the client has left, so that nobody waits for an answer. */
  readonly isGone: boolean;
  /** When the login expires, in milliseconds since the epoch; undefined if never. */
  readonly expiresAtMs: number | undefined;
  /** Begins a login. Throws UNSUPPORTED_SASL_MECHANISM. */
  begin(mechanism: string): void;
  /**
   * Takes a message of the client. Rejects with SASL_AUTHENTICATION_FAILED, and with ILLEGAL_SASL_STATE if none has begun
   * or another user logs in.
   */
  step(message: Uint8Array): Promise<LoginStep>;
}

/** Who is at the other end of a connection, as far as the connection tells. */
export interface Peer {
  /** Its address; empty if it is not known. */
  readonly address: string;
  /** Its certificate, in DER, which the connection has checked; undefined if it has shown none. */
  readonly certificate?: Uint8Array | undefined;
  /** Whether the connection is closed. */
  readonly isGone?: boolean;
}

/** The caller of the broker itself, and of everyone if it has no security. */
export const EVERYONE: Caller = {
  principal: ANONYMOUS,
  host: "",
  status: "known",
  login: undefined,
  may: () => true,
  mayOnAny: () => true,
};
