// Logs in on a connection that asks questions, with PLAIN.
// Leaves to others: the questions (permission-questions.ts).
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { decodeResponse, encodeRequest } from "../../../src/protocol/kafka/headers.js";
import type { OracleConnection } from "./oracle.js";
import { concat } from "../../support/bytes.js";

export async function logIn(
  connection: OracleConnection,
  user: string,
  password: string,
): Promise<void> {
  const { SaslHandshake, SaslAuthenticate } = KAFKA_APIS;
  const header = { correlationId: 1, clientId: "test" };
  const handshake = { mechanism: "PLAIN" };
  const authBytes = Buffer.from(`\0${user}\0${password}`);
  const requests = [
    encodeRequest(SaslHandshake, { ...header, apiVersion: 1 }, handshake),
    encodeRequest(SaslAuthenticate, { ...header, apiVersion: 2 }, { authBytes }),
  ];
  const { payloads } = await connection.ask(concat(requests));
  if (payloads[1] === undefined) throw new Error(`the login of ${user} is not answered`);
  const { errorCode } = decodeResponse(SaslAuthenticate, 2, payloads[1]).value;
  if (errorCode !== 0) throw new Error(`${user} can't log in: ${errorCode}`);
}
