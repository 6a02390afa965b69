// SaslHandshake and SaslAuthenticate.
// Leaves to others: the login (services/login.ts).
import { RustLogError } from "../../../errors.js";
import type { ServiceContext } from "../../../services/context.js";
import { beginLogin, continueLogin, loginMechanisms } from "../../../services/login.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { SaslAuthenticate, SaslHandshake } from "../sasl.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";

export function saslHandshake(
  context: ServiceContext,
  { mechanism }: RequestOf<typeof SaslHandshake>,
  call: Call,
): ResponseOf<typeof SaslHandshake> {
  const mechanisms = loginMechanisms(context);
  try {
    beginLogin(context, mechanism);
    if (call.version === 0) call.expectMessages();
    return { errorCode: CODE.NONE, mechanisms };
  } catch (error) {
    if (error instanceof RustLogError) return { errorCode: kafkaCode(error), mechanisms };
    throw error;
  }
}

export async function saslAuthenticate(
  context: ServiceContext,
  { authBytes }: RequestOf<typeof SaslAuthenticate>,
  { connection }: Call,
): Promise<ResponseOf<typeof SaslAuthenticate>> {
  try {
    const { message, sessionLifetimeMs } = await continueLogin(context, authBytes);
    return { errorCode: CODE.NONE, errorMessage: null, authBytes: message, sessionLifetimeMs };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    // Like Kafka, after the answer: a client may not guess on.
    connection.close(error);
    return {
      ...{ errorCode: kafkaCode(error), errorMessage: error.message },
      ...{ authBytes: new Uint8Array(0), sessionLifetimeMs: 0 },
    };
  }
}
