// Who a client has proved to be. Leaves to others: the proof (sasl.ts).

/** A user as Kafka writes it. */
export type Principal = `User:${string}`;

/** Everyone who has not said who they are. */
export const ANONYMOUS: Principal = "User:ANONYMOUS";

export interface Identity {
  readonly principal: Principal;
  /** When the proof expires, in milliseconds since the epoch; undefined if it does not. */
  readonly expiresAtMs?: number | undefined;
  /** Whether the login still holds: false once the user was deleted or has another password. */
  isCurrent(): boolean;
}

/** One step of a login: what to send, and at the end the identity. */
export interface LoginStep {
  readonly bytes: Uint8Array;
  readonly identity?: Identity;
}
