// Logs a connection in before anything else is sent over it, and again before the login expires.
// Leaves to others: the arithmetic of SCRAM (security/scram.ts), and the connection (broker-connection).
import { RustLogError } from "../errors.js";
import { TIMER_MS_MAX } from "../limits.js";
import { Authenticate } from "../protocol/native/authenticate.js";
import { ScramClient, ScramError, type ScramMechanism } from "../security/scram.js";
import type { ResponseOf } from "../protocol/native/schema.js";
import { checkChoice, checkObject, checkString, wrongType } from "./argument-check.js";
import type { BrokerConnection } from "./broker-connection.js";

/** The mechanisms for passwords. */
export const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] as const;

/** The mechanism for tokens. */
const OAUTHBEARER = "OAUTHBEARER";

/** Who the client is: somebody with a password, or with a token. */
export type SaslOptions = PasswordOptions | TokenOptions;

/** A user with a password. */
export interface PasswordOptions {
  readonly username: string;
  readonly password: string;
  /** Default: SCRAM-SHA-256. With PLAIN the password itself is sent: only TLS keeps it secret. */
  readonly mechanism?: ScramMechanism | "PLAIN";
}

/** Whom a token names. */
export interface TokenOptions {
  readonly mechanism: typeof OAUTHBEARER;
  /**
   * A signed token (JWT), or a function that gets a valid one. It is called for each connection, and again before the token
   * has expired; requests go on meanwhile. Only TLS keeps a token secret.
   */
  readonly token: string | (() => string | Promise<string>);
}

/** Throws INVALID_CONFIG. */
export function checkSasl(sasl: SaslOptions | undefined): void {
  if (sasl === undefined) return;
  checkObject("INVALID_CONFIG", "sasl", sasl);
  checkChoice("mechanism of sasl", sasl.mechanism, [...MECHANISMS, OAUTHBEARER]);
  if (sasl.mechanism === OAUTHBEARER) {
    if (typeof sasl.token === "string" || typeof sasl.token === "function") return;
    throw wrongType("INVALID_CONFIG", "token of sasl", "a string or a function", sasl.token);
  }
  checkString("INVALID_CONFIG", "username of sasl", sasl.username);
  checkString("INVALID_CONFIG", "password of sasl", sasl.password);
}

/** Sends a message, the first one or a later one. */
type Send = (message: Uint8Array, begins?: boolean) => Promise<ResponseOf<typeof Authenticate>>;

/**
 * Resolves with the time after which the client has to log in again, in milliseconds; 0 for never. Throws
 * SASL_AUTHENTICATION_FAILED, also if the broker does not prove that it knows the user, and what a function for the token
 * throws.
 */
export async function logIn(
  connection: BrokerConnection,
  sasl: SaslOptions,
  timeoutMs: number,
): Promise<number> {
  const { mechanism: name = "SCRAM-SHA-256" } = sasl;
  const send: Send = async (message, begins = false) => {
    const request = { mechanism: begins ? name : "", message };
    const payload = await connection.request(
      (id) => Authenticate.encodeRequest(id, request),
      timeoutMs,
    );
    return Authenticate.decodeResponse(payload);
  };
  if (sasl.mechanism === OAUTHBEARER) return logInWithToken(sasl, send);
  const { username, password, mechanism = "SCRAM-SHA-256" } = sasl;
  if (mechanism === "PLAIN") {
    const { sessionLifetimeMs } = await send(Buffer.from(`\0${username}\0${password}`), true);
    return sessionLifetimeMs;
  }
  const client = new ScramClient(mechanism, username, password);
  try {
    const challenge = await send(client.first(), true);
    const last = await send(await client.answer(challenge.message));
    client.check(last.message);
    return last.sessionLifetimeMs;
  } catch (error) {
    if (!(error instanceof ScramError)) throw error;
    throw new RustLogError("SASL_AUTHENTICATION_FAILED", error.message, { cause: error });
  }
}

/** RFC 7628. A status instead of a login is answered with one byte, and the broker answers that with an error. */
async function logInWithToken({ token }: TokenOptions, send: Send): Promise<number> {
  const text = typeof token === "string" ? token : await token();
  const step = await send(Buffer.from(`n,,\x01auth=Bearer ${text}\x01\x01`), true);
  if (step.isComplete) return step.sessionLifetimeMs;
  try {
    return (await send(Uint8Array.of(1))).sessionLifetimeMs;
  } catch (error) {
    // The broker's message is a status for programs.
    if (!(error instanceof RustLogError) || error.code !== "SASL_AUTHENTICATION_FAILED")
      throw error;
    const message = "the broker has not accepted the token";
    throw new RustLogError(error.code, message, { cause: error });
  }
}

/**
 * The part of its time after which a login is made again: at random from here to 10 % later, so that not all clients do it
 * at once. A little earlier than Kafka's clients, so that there is time for another attempt.
 */
const RENEWAL_SHARE_MIN = 0.7;

/** A login that holds for less is not made again: another connection will be. */
const RENEWED_MS_MIN = 100;

/** Longest wait before another attempt to get a token, in milliseconds. */
const TOKEN_RETRY_MS_MAX = 10_000;

/** Logs a connection in again before its login has expired. */
export class LoginRenewal {
  readonly #sasl: SaslOptions;
  readonly #timeoutMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the login expires, on the clock of `performance.now()`. */
  #expiresAtMs = 0;

  constructor(sasl: SaslOptions, timeoutMs: number) {
    this.#sasl = sasl;
    this.#timeoutMs = timeoutMs;
  }

  /** Begins for a connection, and ends for the one before it. */
  begin(connection: BrokerConnection, lifetimeMs: number): void {
    this.end();
    // The same token would expire at the same time.
    const isFixed = this.#sasl.mechanism === OAUTHBEARER && typeof this.#sasl.token === "string";
    if (isFixed || lifetimeMs < RENEWED_MS_MIN) return;
    this.#expiresAtMs = performance.now() + lifetimeMs;
    const ms = lifetimeMs * (RENEWAL_SHARE_MIN + Math.random() / 10);
    this.#wait(connection, Math.min(ms, TIMER_MS_MAX));
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #wait(connection: BrokerConnection, ms: number): void {
    this.#timer = setTimeout(() => void this.#renew(connection), ms);
  }

  async #renew(connection: BrokerConnection): Promise<void> {
    if (!connection.isOpen) return;
    try {
      this.begin(connection, await logIn(connection, this.#sasl, this.#timeoutMs));
    } catch (error) {
      // The broker closes a connection whose login has failed, and the next one reports why. No token is another matter.
      if (error instanceof RustLogError) return;
      const leftMs = this.#expiresAtMs - performance.now();
      if (leftMs >= RENEWED_MS_MIN)
        this.#wait(connection, Math.min(TOKEN_RETRY_MS_MAX, leftMs / 4));
    }
  }
}
