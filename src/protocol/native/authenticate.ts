// Authenticate: the messages of a SASL login.
// Leaves to others: what is in the messages (security/scram.ts).
import { api, type RequestOf } from "./schema.js";

export const Authenticate = api("Authenticate", {
  request: {
    /** Begins a login; empty to continue it. */
    mechanism: "string",
    message: "bytes",
  },
  response: {
    message: "bytes",
    /** Whether the client is logged in. */
    isComplete: "bool",
    /** Milliseconds after which it has to log in again; 0 for never. */
    sessionLifetimeMs: "i64",
  },
});

export type AuthenticateRequest = RequestOf<typeof Authenticate>;
