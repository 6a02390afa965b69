// What all routes share: an answer as JSON, and a refusal with its status. Leaves to others: the body of a request (body.ts).
import { RustLogError } from "../../errors.js";
import type { Refusal } from "../page/wire.js";

/** Answers with what `work` returns, or with the refusal that it throws. */
export async function answered(work: () => unknown): Promise<Response> {
  try {
    return Response.json(await work());
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    const refusal: Refusal = { code: error.code, message: error.message };
    return Response.json(refusal, { status: statusOf(error) });
  }
}

function statusOf({ code }: RustLogError): number {
  if (code === "UNKNOWN_TOPIC_OR_PARTITION" || code === "GROUP_NOT_FOUND") return 404;
  if (code.endsWith("_AUTHORIZATION_FAILED")) return 403;
  const isOurs = ["DISK_FULL", "STORAGE_ERROR", "BROKER_STOPPING", "BROKER_OVERLOADED"];
  return isOurs.includes(code) ? 503 : 400;
}

export function notFound(): Response {
  return new Response("not found\n", { status: 404 });
}

export function invalid(message: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", message);
}
