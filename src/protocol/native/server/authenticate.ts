// Authenticate. Leaves to others: the login (services/login.ts).
import { RustLogError } from "../../../errors.js";
import { Authenticate, type AuthenticateRequest } from "../authenticate.js";
import type { ServiceContext } from "../../../services/context.js";
import { beginLogin, continueLogin } from "../../../services/login.js";
import type { Exchange } from "./exchange.js";

/** Answers an Authenticate request. */
export async function authenticate(
  context: ServiceContext,
  exchange: Exchange,
  { mechanism, message }: AuthenticateRequest,
): Promise<void> {
  try {
    if (mechanism !== "") beginLogin(context, mechanism);
    const step = await continueLogin(context, message);
    exchange.answer(Authenticate.encodeResponse(exchange.correlationId, step));
  } catch (error) {
    exchange.fail(error);
    // A client may not guess on.
    if (error instanceof RustLogError) exchange.connection.close(error);
  }
}
