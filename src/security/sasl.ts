// The server's side of SASL (RFC 4422): messages in, messages out, and at the end who the client is.
// Leaves to others: SCRAM itself (scram.ts), the users (users.ts), and carrying the messages (the protocols).
import { RustLogError } from "../errors.js";
import type { Identity, LoginStep } from "./identity.js";
import type { LoginChecks, LoginClient } from "./login-checks.js";
import {
  isPassword,
  SCRAM_MECHANISMS,
  ScramError,
  type ScramMechanism,
  ScramServer,
} from "./scram.js";
import type { Users } from "./users.js";

/** One login. Rejects with SASL_AUTHENTICATION_FAILED, after which it can't go on. */
export interface SaslExchange {
  readonly mechanism: string;
  /** Who the client claims to be; undefined before it says so. */
  readonly claimedUser?: string | undefined;
  step(message: Uint8Array): Promise<LoginStep>;
}

export type BeginLogin = (client: LoginClient) => SaslExchange;

/** A mechanism by name. */
export type SaslMechanisms = ReadonlyMap<string, BeginLogin>;

export const PASSWORD_MECHANISMS = ["PLAIN", ...SCRAM_MECHANISMS] as const;

/** The mechanisms for users with passwords. */
export function passwordMechanisms(users: Users, checks: LoginChecks): Map<string, BeginLogin> {
  const mechanisms = new Map<string, BeginLogin>();
  mechanisms.set("PLAIN", (client) => new PlainExchange(users, checks, client));
  for (const mechanism of SCRAM_MECHANISMS)
    mechanisms.set(mechanism, () => new ScramExchange(mechanism, users));
  return mechanisms;
}

/** The same for everything that is wrong, so that nobody learns which users there are. */
export function authenticationFailed(mechanism: string, cause: unknown): RustLogError {
  return new RustLogError(
    "SASL_AUTHENTICATION_FAILED",
    `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`,
    { cause },
  );
}

class ScramExchange implements SaslExchange {
  readonly mechanism: ScramMechanism;
  readonly #users: Users;
  readonly #server: ScramServer;
  claimedUser: string | undefined;
  /** Set after the first message. */
  #identity: Identity | undefined;

  constructor(mechanism: ScramMechanism, users: Users) {
    this.mechanism = mechanism;
    this.#users = users;
    this.#server = new ScramServer(mechanism);
  }

  async step(message: Uint8Array): Promise<LoginStep> {
    try {
      if (this.#identity !== undefined) {
        return { bytes: this.#server.finish(message), identity: this.#identity };
      }
      const { user } = this.#server.read(message);
      this.claimedUser = user;
      this.#identity = identityOf(this.#users, user);
      return { bytes: this.#server.challenge(this.#users.credential(user, this.mechanism)) };
    } catch (error) {
      if (error instanceof ScramError) throw authenticationFailed(this.mechanism, error);
      throw error;
    }
  }
}

/** PLAIN (RFC 4616): the password itself, so only TLS keeps it secret. */
class PlainExchange implements SaslExchange {
  readonly mechanism = "PLAIN";
  claimedUser: string | undefined;
  readonly #users: Users;
  readonly #checks: LoginChecks;
  readonly #client: LoginClient;

  constructor(users: Users, checks: LoginChecks, client: LoginClient) {
    this.#users = users;
    this.#checks = checks;
    this.#client = client;
  }

  async step(message: Uint8Array): Promise<LoginStep> {
    const [authorizationId, user, password, ...rest] = partsOf(message);
    if (user === undefined || password === undefined || rest.length > 0) {
      throw authenticationFailed(this.mechanism, new Error("the message has not three parts"));
    }
    this.claimedUser = user;
    if (authorizationId !== "" && authorizationId !== user) {
      throw authenticationFailed(this.mechanism, new Error("the client wants to act as another"));
    }
    const identity = identityOf(this.#users, user);
    const { mechanism, credential } = this.#users.plainCredential(user);
    const check = () => isPassword(mechanism, password, credential);
    if (!(await this.#checks.run(this.#client, check))) {
      throw authenticationFailed(this.mechanism, new Error("the password is wrong"));
    }
    return { bytes: new Uint8Array(0), identity };
  }
}

function partsOf(message: Uint8Array): readonly string[] {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(message).split("\0");
  } catch {
    return [];
  }
}

function identityOf(users: Users, name: string): Identity {
  const stamp = users.stampOf(name);
  return {
    principal: `User:${name}`,
    isCurrent: () => stamp !== 0 && users.stampOf(name) === stamp,
  };
}
