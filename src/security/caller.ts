// Who sends the requests of a connection, and so what they may do.
// Leaves to others: what is asked of a caller (services/).
import type { Operation, ResourceType } from "./permission.js";

/** A user as Kafka writes it. */
export type Principal = `User:${string}`;

/** Everyone who has not said who they are. */
export const ANONYMOUS: Principal = "User:ANONYMOUS";

export interface Caller {
  readonly principal: Principal;
  /** Address of the client; empty if it is not known. */
  readonly host: string;
  /** Whether it may do this to the resource of this name. */
  may(operation: Operation, type: ResourceType, name: string): boolean;
  /** Whether it may do this to at least one resource of a type, whether that exists or not. */
  mayOnAny(operation: Operation, type: ResourceType): boolean;
}

/** Who is at the other end of a connection, as far as the connection tells. */
export interface Peer {
  /** Its address; empty if it is not known. */
  readonly address: string;
}

/** Tells who calls. */
export interface Security {
  callerOf(peer: Peer): Caller;
}

/** The caller of a broker without security: anyone, who may do everything. */
export const EVERYONE: Caller = {
  principal: ANONYMOUS,
  host: "",
  may: () => true,
  mayOnAny: () => true,
};

export const NO_SECURITY: Security = { callerOf: () => EVERYONE };
