// Logs a connection in before anything else is sent over it.
// Leaves to others: the arithmetic of SCRAM (security/scram.ts), and the connection (broker-connection).
import { RustLogError } from "../errors.js";
import { Authenticate } from "../protocol/native/authenticate.js";
import { ScramClient, ScramError, type ScramMechanism } from "../security/scram.js";
import { checkChoice, checkObject, checkString } from "./argument-check.js";
import type { BrokerConnection } from "./broker-connection.js";

export const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] as const;

/** Who the client is. */
export interface SaslOptions {
  readonly username: string;
  readonly password: string;
  /** Default: SCRAM-SHA-256. With PLAIN the password itself is sent: only TLS keeps it secret. */
  readonly mechanism?: ScramMechanism | "PLAIN";
}

/** Throws INVALID_CONFIG. */
export function checkSasl(sasl: SaslOptions | undefined): void {
  if (sasl === undefined) return;
  checkObject("INVALID_CONFIG", "sasl", sasl);
  checkString("INVALID_CONFIG", "username of sasl", sasl.username);
  checkString("INVALID_CONFIG", "password of sasl", sasl.password);
  checkChoice("mechanism of sasl", sasl.mechanism, MECHANISMS);
}

/** Throws SASL_AUTHENTICATION_FAILED, also if the broker does not prove that it knows the user. */
export async function logIn(
  connection: BrokerConnection,
  { username, password, mechanism = "SCRAM-SHA-256" }: SaslOptions,
  timeoutMs: number,
): Promise<void> {
  const send = async (message: Uint8Array, begins: boolean) => {
    const request = { mechanism: begins ? mechanism : "", message };
    const payload = await connection.request(
      (id) => Authenticate.encodeRequest(id, request),
      timeoutMs,
    );
    return Authenticate.decodeResponse(payload);
  };
  if (mechanism === "PLAIN") {
    await send(Buffer.from(`\0${username}\0${password}`), true);
    return;
  }
  const client = new ScramClient(mechanism, username, password);
  try {
    const challenge = await send(client.first(), true);
    const last = await send(await client.answer(challenge.message), false);
    client.check(last.message);
  } catch (error) {
    if (!(error instanceof ScramError)) throw error;
    throw new RustLogError("SASL_AUTHENTICATION_FAILED", error.message, { cause: error });
  }
}
